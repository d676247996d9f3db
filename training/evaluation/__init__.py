"""What a pack is worth: on annotated photos, on rendered heads, on a scan."""
