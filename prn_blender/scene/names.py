"""Names of datablocks."""


def as_name(file_name: str) -> str:
    """A file name that is no valid Unicode is no name for Blender."""
    return file_name.encode("utf-8", "replace").decode()
