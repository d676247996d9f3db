"""The files of a capture."""
