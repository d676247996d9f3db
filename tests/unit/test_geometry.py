"""Sampling, camera and pose against heads whose truth is known by construction."""

import numpy as np
import pytest

from prn_blender.capture.geometry.camera import ESTIMATED_MM, focal_from_distance, focal_pixels
from prn_blender.capture.geometry.pose import fit_similarity, yaw_pitch_roll
from prn_blender.capture.geometry.position_map import sample_bicubic, upsample_bicubic
from prn_blender.capture.reconstruct import in_plane_roll, place

from .conftest import Shot, bake

SHOTS = [
    Shot(1200, 800, 1500.0, (0, 0, 0), (0, 0, -0.9)),
    Shot(1200, 800, 1500.0, (35, 10, -8), (0.06, -0.03, -0.9)),
    Shot(900, 1350, 700.0, (-60, -15, 20), (-0.05, 0.08, -0.35)),  # a selfie
    Shot(6000, 4000, 30000.0, (10, 5, 40), (0.2, 0.1, -9.0)),
    Shot(700, 500, None, (20, 0, 5), (0.04, 0.02, -1.0)),
    Shot(480, 641, None, (-85, 20, -30), (-0.02, 0.05, -1.0)),
]


@pytest.fixture(params=SHOTS, ids=lambda shot: f"focal {shot.focal_px} angles {shot.angles}")
def shot(request) -> Shot:
    return request.param


def test_place_recovers_pose_camera_and_metres(shot, topology):
    position_map = bake(topology, shot.photograph(topology.canonical, topology.origin_canonical), resolution=256)
    vertices = topology.vertices(position_map)

    camera, pose = place(vertices, topology, (shot.width, shot.height), shot.focal_px)

    turn = pose.rotation @ shot.rotation.T
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) < 0.1
    in_camera = camera.to_camera_space(vertices)
    off = np.linalg.norm(camera.project(in_camera) - vertices[:, :2], axis=1)
    assert np.median(off) < 0.1 and off.max() < 0.5
    head = pose.inverse_apply(in_camera)
    error = np.linalg.norm(head - topology.canonical, axis=1)
    assert np.median(error) < 0.0002 and np.percentile(error, 99) < 0.002  # the map blurs lids and lips
    assert np.linalg.norm(topology.eye_weights @ head) < 0.0005
    if shot.focal_px:
        # The distance is the head's depth: metres come out right without being told.
        assert np.allclose(pose.translation, shot.position, rtol=0.01, atol=0.002)


@pytest.mark.parametrize("shot", [shot for shot in SHOTS if shot.focal_px], ids=lambda shot: f"focal {shot.focal_px}")
def test_distance_tells_the_focal_length(shot, topology):
    vertices = shot.photograph(topology.canonical, topology.origin_canonical)
    distance = np.linalg.norm(shot.rotation @ topology.origin_canonical + shot.position)
    camera, pose = place(vertices, topology, (shot.width, shot.height), None, distance)
    least, most = (focal_pixels(mm, shot.width, shot.height) for mm in ESTIMATED_MM)
    assert camera.focal_px == pytest.approx(np.clip(shot.focal_px, least, most), rel=2e-3)
    if least < shot.focal_px < most:
        assert np.allclose(pose.translation, shot.position, rtol=0.005, atol=0.001)
        assert np.allclose(pose.rotation, shot.rotation, atol=2e-3)
        sight = shot.rotation @ topology.origin_canonical + shot.position
        assert np.allclose((camera.aim_x, camera.aim_y), camera.project(sight), atol=0.002 * camera.focal_px)


def test_estimated_focal_length_stays_what_lenses_have():
    middle = np.array([600.0, 400.0])
    assert focal_from_distance(2000.0, 1200, 800, middle) == pytest.approx(2000)
    # the image point's distance from the camera's centre has a part across the axis
    assert focal_from_distance(2000.0, 1200, 800, middle + (0, 1200)) == pytest.approx(1600)
    for distance_px, mm in ((1.0, ESTIMATED_MM[0]), (1e9, ESTIMATED_MM[1])):
        assert focal_from_distance(distance_px, 1200, 800, middle) == pytest.approx(focal_pixels(mm, 1200, 800))


def test_pose_ignores_expression_and_scale(topology):
    shot = Shot(1200, 800, 1500.0, (25, 5, 3), (0, 0, -0.8))
    face = topology.canonical.copy()
    open_jaw = (face[:, 2] < topology.landmark_canonical[33, 2] - 0.01) & (face[:, 1] < -0.0)
    face[open_jaw] += (0.0, 0.005, -0.03)
    vertices = shot.photograph(1.1 * face, topology.origin_canonical)
    _, pose = place(vertices, topology, (shot.width, shot.height), shot.focal_px)
    turn = pose.rotation @ shot.rotation.T
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) < 0.1
    # A head 10 % larger at the same place looks like a mean head 10 % nearer.
    assert np.isclose(-pose.translation[2], 0.8 / 1.1, rtol=0.005)


def test_fit_resists_outliers_and_finds_the_scale():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(500, 3))
    rotation = Shot(1, 1, None, (40, 20, 10), (0, 0, 0)).rotation
    target = 3.0 * source @ rotation.T + (1, 2, 3)
    target[:100] += rng.normal(2.0, 1.0, (100, 3))
    fit = fit_similarity(source, target)
    assert np.isclose(fit.scale, 3.0, rtol=1e-3)
    assert np.allclose(fit.rotation, rotation, atol=1e-3)
    assert np.allclose(fit.inverse_apply(fit.apply(source)), source)


def test_angles_mean_what_they_say(shot):
    assert np.allclose(yaw_pitch_roll(shot.rotation), shot.angles, atol=1e-6)
    looking = shot.rotation @ (0, -1, 0)
    assert np.sign(
        looking[0] * np.cos(np.radians(shot.angles[2])) - looking[1] * np.sin(np.radians(shot.angles[2]))
    ) == (np.sign(shot.angles[0]))


def test_roll_in_the_picture(shot, topology):
    position_map = bake(topology, shot.photograph(topology.canonical, topology.origin_canonical), resolution=64)
    assert abs(np.degrees(in_plane_roll(position_map, topology)) - shot.angles[2]) < 5  # perspective tilts a little


def test_bicubic_sampling_uses_texel_centres_and_keeps_planes():
    resolution = 32
    centres = (np.arange(resolution) + 0.5) / resolution
    u, v = np.meshgrid(centres, centres)
    image = np.stack([u, v, u * v], axis=-1).astype(np.float32)
    uv = np.random.default_rng(0).uniform(0.1, 0.9, (4000, 2, 2))
    expected = np.stack([uv[..., 0], uv[..., 1], uv[..., 0] * uv[..., 1]], axis=-1)
    assert np.allclose(sample_bicubic(image, uv), expected, atol=1e-6)
    outside = sample_bicubic(image, np.array([[-0.2, 0.5], [1.2, 0.5]]))
    assert np.allclose(outside[:, 0], [centres[0], centres[-1]], atol=1e-6)


def test_upsampling_is_sampling_at_the_larger_texel_centres():
    image = np.random.default_rng(0).normal(size=(16, 16, 3)).astype(np.float32)
    centres = (np.arange(80) + 0.5) / 80
    uv = np.stack(np.meshgrid(centres, centres), axis=-1)
    assert np.allclose(upsample_bicubic(image, 80), sample_bicubic(image, uv), atol=1e-5)


def test_focal_length_by_the_diagonal():
    # 50 mm on a 36 x 24 mm negative of 3600 x 2400 pixels: 100 pixels a millimetre.
    assert np.isclose(focal_pixels(50, 3600, 2400), 5000, rtol=1e-4)
    assert np.isclose(focal_pixels(50, 2400, 3600), 5000, rtol=1e-4)
