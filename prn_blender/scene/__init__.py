"""`Capture` to Blender datablocks: mesh, material, landmarks, camera, alignment, preview and export."""
