"""What is drawn over the photo in Image Editors, faces and landmarks, and the landmarks on the head in 3D Views."""

from collections.abc import Callable, Sequence

import bpy
import gpu
import numpy as np

from ...capture.landmarks import NAMES, PARTS
from ...capture.shape.pins import Pin
from ...scene.build.landmarks import head_of_landmark, landmark_index
from ...scene.edit.adjust import has_landmarks, landmark_places
from ...scene.edit.frame import frame_in_mesh
from ..capture.properties import PRN_PG_capture
from ..head.operators import captured_head
from ..photos.drawing import (
    ORANGE,
    WHITE,
    Colour,
    PhotoOnScreen,
    draw_box,
    draw_coloured_lines,
    draw_dots,
    draw_dots_in_space,
    draw_faces,
)
from ..photos.image_editor import shows_photo
from ..shell import session
from ..shell.found_faces import FoundFaces

_COLOURS: dict[str, Colour] = {  # by the first word of a part's name
    "jaw": (0.55, 0.80, 1.00, 1.0),
    "brow": (0.75, 0.65, 1.00, 1.0),
    "nose": (1.00, 0.90, 0.45, 1.0),
    "eye": (0.50, 1.00, 0.70, 1.0),
    "lips": (1.00, 0.60, 0.65, 1.0),
}
_LINE, _DOT, _MOVED_DOT, _HOVERED_DOT = 1.6, 1.5, 5.0, 8.0  # pixels at interface scale 1
_DOT_ON_HEAD, _SELECTED = 4.0, 7.0
_PIN, _HELD_PIN = 7.0, 10.0
_PIN_OFF: Colour = (0.6, 0.6, 0.6, 0.9)
_BEFORE_SURFACE = 0.002  # metres: so that the surface does not cover the half of a dot

handles: list[tuple[type, object]] = []  # of what is drawn now, each with its editor


def feature_lines(points: np.ndarray) -> list[tuple[list[tuple[float, float]], Colour]]:
    """The landmarks (68, 2) as polylines by facial feature, each with its colour; broken where one is NaN."""
    lines, places, known = [], points.tolist(), ~np.isnan(points).any(axis=1)
    for part in PARTS:
        colour = _COLOURS[part.name.partition("_")[0]]
        line: list[tuple[float, float]] = []
        for index in part.line:
            if known[index]:
                line.append(tuple(places[index]))
            else:
                lines.append((line, colour))
                line = []
        lines.append((line, colour))
    return [(line, colour) for line, colour in lines if len(line) > 1]


def chosen_faces(options: PRN_PG_capture, faces: FoundFaces) -> set[int]:
    """The indices of the faces that become heads."""
    from ...capture.faces.find import choose_faces

    if options.face == "INDEX":
        return {options.face_index}
    if not faces.boxes:
        return set()
    chosen = choose_faces(list(faces.boxes), "all" if options.face == "ALL" else "largest")
    return {index for index, box in enumerate(faces.boxes) if box in chosen}


def draw_landmarks(
    region: bpy.types.Region, points: np.ndarray, moved: Sequence[int], hovered: int | None = None
) -> None:
    """Lines and dots through region points (68, 2); those of the indices in `moved` stand out."""
    draw_coloured_lines(region, feature_lines(points), _LINE)
    known = ~np.isnan(points).any(axis=1)
    is_moved = np.zeros(len(points), bool)
    is_moved[list(moved)] = True
    draw_dots(points[known & ~is_moved].tolist(), WHITE, _DOT)
    draw_dots(points[known & is_moved].tolist(), ORANGE, _MOVED_DOT)
    if hovered is not None:
        draw_dots([points[hovered].tolist()], ORANGE, _HOVERED_DOT)


def draw_pins(screen: PhotoOnScreen, pins: Sequence[Pin], held: int = -1) -> None:
    """Larger dots; the one of an index stands out."""
    for colour, is_on in ((_PIN_OFF, False), (ORANGE, True)):
        alike = [pin.place for index, pin in enumerate(pins) if pin.is_on == is_on and index != held]
        draw_dots([screen.to_region(*place) for place in alike], colour, _PIN)
    if 0 <= held < len(pins):
        draw_dots([screen.to_region(*pins[held].place)], ORANGE if pins[held].is_on else _PIN_OFF, _HELD_PIN)


def shown_view_of(head: bpy.types.Object, area: bpy.types.Area) -> int:
    """Which of a captured head's photos an Image Editor shows."""
    from ...scene.build.photo_images import photo_in
    from ...scene.record import view_of_photo

    return view_of_photo(head, photo_in(area.spaces.active.image)) or 0


def photo_of_head_on_screen(region: bpy.types.Region, head: bpy.types.Object, view: int = 0) -> PhotoOnScreen:
    """One of the photos of a captured head as an Image Editor's region shows it now."""
    from ...scene.record import views_of_head

    size = views_of_head(head)[view]["photo"]
    return PhotoOnScreen.in_image_editor(region.view2d, size["width"], size["height"])


def landmarks_on_screen(region: bpy.types.Region, head: bpy.types.Object, view: int) -> np.ndarray:
    """(68, 2) of an Image Editor's region, over one of a head's photos."""
    from ...scene.edit.photo_points import landmarks_in_photo

    return photo_of_head_on_screen(region, head, view).points_to_region(landmarks_in_photo(head, view))


def _draw_in_image_editor() -> None:
    from ...scene.build.photo_images import photo_in
    from ...scene.edit.adjust import moved_landmarks
    from ...scene.edit.photo_points import heads_of_photo
    from ...scene.edit.pins import pins_of

    context = bpy.context
    space, region, options = context.space_data, context.region, context.scene.prn_capture
    if not space.overlay.show_overlays:
        return
    if space.image is None:
        return
    info = session.current.info
    if not session.current.is_picking and shows_photo(context.area, options.photo_path, info):
        screen = PhotoOnScreen.in_image_editor(region.view2d, info.width, info.height)
        faces = session.current.faces_in(options.photo_path)
        if options.face == "BOX":
            draw_box(region, screen, tuple(options.box), ORANGE)
        elif faces is not None:
            draw_faces(region, screen, faces, chosen_faces(options, faces))
    photo = photo_in(space.image)
    if photo is not None and options.show_landmarks and not session.current.is_picking:
        for head in heads_of_photo(context.scene, photo):
            view = shown_view_of(head, context.area)
            draw_landmarks(region, landmarks_on_screen(region, head, view), moved_landmarks(head))
            draw_pins(photo_of_head_on_screen(region, head, view), pins_of(head, view))


def _draw_in_3d_view() -> None:
    from ...scene.edit.adjust import moved_landmarks

    context = bpy.context
    space, options = context.space_data, context.scene.prn_capture
    if not (options.show_landmarks and space.overlay.show_overlays) or space.region_3d is None:
        return
    head = captured_head(context)
    if head is None or not has_landmarks(head) or not head.visible_get(viewport=space):
        return
    frame = head.matrix_world @ frame_in_mesh(head)
    forward = _BEFORE_SURFACE * frame.median_scale
    points = np.array(frame) @ np.append(landmark_places(head), np.ones((len(NAMES), 1)), axis=1).T
    is_moved = np.zeros(len(NAMES), bool)
    is_moved[moved_landmarks(head)] = True
    active = context.view_layer.objects.active
    selected = landmark_index(active) if active is not None and head_of_landmark(active) == head else None
    gpu.state.depth_test_set("LESS_EQUAL")  # those on the other side of the head are behind it
    try:
        draw_dots_in_space(context.region, space.region_3d, points[:3, ~is_moved].T, WHITE, _DOT_ON_HEAD, forward)
        draw_dots_in_space(context.region, space.region_3d, points[:3, is_moved].T, ORANGE, _MOVED_DOT, forward)
        if selected is not None:
            place = points[:3, [selected]].T
            draw_dots_in_space(context.region, space.region_3d, place, ORANGE, _SELECTED, 2 * forward)
    finally:
        gpu.state.depth_test_set("NONE")


def _blended(draw: Callable[[], None]) -> Callable[[], None]:
    def blended() -> None:
        gpu.state.blend_set("ALPHA")
        try:
            draw()
        finally:
            gpu.state.blend_set("NONE")

    return blended


def register() -> None:
    for space, draw, when in (
        (bpy.types.SpaceImageEditor, _draw_in_image_editor, "POST_PIXEL"),
        (bpy.types.SpaceView3D, _draw_in_3d_view, "POST_VIEW"),
    ):
        handles.append((space, space.draw_handler_add(_blended(draw), (), "WINDOW", when)))


def unregister() -> None:
    for space, handle in handles:
        space.draw_handler_remove(handle, "WINDOW")
    handles.clear()
