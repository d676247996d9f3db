"""The choices for a capture, kept with the scene."""

from functools import cache
from pathlib import Path

import bpy

from ...capture import types
from ...capture.errors import CaptureError
from ...capture.packs.pack import PREFERRED_TOPOLOGY, PackDescription, describe_pack
from ...scene.build.placement import BESIDE, CURSOR, ORIGIN
from ...scene.edit.align import FRONTAL
from ..head.alignments import ALIGNMENTS
from ..shell import session
from ..shell.packs import chosen_pack, packs_to_choose_from
from ..shell.preferences import PROVIDERS

FACES = (
    ("LARGEST", "Largest", "The face with the largest box, of those that are about as sure as the surest"),
    ("ALL", "All", "One head for every face"),
    ("INDEX", "Chosen", "The face chosen among those found"),
    ("BOX", "Box", "The face in a box given by hand; nothing is detected"),
)
PLACEMENTS = (
    (BESIDE, "Side by Side", "At the origin; beside the heads that already stand there"),
    (CURSOR, "3D Cursor", "At the 3D cursor"),
    (ORIGIN, "Origin", "At the origin, whatever stands there"),
)
SCENE_CAMERA = (
    ("AUTO", "If There Is None", "Where the scene has no camera of its own"),
    ("ALWAYS", "Always", "The photo's camera becomes the scene's, and the photo's size the render size"),
    ("NEVER", "Never", "Scene camera and render size stay as they are; the view through the photo's camera works too"),
)
PROJECTIONS = (
    (
        "auto",
        "From Photo",
        "What the camera wrote into the photo (EXIF); estimated from the face where it wrote nothing",
    ),
    ("focal", "By Hand", "A focal length that you know"),
    ("orthographic", "Orthographic", "No perspective"),
)
# Blender offers paths that begin with // where a property is known to understand them.
RELATIVE_TO_BLEND = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()
HEAD_SIZES = (
    ("average", "Average", "As heads of adults are on average"),
    (
        "irises",
        "By the Irises",
        "These are about as wide in everybody: for sharp photos; as on average where both are not seen well",
    ),
    ("eyes", "Eye Distance", "By how far the eyes are apart, which you know"),
)
TEXTURE_SIZES = tuple((str(size), str(size), f"{size} x {size} pixels") for size in types.TEXTURE_SIZES)
PARTS = (
    ("simple", "Simple", "Patches close eyes and mouth; their picture is the photo's"),
    (
        "whole",
        "Whole",
        "Eyeballs, lashes, teeth, gums and the mouth's inside as objects; not every pack has them",
    ),
)
POLYGONS = (
    ("QUADS", "Quads", "The topology's quads"),
    ("TRIANGLES", "Triangles", "Every quad split in two, the same way in every capture"),
)


def topology_items(options, context: bpy.types.Context | None) -> tuple[tuple[str, str, str], ...]:
    """The topologies of the pack that is chosen, the default pack's where it cannot be read."""
    try:
        folder = chosen_pack(context or bpy.context, options.pack if options else "")
        described = describe_pack(folder)
    except CaptureError:
        described = describe_pack()
    return _topology_items(described)


@cache  # Blender keeps no copy of the strings
def _topology_items(pack: PackDescription) -> tuple[tuple[str, str, str], ...]:
    # The first item is the default.
    preferred_first = sorted(pack.topologies, key=lambda choice: choice.name != PREFERRED_TOPOLOGY)
    return tuple(
        (choice.name, f"{choice.title}, {choice.quads / 1000:.0f}k", f"{choice.quads:,} quads{choice.about}")
        for choice in preferred_first
    )


class CaptureOptions:
    """Properties that the scene and the operator have in common."""

    face: bpy.props.EnumProperty(
        name="Face", description="Which face becomes a head", items=FACES, default="LARGEST", options={"SKIP_SAVE"}
    )
    face_index: bpy.props.IntProperty(
        name="Face Index",
        description="Which of the found faces, 0 is the most certain one",
        min=0,
        options={"SKIP_SAVE"},
    )
    box: bpy.props.FloatVectorProperty(
        name="Face Box",
        description="Left, top, right and bottom of the face in pixels of the upright photo, from brows to chin",
        size=4,
        subtype="NONE",
        precision=0,
        step=100,
        options={"SKIP_SAVE"},
    )
    projection: bpy.props.EnumProperty(
        name="Focal Length",
        description="Where the camera's focal length comes from",
        items=PROJECTIONS,
        default="auto",
        options={"SKIP_SAVE"},
    )
    focal_mm: bpy.props.FloatProperty(
        name="35 mm Equivalent",
        description="Focal length as on a 36 x 24 mm sensor; a phone's main camera has about 26 mm",
        subtype="DISTANCE_CAMERA",
        default=50.0,
        min=types.FOCAL_MM[0],
        soft_max=300.0,
        max=types.FOCAL_MM[1],
        options={"SKIP_SAVE"},
    )
    passes: bpy.props.IntProperty(
        name="Passes",
        description="How often the network looks; from the second time on it follows the landmarks it found before",
        default=types.Settings.passes,
        min=types.PASSES.start,
        max=types.PASSES.stop - 1,
        options={"SKIP_SAVE"},
    )
    texture_size: bpy.props.EnumProperty(
        name="Size",
        description="Pixels of a side of the texture",
        items=TEXTURE_SIZES,
        default="2048",
        options={"SKIP_SAVE"},
    )
    fill: bpy.props.BoolProperty(
        name="Fill Hidden Parts",
        description="Continue the texture where the photo does not show the head; otherwise it stays black there",
        default=True,
        options={"SKIP_SAVE"},
    )
    pack: bpy.props.StringProperty(
        name="Model Pack",
        description="Name of an installed model pack, or the folder of one. Empty: that of the preferences",
        options={"SKIP_SAVE"},
    )
    topology: bpy.props.EnumProperty(
        name="Topology",
        description="How the head's surface is divided. Heads of one topology have the same faces in the same order",
        items=topology_items,
        options={"SKIP_SAVE"},
    )
    parts: bpy.props.EnumProperty(
        name="Parts",
        description="What the head has besides its skin",
        items=PARTS,
        default="simple",
        options={"SKIP_SAVE"},
    )
    follow: bpy.props.FloatProperty(
        name="Follow Photo",
        description="How much of what the photo shows beyond what heads are like goes into the shape. With 0 % the "
        "head is as likely as can be, with 100 % it lies on the photo as well as can be",
        subtype="FACTOR",
        default=types.Settings.follow,
        min=0.0,
        max=1.0,
        options={"SKIP_SAVE"},
    )
    head_size: bpy.props.EnumProperty(
        name="Size",
        description="Where the head's size comes from",
        items=HEAD_SIZES,
        default=types.Settings.head_size,
        options={"SKIP_SAVE"},
    )
    eye_mm: bpy.props.FloatProperty(
        name="Eye Distance",
        description="From pupil to pupil in millimetres, as an optician measures it; 63 mm on average, 50 mm at five "
        "years of age",
        default=types.Settings.eye_mm,
        min=types.EYE_MM[0],
        max=types.EYE_MM[1],
        precision=1,
        options={"SKIP_SAVE"},
    )
    expressions: bpy.props.BoolProperty(
        name="Expressions",
        description="ARKit's 52 as shape keys: lids that close, a mouth that opens. The head without the photo's "
        "expression is their basis",
        default=False,
        options={"SKIP_SAVE"},
    )
    polygons: bpy.props.EnumProperty(
        name="Faces",
        description="What the mesh is made of",
        items=POLYGONS,
        default="QUADS",
        options={"SKIP_SAVE"},
    )
    alignment: bpy.props.EnumProperty(
        name="Alignment",
        description="How head and camera stand in the scene",
        items=ALIGNMENTS,
        default=FRONTAL,
        options={"SKIP_SAVE"},
    )
    placement: bpy.props.EnumProperty(
        name="Place",
        description="Where a new head stands",
        items=PLACEMENTS,
        default=BESIDE,
        options={"SKIP_SAVE"},
    )
    scene_camera: bpy.props.EnumProperty(
        name="Set Scene Camera",
        description="Whether the photo's camera becomes the scene's, and the photo's size the render size",
        items=SCENE_CAMERA,
        default="AUTO",
        options={"SKIP_SAVE"},
    )
    turn_view: bpy.props.BoolProperty(
        name="Turn View to Front",
        description="Look at a new head from its front",
        default=True,
        options={"SKIP_SAVE"},
    )


def _other_photo(options: "PRN_PG_capture", context: bpy.types.Context) -> None:
    """A chosen face or a box of one photo means nothing in another."""
    if options.face in {"INDEX", "BOX"}:
        options.face = "LARGEST"


def _pack_items(options: "PRN_PG_capture", context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    """The installed packs, and one that was chosen and is not installed here."""
    packs = packs_to_choose_from(context or bpy.context)
    items = [(pack.identity, pack.description.title, f"Licence: {pack.description.license}") for pack in packs]
    if options.pack and not any(pack.answers_to(options.pack) for pack in packs):
        items.append((options.pack, f"{Path(options.pack).name} (elsewhere)", options.pack))
    _shown_items[:] = items
    return _shown_items


_shown_items: list[tuple[str, str, str]] = []  # Blender keeps no copy of the strings


def _pack_shown(options: "PRN_PG_capture") -> int:
    """Which of the items is chosen; the first one where none is."""
    packs = packs_to_choose_from(bpy.context)
    if not options.pack:
        return 0
    return next((index for index, pack in enumerate(packs) if pack.answers_to(options.pack)), len(packs))


def _choose_pack(options: "PRN_PG_capture", index: int) -> None:
    options.pack = _pack_items(options, None)[index][0] if index else ""
    options.property_unset("topology")  # that of another pack
    if options.face == "INDEX":  # another pack's networks may see other faces
        options.face = "LARGEST"
    session.current.forget_faces()


def _show_landmarks(options: "PRN_PG_capture", context: bpy.types.Context) -> None:
    from ...scene.build.landmarks import hide_landmarks
    from ...scene.record import is_captured_head

    for head in filter(is_captured_head, context.scene.objects):
        hide_landmarks(head, not options.show_landmarks)
    _redraw_views()


def _redraw_views() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "IMAGE_EDITOR"}:
                area.tag_redraw()


class PRN_PG_capture(CaptureOptions, bpy.types.PropertyGroup):
    """The panel's choices."""

    photo: bpy.props.StringProperty(
        name="Photo",
        description="Photo of a person: JPEG, PNG, HEIC, WebP, AVIF, TIFF and others",
        subtype="FILE_PATH",
        options=RELATIVE_TO_BLEND,
        update=_other_photo,
    )

    # The same as `pack`, for a menu: what is stored is a name, because another computer has other packs.
    pack_choice: bpy.props.EnumProperty(
        name="Model Pack",
        description="The network that finds the head's shape, with its meshes",
        items=_pack_items,
        get=_pack_shown,
        set=_choose_pack,
    )

    show_landmarks: bpy.props.BoolProperty(
        name="Landmarks",
        description="Show the landmarks of captured heads as dots on photo and head, where they can be moved",
        default=False,
        update=_show_landmarks,
    )
    symmetric: bpy.props.BoolProperty(
        name="Symmetric",
        description="A landmark that is moved takes the one on the other side of the face along",
        default=False,
    )

    @property
    def photo_path(self) -> Path | None:
        """The photo's absolute path; None while none is chosen."""
        return Path(bpy.path.abspath(self.photo)) if self.photo else None


ProviderOption = bpy.props.EnumProperty(
    name="Compute On",
    description="What runs the network",
    items=(("PREFERENCES", "As in the Preferences", ""), *PROVIDERS),
    default="PREFERENCES",
    options={"SKIP_SAVE"},
)


def register() -> None:
    bpy.types.Scene.prn_capture = bpy.props.PointerProperty(type=PRN_PG_capture)


def unregister() -> None:
    del bpy.types.Scene.prn_capture
