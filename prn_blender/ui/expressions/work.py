"""What is computed for expressions, in a thread: nothing of Blender is read or changed there."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...capture.progress import Progress
from ..shell.packs import packs_to_choose_from

if TYPE_CHECKING:
    from ...capture.shape.expressions import Expressions, PhotoExpression


def make_expressions(
    context: bpy.types.Context, head: bpy.types.Object, copied: "PhotoExpression | None" = None
) -> "Callable[[Progress], Expressions]":
    """Work that makes a captured head's expressions.

    Args:
        copied: what another head shows of its photo, which becomes one of them.

    Raises:
        CaptureError: the head's pack is not installed.
    """
    from ...capture.record import look_in
    from ...scene.fitted import size_of
    from ...scene.posed import pack_of_head, vertices_of_head
    from ...scene.record import read_record

    record = read_record(head)
    pack, vertices, size = pack_of_head(head, packs_to_choose_from(context)), vertices_of_head(head), size_of(head)
    told, gaze = record.get("expression"), look_in(record).gaze
    coefficients = None if told is None else np.array(told)

    def work(progress: Progress) -> "Expressions":
        from ...capture.packs.pack import load_pack
        from ...capture.shape.mesh import expressions_of_mesh

        progress(0.0, "Making the expressions")
        loaded = load_pack(pack.folder)
        topology = loaded.choose_topology(record["settings"]["topology"])
        return expressions_of_mesh(loaded, topology, vertices, coefficients, gaze, size, copied)

    return work
