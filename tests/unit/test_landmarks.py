"""iBUG's 68 landmarks: their names, parts, lines and mirror images."""

import numpy as np
import pytest

from prn_blender.capture.landmarks import COUNT, MIRROR, NAMES, PARTS


def test_every_landmark_is_in_one_part_in_order():
    assert [index for part in PARTS for index in range(part.first, part.last + 1)] == list(range(COUNT))
    assert len(set(NAMES)) == COUNT
    assert NAMES[8] == "jaw_08" and NAMES[36] == "eye_right_36" and NAMES[67] == "lips_inner_67"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_lines_pass_all_of_a_part_and_close_where_it_does(part):
    line = part.line
    assert sorted(set(line)) == list(range(part.first, part.last + 1))
    assert (line[0] == line[-1]) == part.is_closed == part.name.startswith(("eye", "lips"))


def test_the_mirror_image_of_a_mirror_image_is_the_landmark():
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(COUNT))
    other_side = {"right": "left", "left": "right"}
    for part in PARTS:
        name, _, side = part.name.rpartition("_")
        mirrored = {NAMES[index].rpartition("_")[0] for index in MIRROR[part.first : part.last + 1]}
        assert mirrored == {f"{name}_{other_side[side]}" if side in other_side else part.name}


def test_on_the_canonical_head_sides_are_the_subjects_and_mirror_images_face_each_other(topology):
    points = topology.landmark_canonical
    for part in PARTS:
        x = points[part.first : part.last + 1, 0]
        if part.name.endswith("_right"):
            assert (x < 0).all()
        elif part.name.endswith("_left"):
            assert (x > 0).all()
    np.testing.assert_allclose(points[MIRROR] * (-1, 1, 1), points, atol=0.004)  # metres
