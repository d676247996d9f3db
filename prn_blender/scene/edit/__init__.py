"""Changes of a captured head: alignment and landmarks."""
