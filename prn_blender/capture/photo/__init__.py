"""Photo files, and parts of pictures."""
