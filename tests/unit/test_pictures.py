"""Depth, PNCC, overlays and tables of a head whose place is known."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.geometry.visibility import vertex_visibility
from prn_blender.capture.landmarks import NAMES
from prn_blender.capture.packs.pack import ModelPack
from prn_blender.capture.packs.topology import OPENINGS
from prn_blender.capture.pictures.depth import depth_image
from prn_blender.capture.pictures.overlay import BOX_FRONT, HIDDEN, SEEN, Overlay, draw_over
from prn_blender.capture.pictures.pncc import pncc_image
from prn_blender.capture.pictures.posed import PosedHead, closed
from prn_blender.scene.files.obj import vertex_colours, write_coloured_obj, write_textured_obj
from prn_blender.scene.files.points import write_csv, write_json, write_npz

from .conftest import Shot
from .posed_heads import camera_of, posed_head

NEAR = Shot(700, 900, 1000.0, (35, -10, 8), (0.05, -0.02, -0.6))
TURNED = Shot(800, 700, None, (-80, 5, 20), (-0.03, 0.02, -1.0))
LARGE = Shot(1500, 1300, 4000.0, (0, 0, 0), (0.0, 0.0, -0.9))  # more than one tile, and beyond the photo's edge
SHOTS = pytest.mark.parametrize("shot", [NEAR, TURNED, LARGE], ids=["near", "turned", "large"])


@pytest.fixture(params=["pack", "prnet"])
def any_pack(request) -> ModelPack:
    return request.getfixturevalue(request.param)


def well_seen(head: PosedHead) -> np.ndarray:
    """The vertices that face the camera, with nothing before them, well inside of the photo."""
    camera = head.camera
    points = np.column_stack([head.in_photo, head.in_camera[:, 2] / camera.metres_per_px])
    seen = vertex_visibility(points, head.triangles, camera.width, camera.height)
    inside = ((head.in_photo > 3) & (head.in_photo < (camera.width - 3, camera.height - 3))).all(axis=1)
    return np.flatnonzero((seen == 1) & (head.facing > 0.7) & inside)


def at(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    columns, rows = places.astype(int).T
    return image[rows, columns]


def plane(shot: Shot, normal: np.ndarray, distance: float) -> PosedHead:
    """Two large triangles in the plane with `normal` (3,) at `distance` along the camera's axis."""
    across = np.array([[-1, 1], [-1, -1], [1, -1], [1, 1]]) * 0.1
    z = -distance - across @ normal[:2] / normal[2]
    return PosedHead(
        camera_of(shot),
        Similarity(1.0, np.eye(3), np.zeros(3)),
        np.column_stack([across, z]),
        np.array([[0, 1, 2], [0, 2, 3]]),
        np.array([[[0, 0], [0, 1], [1, 1]], [[0, 0], [1, 1], [1, 0]]]),
        np.ones(4),
        np.full((68, 3), np.nan),
    )


@pytest.mark.parametrize("focal_px", [700.0, None])
def test_depth_of_a_slanted_plane_is_that_of_each_pixels_ray(focal_px):
    normal = np.array([0.5, 0.3, 0.8])
    shot = Shot(400, 300, focal_px, (0, 0, 0), (0, 0, -0.5))
    depth = depth_image(plane(shot, normal, 0.5))
    shown = depth.metres > 0
    assert shown.sum() > 5000
    rows, columns = np.nonzero(shown)
    x, y = columns + 0.5 - 200, 150 - rows - 0.5
    if focal_px:  # (x, y, -f) d / f lies in the plane
        expected = 0.5 * normal[2] / (normal[2] - (x * normal[0] + y * normal[1]) / focal_px)
    else:
        expected = 0.5 + (x * normal[0] + y * normal[1]) * 0.001 / normal[2]
    np.testing.assert_allclose(depth.metres[shown], expected, atol=2e-5)


@SHOTS
def test_depth_is_where_the_surface_is(any_pack, shot):
    head = posed_head(any_pack, shot)
    depth, seen = depth_image(head), well_seen(head)
    assert depth.metres.shape == (shot.height, shot.width)
    assert len(seen) > 1000
    # A vertex lies up to half a pixel from the pixel's centre, on a surface of at most 45 degrees.
    error = np.abs(at(depth.metres, head.in_photo[seen]) + head.in_camera[seen, 2])
    pixel = head.camera.metres_per_px
    assert np.quantile(error, 0.98) < pixel
    levels = depth.levels()
    assert levels.dtype == np.uint16 and levels.max() == 65535 and (levels[depth.metres > 0] >= 1).all()
    assert (levels[depth.metres == 0] == 0).all()
    nearest = np.unravel_index(np.argmax(levels), levels.shape)
    assert depth.metres[nearest] == pytest.approx(depth.near, abs=1e-5)


def test_nothing_is_drawn_of_a_head_outside_of_the_photo(pack):
    depth = depth_image(posed_head(pack, replace(NEAR, position=(5.0, 0, -0.6))))
    assert not depth.metres.any() and depth.near == depth.far == 0


@SHOTS
def test_pncc_tells_the_place_on_the_mean_head(any_pack, shot):
    head = posed_head(any_pack, shot)
    image, seen = pncc_image(head, any_pack.topology), well_seen(head)
    right_up_front = any_pack.topology.canonical[:, [0, 2, 1]] * (1, 1, -1)
    low = right_up_front.min(axis=0)
    expected = 255 * (right_up_front - low) / (right_up_front.max(axis=0) - low)
    error = np.abs(at(image, head.in_photo[seen]) - expected[seen]).max(axis=1)
    assert np.median(error) < 1.5 and np.quantile(error, 0.98) < 4
    assert (image[depth_image(head).metres == 0] == 0).all()


def test_overlay_marks_what_is_seen_and_changes_nothing_else(pack):
    head = posed_head(pack, NEAR)
    visibility = np.where(head.in_photo[:, 0] < NEAR.width / 2, 1.0, 0.0)
    landmarks = np.array(head.landmarks)
    landmarks[30] = np.nan
    head = replace(head, visibility=visibility, landmarks=landmarks)
    photo = np.full((NEAR.height, NEAR.width, 3), 40, np.uint8)
    photo.flags.writeable = False
    drawn = draw_over(photo, head, Overlay())
    places = head.camera.project(head.pose.apply(landmarks))
    for index in (8, 27, 36, 45, 57):
        assert tuple(at(drawn, places[[index]])[0]) == (SEEN if head.landmark_visibility[index] else HIDDEN)
    assert {HIDDEN, SEEN} <= set(map(tuple, drawn.reshape(-1, 3).tolist()))
    assert (drawn.min(axis=2) > 120).sum() > 200  # lines
    far = np.abs(np.indices((NEAR.height, NEAR.width)).T.reshape(-1, 2)[:, ::-1] - np.nanmean(places, 0)).max(1) > 330
    assert (drawn.swapaxes(0, 1).reshape(-1, 3)[far] == 40).all()

    points = draw_over(photo, head, Overlay(landmarks=False, points=True))
    assert (at(points, head.in_photo[well_seen(head)]) != 40).any(axis=1).all()
    boxed = draw_over(photo, head, Overlay(landmarks=False, box=True))
    assert BOX_FRONT in set(map(tuple, boxed.reshape(-1, 3).tolist()))


@SHOTS
def test_tables_agree_with_the_camera_matrix(any_pack, shot, tmp_path):
    head = posed_head(any_pack, shot)
    (file,) = write_npz(head, tmp_path / "points.npz")
    with np.load(file) as arrays:
        told = dict(arrays)
    for kind in ("vertex", "landmark"):
        points = np.column_stack([told[f"{kind}_metres"], np.ones(len(told[f"{kind}_metres"]))])
        x, y, w = told["aligned_to_photo"] @ points.T
        np.testing.assert_allclose(np.column_stack([x / w, y / w]), told[f"{kind}_photo"], atol=1e-6)
        np.testing.assert_allclose(-(points @ told["aligned_to_camera"].T)[:, 2], told[f"{kind}_depth"], atol=1e-9)
    np.testing.assert_allclose(told["vertex_photo"], shot.photograph(head.vertices, np.zeros(3))[:, :2], atol=1e-6)
    np.testing.assert_allclose(told["yaw_pitch_roll"], shot.angles, atol=1e-6)
    assert told["landmark_name"].tolist() == list(NAMES)

    (file,) = write_json(head, tmp_path / "points.json")
    as_json = json.loads(file.read_text())
    assert as_json.keys() == told.keys()
    np.testing.assert_allclose(as_json["vertex_photo"], told["vertex_photo"], atol=1e-6)


def test_csv_leaves_out_what_a_deleted_landmark_was(pack, tmp_path):
    landmarks = np.array(pack.topology.landmark_canonical)
    landmarks[3] = np.nan
    head = replace(posed_head(pack, NEAR), landmarks=landmarks)
    vertices, marks = write_csv(head, tmp_path / "a b.csv")
    assert write_csv(head, vertices) == write_csv(head, marks) == [vertices, marks]  # chosen to be replaced
    assert vertices.name == "a b_vertices.csv" and marks.name == "a b_landmarks.csv"
    with marks.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == list(NAMES)
    assert rows[3]["photo_x"] == rows[3]["visibility"] == "" and float(rows[4]["depth"]) > 0
    assert len(vertices.read_text().splitlines()) == len(head.vertices) + 1
    (file,) = write_json(head, tmp_path / "points.json")
    assert json.loads(file.read_text())["landmark_photo"][3] == [None, None]


def test_a_folder_that_cannot_be_written_is_told(pack, tmp_path):
    (tmp_path / "file").touch()
    for write in (write_csv, write_npz, write_json):
        with pytest.raises(CaptureError, match="choose another folder"):
            write(posed_head(pack, NEAR), tmp_path / "file" / "points.csv")


def test_obj_is_upright_faces_the_viewer_and_turns_outwards(any_pack, tmp_path):
    head = posed_head(any_pack, NEAR)
    write_textured_obj(head, b"", tmp_path / "head.obj")
    lines = [line.split() for line in (tmp_path / "head.obj").read_text().splitlines()]
    points = np.array([line[1:] for line in lines if line[0] == "v"], float)
    uv = np.array([line[1:] for line in lines if line[0] == "vt"], float)
    corners = np.array([[part.split("/") for part in line[1:]] for line in lines if line[0] == "f"], int) - 1
    assert corners.shape == (len(head.triangles), 3, 2)
    nearest = lambda mark: np.argmin(((head.vertices - head.landmarks[mark]) ** 2).sum(1))
    chin, brow, nose = (points[nearest(mark)] for mark in (8, 19, 30))
    assert brow[1] > nose[1] > chin[1] and nose[2] > brow[2]
    a, b, c = points[corners[..., 0]].swapaxes(0, 1)
    normals = np.cross(b - a, c - a)
    outwards = ((a + b + c) / 3 - points.mean(axis=0) * (1, 1, 0.5)) * normals
    assert (outwards.sum(axis=1) > 0).mean() > 0.85
    # v goes upwards: the texel of a corner in the picture is at 1 - v.
    np.testing.assert_allclose(uv[corners[..., 1]] * (1, -1) + (0, 1), head.triangle_uv, atol=1e-6)


def test_obj_colours_are_those_of_the_texture(any_pack, tmp_path):
    head = posed_head(any_pack, NEAR)
    ramp = (np.arange(256) * np.ones((256, 1))).astype(np.uint8)
    texture = np.stack([ramp, ramp.T, 255 - ramp], axis=-1)
    colours = vertex_colours(head, texture)
    np.testing.assert_allclose(colours[:, 0] * 255, np.clip(head.uv[:, 0] * 256 - 0.5, 0, 255), atol=0.01)
    np.testing.assert_allclose(colours[:, 1] * 255, np.clip(head.uv[:, 1] * 256 - 0.5, 0, 255), atol=0.01)
    write_coloured_obj(head, texture, tmp_path / "head.obj")
    rows = [line.split()[1:] for line in (tmp_path / "head.obj").read_text().splitlines() if line.startswith("v ")]
    np.testing.assert_allclose(np.array(rows, float)[:, 3:], colours, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["head.obj"]


def test_open_eyes_and_mouth_are_closed_for_pictures(pack):
    head = posed_head(pack, NEAR)
    whole = depth_image(head).metres
    skin = ~np.isin(pack.topology.region, [pack.topology.region_names.index(name) for name in OPENINGS])
    kept = skin[head.triangles].all(axis=1)
    opened = replace(head, triangles=head.triangles[kept], triangle_uv=head.triangle_uv[kept])
    holes = (depth_image(opened).metres == 0) & (whole > 0)
    assert holes.sum() > 100
    assert closed(head) is head  # its neck stays open
    again = closed(opened)
    found = depth_image(again).metres
    assert (found[holes] > 0).all()
    assert np.abs(found - whole)[holes].max() < 0.02
    added = again.triangle_uv[len(opened.triangles) :].reshape(-1, 2)
    inside = head.uv[~skin]
    assert (added >= inside.min(axis=0) - 0.02).all() and (added <= inside.max(axis=0) + 0.02).all()
