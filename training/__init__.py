"""How the head packs are made: synthetic heads, training, export."""
