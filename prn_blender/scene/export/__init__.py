"""Captured heads for other programs."""
