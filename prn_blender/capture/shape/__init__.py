"""The head's surface: meshes of it, and how it is changed."""
