"""The photo's colours by UV."""
