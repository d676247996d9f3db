"""Pictures of random heads with exact labels."""
