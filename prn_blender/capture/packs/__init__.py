"""Model packs: what the networks are and what their output means."""
