"""Heads from photos without a window."""
