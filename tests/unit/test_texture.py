"""Textures of heads whose every colour is known: painted by UV, photographed by splatting points, projected back."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.geometry.visibility import vertex_visibility
from prn_blender.capture.texture.project import project_textures
from prn_blender.capture.types import BASE_COLOR, MASK, Photo, View

from .conftest import Shot, bake

BACKGROUND = (30, 200, 40)  # a green that nothing on the heads has


@cache
def photograph(topology, paint, yaw: float, size: int = 500, metres: float = 0.6) -> tuple[np.ndarray, PositionMap]:
    """The photo (size, size, 3) uint8 of the canonical head with colours paint(u, v), and its position map."""
    shot = Shot(size, size, 2 * size, (yaw, 0.0, 0.0), (0.0, 0.0, -metres * 2))
    points = shot.photograph(topology.canonical, topology.origin_canonical)
    position_map = bake(topology, points, 64)
    samples = 4 * size
    x, y, z = position_map.at_size(samples).reshape(-1, 3).T
    u, v = np.meshgrid(*[(np.arange(samples) + 0.5) / samples] * 2)
    colours = np.stack(paint(u, v), axis=-1).reshape(-1, 3)
    inside = (x >= 0) & (y >= 0) & (x < size) & (y < size)
    pixel = (y[inside].astype(int) * size) + x[inside].astype(int)
    z, colours = z[inside], colours[inside]
    front = np.full(size * size, -np.inf)
    np.maximum.at(front, pixel, z)
    nearest = z > front[pixel] - 0.004 * size
    count = np.bincount(pixel[nearest], minlength=size * size)
    total = [np.bincount(pixel[nearest], colours[nearest, k], minlength=size * size) for k in range(3)]
    photo = np.where(count > 0, np.stack(total) / np.maximum(count, 1), np.array(BACKGROUND)[:, None])
    return np.rint(photo.T.reshape(size, size, 3)).astype(np.uint8), position_map


def project(topology, pixels: np.ndarray, position_map: PositionMap, size: int, fill: bool) -> dict[str, np.ndarray]:
    photo = Photo(Path("photo.png"), pixels, "", None, True)
    seen = vertex_visibility(topology.vertices(position_map), topology.triangles, photo.width, photo.height)
    view = View(photo, None, None, position_map, None, "", None, seen, topology.landmarks(position_map))
    return project_textures([view], topology, size, fill)


def places(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2)


def uv_paint(u, v):
    checker = (np.floor(u * 12) + np.floor(v * 12)) % 2
    return 255 * u, 255 * v, 90 + 80 * checker


def symmetric_paint(u, v):
    across = np.abs(u - 0.5)
    return 190 + 40 * np.cos(9 * across), 120 + 40 * np.sin(12 * v), 100 + 40 * np.cos(15 * across + 5 * v)


def lit_skin(u, v):
    light = 0.7 + 0.6 * u
    return 150 * light, 110 * light, 90 * light


@pytest.mark.parametrize("yaw", [0, 35])
def test_a_painted_head_comes_back_to_the_texel(topology, yaw):
    pixels, position_map = photograph(topology, uv_paint, yaw)
    texture = project(topology, pixels, position_map, 512, fill=False)
    u, v = places(512)
    seen = texture[MASK] == 255
    assert seen.mean() > 0.2
    for channel, truth in ((0, 255 * u), (1, 255 * v)):
        error = texture[BASE_COLOR][..., channel][seen] - truth[seen]
        # half a texel of the position map would be 2 levels
        assert abs(error.mean()) < 0.3
        assert np.median(np.abs(error)) < 0.7
        assert np.quantile(np.abs(error), 0.95) < 4  # the rest: folds of mouth and nose
    error = np.abs(texture[BASE_COLOR][..., 2][seen] - uv_paint(u, v)[2][seen])
    assert np.median(error) < 2  # the checker's fields
    assert error.mean() < 10  # and its edges


def test_hidden_texels_stay_black_without_fill(topology):
    pixels, position_map = photograph(topology, symmetric_paint, 45)
    texture = project(topology, pixels, position_map, 512, fill=False)
    assert (texture[MASK] == 0).mean() > 0.3
    assert (texture[BASE_COLOR][texture[MASK] == 0] == 0).all()
    assert (texture[BASE_COLOR][texture[MASK] == 255].max(axis=-1) > 0).all()


def test_the_hidden_side_is_the_other_side_mirrored(topology):
    pixels, position_map = photograph(topology, symmetric_paint, 50)
    texture = project(topology, pixels, position_map, 512, fill=True)
    mirrored = (texture[MASK] == 0) & (texture[MASK][:, ::-1] == 255)
    assert mirrored.mean() > 0.08
    truth = np.stack(symmetric_paint(*places(512)), axis=-1)
    error = np.abs(texture[BASE_COLOR][mirrored] - truth[mirrored])
    assert np.median(error) < 3
    assert np.quantile(error, 0.95) < 12


@pytest.mark.parametrize("yaw", [0, 40, 75])
def test_the_seam_does_not_show(topology, yaw):
    pixels, position_map = photograph(topology, lit_skin, yaw)
    texture = project(topology, pixels, position_map, 1024, fill=True)
    first, second = topology.sample_uv.swapaxes(0, 1)
    seam = np.flatnonzero((first != second).any(axis=1))
    sides = []
    for uv in (first[seam], second[seam]):
        column, row = np.clip((uv * 1024).astype(int), 0, 1023).T
        sides.append(texture[BASE_COLOR][row, column].astype(float))
    assert np.abs(sides[0] - sides[1]).mean() < 2.5
    assert np.abs(sides[0] - sides[1]).max() < 12


@pytest.mark.parametrize("yaw", [0, 40, 75])
def test_no_background_gets_into_the_texture_of_a_misplaced_head(topology, yaw):
    pixels, position_map = photograph(topology, lit_skin, yaw)
    values = position_map.values + np.float32([6, -4, 0])  # head sizes are about 250 pixels
    texture = project(topology, pixels, PositionMap(values), 512, fill=True)
    red, green, _ = texture[BASE_COLOR].astype(int).transpose(2, 0, 1)
    assert (green - red > 20).mean() < 0.002


def test_fine_stripes_become_grey(topology):
    size = 2400
    _, position_map = photograph(topology, lit_skin, 0, size=300)
    position_map = PositionMap(position_map.values * np.float32(size / 300))
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[:, ::2] = 255
    texture = project(topology, pixels, position_map, 512, fill=False)
    seen = texture[BASE_COLOR][texture[MASK] == 255].astype(float)
    assert len(seen) > 0.2 * 512**2
    assert abs(seen.mean() - 127.5) < 3
    assert seen.std() < 12  # of 127 without a filter


@pytest.mark.parametrize("shift", [(-250, 0), (0, 250), (5000, 5000)])
def test_a_head_partly_or_wholly_outside_of_the_photo_is_completed(topology, shift):
    pixels, position_map = photograph(topology, lit_skin, 0)
    values = position_map.values + np.float32([*shift, 0])
    texture = project(topology, np.roll(pixels, shift, axis=(1, 0)), PositionMap(values), 512, fill=True)
    place = position_map.at_size(512)[..., :2] + shift
    outside = ((place < 0) | (place > 500)).any(axis=-1)
    assert outside.mean() > 0.3
    assert (texture[MASK][outside] > 128).mean() < 0.01
    assert (texture[BASE_COLOR].max(axis=-1) > 40).mean() > 0.99
