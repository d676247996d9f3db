"""What the original PRNet does wrong, each with what it did instead.

a black crops · b vertices moved by reading colours · c UVs half a texel off · d frontal pose with the photo's height ·
e affine frontal pose · f occlusion by bounding boxes · g absolute paths in MTL files ·
h pose at large yaw · i first face only, printing and exiting · j TensorFlow 1 and numpy of its time, grey photos
(`test_import_needs_neither_tensorflow_nor_onnx`, `test_photo.py`) · k texture from a small copy · l orientation, 16
bits, alpha, CMYK (`test_photo.py`) · m Python loops over triangles
"""

import sys

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError, NoFaceError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.faces.find import choose_faces
from prn_blender.capture.geometry.place import place
from prn_blender.capture.geometry.pose import yaw_pitch_roll
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.geometry.visibility import vertex_visibility
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import ModelPack
from prn_blender.capture.packs.prnet import import_prnet
from prn_blender.capture.packs.prnet_topology import make_topology
from prn_blender.capture.texture.project import project_textures
from prn_blender.capture.types import BASE_COLOR, MASK, Photo, View
from prn_blender.scene.files.obj import write_textured_obj

from .conftest import Shot, photo_of
from .posed_heads import posed_head
from .prnet_answers import showing

SIZE = 900  # pixels of the photos made here


@pytest.fixture(scope="module")
def frontal(prnet, uv_data):
    """The canonical head, 4 pixels a millimetre, as a position map that may not be changed."""
    return in_photo(prnet, uv_data, Shot(SIZE, SIZE, None, (0, 0, 0), (0, 0, -1)), scale=4)


def in_photo(prnet, uv_data, shot: Shot, scale: float = 1) -> PositionMap:
    points = shot.photograph(prnet.topology.canonical, prnet.topology.origin_canonical)
    centre = np.array([shot.width / 2, shot.height / 2, 0])
    values = np.zeros((256, 256, 3), np.float32)
    values[tuple(uv_data.vertex_texels.T)] = (points - centre) * scale + centre
    values.flags.writeable = False
    return PositionMap(values)


def view_of(photo: Photo, position_map: PositionMap, pack: ModelPack) -> View:
    vertices = pack.topology.vertices(position_map)
    seen = vertex_visibility(vertices, pack.topology.triangles, photo.width, photo.height)
    return View(photo, None, None, position_map, None, "", None, seen, pack.topology.landmarks(position_map))


def test_a_the_network_sees_the_crop_in_full_brightness(prnet, tmp_path):
    """It divided by 255 twice: black pictures."""
    pytest.importorskip("onnx")
    network = open_network(showing(prnet, tmp_path / "pack"), "CPUExecutionProvider")
    crop = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    np.testing.assert_allclose(network.run(crop).position_map, crop / 255, atol=1e-6)


def test_b_nothing_changes_the_position_map(prnet, frontal):
    """Its `get_colors` moved the vertices into the picture. Here the head reaches far beyond it."""
    photo = photo_of(np.random.default_rng(0).integers(0, 256, (500, 430, 3), dtype=np.uint8))
    vertices = prnet.topology.vertices(frontal)
    before = vertices.copy()
    vertices.flags.writeable = False
    project_textures([view_of(photo, frontal, prnet)], prnet.topology, 256, True)
    place(vertices, prnet.topology, (photo.width, photo.height), None)
    np.testing.assert_array_equal(prnet.topology.vertices(frontal), before)
    assert vertices[:, 0].max() > photo.width + 100


def test_c_texture_coordinates_are_texel_centres(prnet, frontal):
    """Its were half a texel off: u / 256 for the vertex at the texel's centre, to be seen as doubled nostrils."""
    ramp = lambda places: 255 * np.abs(places / 32 % 2 - 1)
    x, y = np.meshgrid(*[np.arange(SIZE) + 0.5] * 2)
    photo = photo_of(np.rint(np.stack([ramp(x), ramp(y), np.full_like(x, 128)], axis=-1)).astype(np.uint8))
    vertices = prnet.topology.vertices(frontal)
    texture = project_textures([view_of(photo, frontal, prnet)], prnet.topology, 1024, False)
    expected = np.stack([ramp(vertices[:, 0]), ramp(vertices[:, 1])], axis=1)

    def error(uv: np.ndarray) -> float:
        at = np.clip((uv * 1024).astype(int), 0, 1023)
        trusted = (texture[MASK][at[:, 1], at[:, 0]] == 255) & (np.abs(expected - 128) < 90).all(axis=1)
        assert trusted.sum() > 5000
        # Between two texels: the mean of the four around the corner that the vertex is.
        around = [texture[BASE_COLOR][at[:, 1] - i, at[:, 0] - j, :2].astype(float) for i in (0, 1) for j in (0, 1)]
        return float(np.median(np.abs(np.mean(around, axis=0) - expected)[trusted]))

    uv = prnet.topology.sample_uv[:, 0].astype(float)
    assert error(uv) < 3
    assert error(uv - 0.5 / 256) > 9


def test_d_the_aligned_head_does_not_know_the_photos_height(prnet, frontal):
    """Its `frontalize` turned y about the height of the photo."""
    vertices = prnet.topology.vertices(frontal)
    heads = []
    for height in (SIZE, 2 * SIZE):
        camera, pose = place(vertices, prnet.topology, (SIZE, height), None)
        heads.append(pose.inverse_apply(camera.to_camera_space(vertices)))
    np.testing.assert_allclose(heads[0], heads[1], atol=1e-9)


def test_e_a_long_face_stays_long(prnet, frontal):
    """It was fitted to the mean face by an affine map, which takes the length out again."""
    vertices = prnet.topology.vertices(frontal)

    def proportion(points: np.ndarray) -> float:
        camera, pose = place(points, prnet.topology, (SIZE, SIZE), None)
        width, _, height = np.ptp(pose.inverse_apply(camera.to_camera_space(points)), axis=0)
        return height / width

    assert proportion(vertices * (1, 1.2, 1)) == pytest.approx(1.2 * proportion(vertices), rel=0.01)


def test_f_a_triangle_hides_only_what_lies_behind_it():
    """Its depth buffer filled the whole box around a triangle."""
    side = np.linspace(0, 400, 81)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side))
    index = np.arange(81 * 81).reshape(81, 81)
    a, b, c, d = (corner.ravel() for corner in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    wall = np.column_stack([x, y, np.zeros_like(x)])
    sliver = np.array([[5.0, 35, 100], [395, 395, 100], [35, 5, 100]])
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1), [[81 * 81, 81 * 81 + 1, 81 * 81 + 2]]])
    seen = vertex_visibility(np.concatenate([wall, sliver]), triangles, 400, 400)[: len(wall)]
    off = np.abs(x - y)
    assert (seen[off > 35] == 1).all()  # and not 0 over nearly the whole wall
    assert (seen[(off < 10) & (x + y > 60) & (x + y < 300)] == 0).all()


def test_g_a_moved_obj_finds_its_texture(prnet, tmp_path):
    """Its MTL named the texture by its absolute path."""
    head = posed_head(prnet, Shot(SIZE, SIZE, None, (0, 0, 0), (0, 0, -1)))
    written = write_textured_obj(head, b"a picture", tmp_path / "here" / "my face.obj")
    moved = (tmp_path / "here").rename(tmp_path / "there")
    assert sorted(file.name for file in moved.iterdir()) == sorted(file.name for file in written)

    def named(file: str, keyword: str) -> str:
        lines = (moved / file).read_text(encoding="utf-8").splitlines()
        return next(line.split()[1] for line in lines if line.startswith(keyword))

    library = named("my face.obj", "mtllib")
    assert (moved / named(library, "map_Kd")).read_bytes() == b"a picture"
    assert named("my face.obj", "usemtl") == named(library, "newmtl")


@pytest.mark.parametrize("yaw", [-85, -60, 0, 30, 75, 89])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (-20, 15)])
def test_h_pose_is_right_at_any_yaw(prnet, uv_data, yaw, pitch, roll):
    """Its test for the gimbal lock was always true, and its translation ignored the rotation."""
    shot = Shot(SIZE, SIZE, None, (yaw, pitch, roll), (0.05, -0.08, -1))
    vertices = prnet.topology.vertices(in_photo(prnet, uv_data, shot))
    camera, pose = place(vertices, prnet.topology, (SIZE, SIZE), None)
    np.testing.assert_allclose(yaw_pitch_roll(pose.rotation), (yaw, pitch, roll), atol=0.01)
    eyes = prnet.topology.eye_weights @ vertices
    np.testing.assert_allclose(camera.project(pose.apply(np.zeros(3))), eyes[:2], atol=0.01)
    assert camera.metres_per_px == pytest.approx(0.001, rel=1e-4)
    canonical = np.column_stack([prnet.topology.canonical, np.ones(len(vertices))])
    x, y, w = camera.matrix @ pose.matrix @ canonical.T
    np.testing.assert_allclose(np.column_stack([x / w, y / w]), vertices[:, :2], atol=0.01)


def test_i_every_face_is_there_and_failures_are_raised(tmp_path):
    """It took the first face, printed what was wrong, and ended the process where a file was missing."""
    faces = [FaceBox(0, 0, 10, 10, 0.9), FaceBox(30, 0, 50, 20, 0.8)]
    assert choose_faces(faces, "all") == faces
    assert choose_faces(faces, 1) == [faces[1]]
    with pytest.raises(NoFaceError):
        choose_faces([], "largest")
    with pytest.raises(CaptureError):
        import_prnet(tmp_path, tmp_path)


def test_k_texture_has_the_detail_of_the_whole_photo(prnet, uv_data):
    """It took the colours from a copy of at most 1000 pixels: of stripes of a pixel nothing is left there."""
    size = 3000
    position_map = in_photo(prnet, uv_data, Shot(size, size, None, (0, 0, 0), (0, 0, -1)), scale=14)
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[:, ::3] = 255
    sharp, copied = (
        project_textures([view_of(photo_of(photo), position_map, prnet)], prnet.topology, 4096, False)
        for photo in (pixels, through_a_copy(pixels))
    )
    # The middle of the forehead and the cheeks lies flat before the camera.
    flat = (slice(900, 1100), slice(1900, 2200))
    assert sharp[MASK][flat].min() == 255
    assert sharp[BASE_COLOR][flat].std() > 40
    assert copied[BASE_COLOR][flat].std() < 10


def through_a_copy(pixels: np.ndarray) -> np.ndarray:
    import cv2

    small = cv2.resize(pixels, (1000, 1000), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def test_m_no_python_loop_over_vertices_or_triangles(prnet, uv_data, frontal):
    """It went through 87,000 triangles one by one. Counted are the lines of Python that run, not the time."""
    photo = photo_of(np.zeros((SIZE, SIZE, 3), np.uint8))
    lines = 0

    def count(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        make_topology(uv_data)
        project_textures([view_of(photo, frontal, prnet)], prnet.topology, 256, True)
    finally:
        sys.settrace(before)
    assert 0 < lines < 20_000
