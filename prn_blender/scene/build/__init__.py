"""A capture to Blender datablocks."""
