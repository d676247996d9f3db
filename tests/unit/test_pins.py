"""Pins: the head sampled at a mesh's places is the one of the position map, and lies on the pins."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.run import Request, run
from prn_blender.capture.shape.outline import nearest_outline, slid
from prn_blender.capture.shape.pick import pick
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.shape.sampled import HeadSampler, Sampled, Shown
from prn_blender.capture.shape.size import size_factor, sized
from prn_blender.capture.shape.views import Fitted, fit_views
from prn_blender.capture.texture.project import project_textures
from prn_blender.capture.types import MASK, Settings

from .test_shape import evidence_from, person, seen_from

PORTRAIT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
UV = np.array([(0.5, 0.47), (0.3, 0.33), (0.5, 0.76)])


@pytest.fixture(scope="module")
def pack():
    return load_pack()


@pytest.fixture(scope="module")
def pinned(pack) -> Fitted:
    """A person in two photos, with pins in both."""
    model, rng = pack.head_model, np.random.default_rng(21)
    identity = person(model, rng)
    states = [seen_from(model, rng, yaw) for yaw in (5, 40)]
    fitted = fit_views(model, tuple(evidence_from(model, identity, state, deviation=6.0) for state in states))
    for number in (0, 1):
        seen = fitted.head_in(model, pack.topology, number).position_map.sample(UV)[:, :2]
        places = (seen + rng.normal(size=seen.shape) * 12).tolist()
        pins = tuple(Pin(tuple(uv), tuple(place)) for uv, place in zip(UV.tolist(), places, strict=True))
        fitted = fitted.pinned(number, pins)
    return fitted.again(model)


@pytest.mark.parametrize("name", ["standard", "game"])
@pytest.mark.parametrize("settings", [Settings(), Settings(follow=0.3, head_size="eyes", eye_mm=55.0)])
def test_the_sampled_head_is_that_of_the_position_map(pack, pinned, name, settings):
    topology = pack.choose_topology(name)
    placed = HeadSampler.of(pack, topology, with_parts=True).heads(pinned, settings, (0, 1))
    heads = pinned.heads(pack.head_model, pack.topology, settings.follow)
    landmarks = heads[0].camera.to_camera_space(pack.topology.landmarks(heads[0].position_map))
    factor = size_factor(landmarks, settings)
    for one, head in zip(placed, heads, strict=True):
        camera, pose = sized(head.camera, head.pose, factor)
        expected = pose.inverse_apply(camera.to_camera_space(topology.vertices(head.position_map)))
        off = np.linalg.norm(one.vertices - expected, axis=1)
        assert np.median(off) < 2e-5 and off.max() < 2e-4  # metres
        assert np.abs(one.pose.matrix - pose.matrix).max() < 1e-4
        assert one.camera.distance == pytest.approx(camera.distance, rel=1e-4)
        assert one.anchors.shape == pack.parts.anchor_uv.shape[:1] + (3,)


def test_a_head_that_pins_move_is_cut_out_where_it_is_then(pack):
    wanted = run(Request(PORTRAIT, settings=Settings(texture_size=256))).captures[0].views[0].landmarks
    sides = [(16, 15), (0, -15)]  # landmarks on the jaw, and pixels to the right
    uv, places = pack.topology.landmark_uv, wanted[:, :2]
    pins = tuple(Pin(tuple(uv[k].tolist()), (places[k, 0] + by, places[k, 1])) for k, by in sides)
    capture = run(Request(PORTRAIT, settings=Settings(texture_size=256), pins=pins)).captures[0]
    anew = project_textures([replace(view, cut=None) for view in capture.views], pack.topology, 256, True)
    assert np.array_equal(capture.textures[MASK], anew[MASK])


def test_it_lies_exactly_on_the_pins(pack, pinned):
    sampled = Sampled.at(pack.head_model, pack.topology, UV)
    for number, follow in ((0, 1.0), (1, 0.0)):
        at = Shown.of(pack.head_model, pack.topology, pinned, number, follow).at(sampled)
        assert np.abs(at[:, :2] - [pin.place for pin in pinned.known[number].pins]).max() < 1e-2


def test_the_nearest_surface_under_a_place_is_picked(pack, pinned):
    topology, head = pack.topology, pinned.head_in(pack.head_model, pack.topology, 0)
    vertices = topology.vertices(head.position_map)
    for uv in np.array([(0.45, 0.66), (0.6, 0.55), (0.55, 0.35)]):
        place = head.position_map.sample(uv[None])[0]
        picked = pick(vertices, topology.triangles, topology.triangle_uv, place[:2])
        found = head.position_map.sample(np.array([picked.uv]))[0]
        assert np.linalg.norm(found[:2] - place[:2]) < 1.5  # flat triangles, curved surface
        assert found[2] > place[2] - 20 and picked.facing > 0  # nothing behind it
    assert pick(vertices, topology.triangles, topology.triangle_uv, np.array([1.0, 1.0])) is None


def test_the_outline_is_found_where_the_surface_turns_away(pack, pinned):
    topology, head = pack.topology, pinned.head_in(pack.head_model, pack.topology, 1)
    vertices = topology.vertices(head.position_map)
    left = vertices[vertices[:, 0].argmin()]
    uv, off = nearest_outline(vertices, topology, left[:2] - (40, 0))
    assert off == pytest.approx(40, abs=2)
    assert head.position_map.sample(np.array([uv]))[0] == pytest.approx(left, abs=4)
    assert nearest_outline(vertices, topology, left[:2], around=np.array([3.0, 3.0])) is None
    pins = (Pin(uv, tuple(left[:2] - (40, 30)), slides=True), Pin((0.5, 0.5), (0.0, 0.0)))
    after = slid(pins, vertices, topology)
    assert after[1] == pins[1] and after[0].place == pins[0].place
    assert 0 < np.linalg.norm(np.subtract(after[0].uv, uv)) < 0.1
    assert slid((replace(pins[0], is_on=False),), vertices, topology)[0].uv == uv
