"""The expressions of a captured head."""

from . import operators, panels, properties

CLASSES = (
    properties.PRN_PG_expressions,
    operators.PRN_OT_add_expressions,
    operators.PRN_OT_remove_expressions,
    operators.PRN_OT_show_face,
    operators.PRN_OT_add_combinations,
    operators.PRN_OT_copy_expression,
    operators.PRN_OT_show_all_expressions,
    panels.PRN_PT_expressions,
)
PARTS = (properties,)
