"""A head that follows its pins, with the pack that it was captured with."""

from typing import TYPE_CHECKING

import bpy

from ..shell.packs import packs_to_choose_from

if TYPE_CHECKING:
    from ...scene.edit.pins import PinnedHead


def pinned_head(context: bpy.types.Context, head: bpy.types.Object) -> "PinnedHead":
    """
    Raises:
        CaptureError: its pack is not installed, or is another one.
    """
    from ...capture.packs.pack import load_pack
    from ...scene.edit.pins import PinnedHead
    from ...scene.posed import pack_of_head

    return PinnedHead(head, load_pack(pack_of_head(head, packs_to_choose_from(context)).folder))
