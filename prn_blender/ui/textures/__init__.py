"""Another person's texture on a captured head and in its photo."""

from . import operators, panels, properties

CLASSES = (
    properties.PRN_PG_textures,
    operators.PRN_OT_take_region,
    operators.PRN_OT_swap_face,
    panels.PRN_PT_textures,
)
PARTS = (properties,)
