"""Crop, position map, camera, pose, visibility: what lies where."""
