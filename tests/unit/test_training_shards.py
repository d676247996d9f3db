"""Shards on disk: whole or passed over, and one index over all of them."""

import numpy as np
import pytest

from training.shards import Shards, shard_file, write_shard


def write(folder, number, count):
    rows = 10 * number + np.arange(count)
    write_shard(folder, number, {"pictures": np.stack([rows, -rows], 1), "labels": rows})


def test_rows_are_found_across_shards_and_folders(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    write(first, 0, 3)
    write(first, 2, 1)
    write(second, 1, 2)
    shards = Shards([first, second], "labels", made_by="render")
    labels, pictures = shards.whole("labels"), shards.rows("pictures")
    assert labels.tolist() == [0, 1, 2, 20, 10, 11]
    chosen = np.array([5, 0, 3, 2, 4, 3])
    np.testing.assert_array_equal(pictures.take(chosen)[:, 0], labels[chosen])
    assert pictures[3].tolist() == [20, -20]
    assert pictures.starts.tolist() == [0, 3, 4, 6]


def test_interrupted_shards_are_passed_over(tmp_path):
    write(tmp_path, 0, 2)
    write(tmp_path, 1, 2)
    shard_file(tmp_path, 0, "labels").unlink()
    assert Shards([tmp_path], "labels", made_by="render").whole("pictures")[:, 0].tolist() == [10, 11]


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no finished shards in .*; run training.render first"):
        Shards([tmp_path], "states", made_by="training.render")
