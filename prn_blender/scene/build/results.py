"""Image datablocks that are the result of a job on a head: made anew each time, in the place of the one before."""

import bpy

_RESULT = "prn_result"  # on the image: of which job it is the result


def keep_result(image: bpy.types.Image, name: str) -> bpy.types.Image:
    """Gives a new image its name; an older result of this name goes, and the new one is shown where it was."""
    for older in [other for other in bpy.data.images if other != image and other.get(_RESULT) == name]:
        older.user_remap(image)
        bpy.data.images.remove(older)
    image.name = name
    image[_RESULT] = name
    image.use_fake_user = True  # saved with the file even while nothing shows it
    return image
