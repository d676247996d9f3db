"""The face finder's training: scenes, targets, one step of learning, export. It needs torch, which CI does not have."""

import numpy as np
import pytest

from prn_blender.capture.faces.finder import Finder

cv2 = pytest.importorskip("cv2")
torch = pytest.importorskip("torch", reason="the training's tests need torch (training/requirements.txt)")
pytest.importorskip("tqdm")

from training.finder.export import check_onnx, write_pack
from training.finder.losses import UNIT, overlaps
from training.finder.network import ANSWER, STRIDES, FinderNetwork, FinderSize
from training.finder.scenes import FACE_VALUES, Scene, SceneMaker, SpriteShards, describe, paste, placed
from training.finder.targets import BACKGROUND, IGNORED, assign, cell_centres
from training.finder.train import SIZE, Pool, Schedule, Trainer, mirrored

SMALL = FinderSize(stem=8, widths=(8, 8, 8), pyramid=8)
SPRITE = 96


class Plain:
    """Surroundings of one colour."""

    def sample(self, rng: np.random.Generator, size: int) -> np.ndarray:
        return np.full((size, size, 3), 40, np.uint8)


@pytest.fixture
def sprites(tmp_path) -> SpriteShards:
    """One sprite: an ellipse whose outline are its landmarks, a little off the middle; and one seen from behind."""
    angle = np.arange(68) / 68 * 2 * np.pi
    points = np.stack([0.48 + 0.15 * np.cos(angle), 0.42 + 0.2 * np.sin(angle)], -1)
    picture = np.zeros((SPRITE, SPRITE, 4), np.uint8)
    cv2.fillConvexPoly(picture, np.round(points * SPRITE - 0.5).astype(np.int32), (200, 150, 120, 255))
    np.save(tmp_path / "shard0000_pictures.npy", np.stack([picture] * 2))
    np.save(tmp_path / "shard0000_points.npy", np.stack([points] * 2).astype(np.float32))
    np.save(tmp_path / "shard0000_turns.npy", np.array([[0, 0, 0], [3, 0, 0]], np.float32))
    return SpriteShards(tmp_path)


def face_at(x: float, y: float, side: float, roll: float = 0.0) -> np.ndarray:
    angle = np.arange(68) / 68 * 2 * np.pi
    return describe(np.stack([x + side / 2 * np.cos(angle), y + side / 2 * np.sin(angle)], -1), roll)


@pytest.mark.parametrize("turn", [0.0, 0.5, -1.2])
@pytest.mark.parametrize("scale", [40.0, 300.0])
def test_labels_agree_with_what_is_drawn(sprites, turn, scale):
    canvas = np.zeros((256, 256, 3), np.uint8)
    matrix = placed(scale, turn, np.array([0.48, 0.42]), np.array([120.3, 131.8]))
    covered = paste(canvas, sprites.picture(0, scale), matrix)
    face = describe(sprites.points[0] @ matrix[:, :2].T + matrix[:, 2], turn)
    rows, columns = np.nonzero(covered)
    drawn = np.stack([columns + 0.5, rows + 0.5], -1)
    assert drawn.mean(0) == pytest.approx(face[:2], abs=0.03 * scale)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    along = (drawn - face[:2]) @ axes.T
    assert np.ptp(along, axis=0) == pytest.approx(face[2:4], abs=2 + 0.03 * scale)
    assert (canvas[~covered].max(initial=0)) <= 200
    assert canvas[covered].mean(0)[0] > 150


def test_sprites_are_read_no_larger_than_needed(sprites):
    assert len(sprites.picture(0, 90)) == SPRITE
    assert len(sprites.picture(0, 48)) == SPRITE // 2
    assert sprites.faces.tolist() == [0]
    assert sprites.backs.tolist() == [1]


def test_scenes_tell_their_faces(sprites):
    maker = SceneMaker(sprites, Plain(), 192)
    scenes = [maker.sample(np.random.default_rng(seed)) for seed in range(40)]
    faces = np.concatenate([scene.faces for scene in scenes])
    assert all(scene.picture.shape == (192, 192, 3) and scene.picture.dtype == np.uint8 for scene in scenes)
    assert len(faces) > 20
    assert any(not len(scene.faces) for scene in scenes)
    assert faces[:, 3] / faces[:, 2] == pytest.approx(np.full(len(faces), 4 / 3), abs=0.02)
    assert (faces[:, 2:4].mean(1) >= 11.9).all()
    again = maker.sample(np.random.default_rng(7))
    assert np.array_equal(again.faces, scenes[7].faces)


def test_batches_are_renewed(sprites):
    pool = Pool(SceneMaker(sprites, Plain(), 64), np.random.default_rng(0))
    pictures, owners, faces = pool.batch(8)
    assert pictures.shape == (8, 3, 64, 64)
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert owners.shape == (8, len(pool.centres))
    assert owners.max() < faces.shape[1]
    before = pool.composed
    pool.batch(8)
    assert pool.composed == before + 2


def test_mirroring_twice_changes_nothing():
    face = face_at(30, 50, 20, roll=0.3)
    scene = Scene(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3), face[None], np.array([[1, 2, 9, 8.0]]))
    once = mirrored(scene)
    assert once.faces[0, :2] == pytest.approx([34, 50])
    assert once.faces[0, 14] == pytest.approx(-0.3)
    assert once.ignored.tolist() == [[55, 2, 63, 8]]
    twice = mirrored(once)
    assert twice.faces == pytest.approx(scene.faces)
    assert np.array_equal(twice.picture, scene.picture)


@pytest.mark.parametrize("side", [11, 35, 60, 95])
def test_every_face_has_its_cells(side):
    centres, strides = cell_centres(256)
    faces = np.stack([face_at(100, 140, side), face_at(230, 20, 12)])
    owner = assign(faces, np.array([[0, 200, 40, 256.0]]), centres, strides)
    mine = owner == 0
    assert mine.any() and (owner == 1).any()
    assert (np.linalg.norm(centres[mine] - (100, 140), axis=1) < 2 * strides[mine]).all()
    assert set(strides[mine]) == {11: {8}, 35: {8, 16}, 60: {16}, 95: {16}}[side]
    inside = ((centres > (0, 200)) & (centres < (40, 256))).all(1)
    assert (owner[inside & ~mine] == IGNORED).all()
    assert (owner == BACKGROUND).mean() > 0.7


def test_a_face_that_is_too_large_is_background():
    centres, strides = cell_centres(256)
    assert (assign(face_at(100, 140, 220)[None], np.zeros((0, 4)), centres, strides) == BACKGROUND).all()


def test_overlaps_of_known_boxes():
    offset = torch.tensor([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    sides = torch.full((3, 2), 2.0)
    plain, generous = overlaps(offset, sides, sides)
    assert plain.tolist() == pytest.approx([1, 1 / 3, 0])
    assert generous.tolist() == pytest.approx([1, 1 / 3, -16 / 24])


def test_a_step_learns_and_goes_on_where_it_stopped(tmp_path):
    torch.manual_seed(0)
    schedule = Schedule(hours=1, learning_rate=1e-2, warm_up_steps=1)
    trainer = Trainer(tmp_path, SMALL, schedule)
    centres, strides = cell_centres(SIZE)
    faces = face_at(50, 70, 60)[None]
    batch = (
        torch.rand(2, 3, SIZE, SIZE),
        torch.from_numpy(np.stack([assign(faces, np.zeros((0, 4)), centres, strides)] * 2)),
        torch.from_numpy(np.stack([faces] * 2)),
    )
    first = trainer.learn(*batch)
    for _ in range(15):
        last = trainer.learn(*batch)
    assert set(first) == {"score", "box", "points", "roll"}
    assert sum(last.values()) < 0.8 * sum(first.values())
    trainer.save()
    other = Trainer(tmp_path, SMALL, schedule)
    assert other.resume()
    assert other.step == 16
    saved, read = (run.average.module.state_dict().values() for run in (trainer, other))
    assert all(torch.equal(a, b) for a, b in zip(saved, read, strict=True))


def test_export_is_what_the_finder_reads(tmp_path):
    pytest.importorskip("onnx", reason="the export needs onnx")
    torch.manual_seed(0)
    network = FinderNetwork(SMALL).eval()
    for answer in network.answers:
        answer.bias.data[0] = 2.0  # every cell a face
    write_pack(network, tmp_path, "0.0.1", 0.5)
    assert check_onnx(network, tmp_path / "network.onnx", np.zeros((1, 128, 64, 3), np.uint8)) < 0.05
    found = Finder(tmp_path).answers(np.zeros((100, 60, 3), np.uint8), 0.5)
    assert len(found.score) == sum((128 // stride) * (64 // stride) for stride in STRIDES)
    largest = found.size.max()
    assert largest == pytest.approx(UNIT * STRIDES[-1], rel=0.3)
    assert sum(ANSWER.values()) == FACE_VALUES + 2
