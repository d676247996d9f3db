"""Model packs: imported, chosen, named by what was captured with them."""

import shutil

import bpy
import numpy as np
import pytest

from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.packs.installed import packs_in
from prn_blender.capture.packs.pack import ModelPack, default_pack_folder, load_pack
from prn_blender.capture.packs.prnet import read_uv_data
from prn_blender.cli import batch
from prn_blender.scene import packs as places
from prn_blender.scene.record import read_record
from prn_blender.ui.shell import packs as choices

from ..prnet_copy import prnet_folder, random_checkpoint
from ..unit.prnet_answers import answering, as_network_output
from .conftest import CHECKOUT, PORTRAIT

PRNET_DATA = CHECKOUT.parent / "shared" / "data" / "prnet"
needs_prnet = pytest.mark.skipif(not PRNET_DATA.is_dir(), reason=f"needs PRNet's UV data in {PRNET_DATA}")


@pytest.fixture
def user_folder(monkeypatch, tmp_path):
    """The user's folder of packs, empty."""
    folder = tmp_path / "user packs"
    for module in (places, choices):
        monkeypatch.setattr(module, "user_packs_folder", lambda: folder)
    return folder


@pytest.fixture
def frontal_prnet(prnet, user_folder) -> ModelPack:
    """PRNet's pack in the user's folder, whose network finds the mean head in every crop."""
    pytest.importorskip("onnx")
    x, y, z = prnet.topology.canonical.T
    vertices = np.column_stack([128 + 800 * x, 128 - 800 * (z + 0.03), 800 * (y.max() - y)])
    values = as_network_output(vertices, read_uv_data(PRNET_DATA), Crop(128.0, 128.0, 256.0))
    return answering(prnet, values, user_folder / "prnet")


def test_packs_are_found_in_both_folders_and_damaged_ones_passed_over(user_folder):
    user_folder.mkdir()
    for name in ("copy", "renamed", "broken", "no pack"):
        shutil.copytree(default_pack_folder(), user_folder / name)
    manifest = (default_pack_folder() / "pack.toml").read_text()
    name = f'name = "{load_pack().name}"'
    assert name in manifest
    (user_folder / "renamed" / "pack.toml").write_text(manifest.replace(name, 'name = "mine"'))
    (user_folder / "broken" / "pack.toml").write_text("[pack")
    (user_folder / "no pack" / "pack.toml").unlink()
    found = packs_in((default_pack_folder().parent, user_folder))
    assert [pack.folder for pack in found] == [default_pack_folder(), user_folder / "renamed"]
    first = found[0]
    assert first.sha256 == load_pack().sha256 and first.answers_to(first.description.name)
    assert first.size == sum(file.stat().st_size for file in default_pack_folder().iterdir())
    assert packs_in((user_folder / "nowhere",))[0].folder == default_pack_folder()


def test_a_pack_that_is_put_into_the_users_folder_is_found_and_one_that_is_taken_away_is_not(user_folder):
    alone = [pack.folder for pack in places.installed_packs()]
    shutil.copytree(default_pack_folder(), user_folder / "mine", ignore=shutil.ignore_patterns("pack.toml"))
    assert [pack.folder for pack in places.installed_packs()] == alone
    manifest = (default_pack_folder() / "pack.toml").read_text()
    name = f'name = "{load_pack().name}"'
    (user_folder / "mine" / "pack.toml").write_text(manifest.replace(name, 'name = "mine"'))
    assert [pack.folder for pack in places.installed_packs()] == [*alone, user_folder / "mine"]
    shutil.rmtree(user_folder / "mine")
    assert [pack.folder for pack in places.installed_packs()] == alone


def test_the_extensions_folder_of_the_user_outlives_updates(monkeypatch):
    folder = places.user_packs_folder()
    assert folder.is_absolute() and default_pack_folder() not in (folder, *folder.parents)
    monkeypatch.setattr(places, "_PACKAGE", "bl_ext.user_default.prn_head_capture")
    assert places.user_packs_folder().parts[-4:] == (".user", "user_default", "prn_head_capture", "packs")


@needs_prnet
@pytest.mark.usefixtures("registered")
def test_prnet_is_imported_by_the_operator_and_then_listed(user_folder, tmp_path):
    random_checkpoint(tmp_path)
    folder = prnet_folder(tmp_path / "PRNet", PRNET_DATA, tmp_path)
    assert bpy.ops.prn.import_prnet(directory=str(folder)) == {"FINISHED"}
    assert load_pack(user_folder / "prnet").name == "prnet"
    for name in ("has_parts", "has_head_model", "has_expressions"):
        assert [getattr(pack.description, name) for pack in places.installed_packs()] == [True, False]
    options = bpy.context.scene.prn_capture
    options.pack_choice = "prnet 1.0.0"
    assert options.pack == "prnet 1.0.0" and options.topology == "standard"
    with pytest.raises(TypeError):
        options.topology = "game"  # PRNet has none
    options.pack_choice = f"{load_pack().name} {load_pack().version}"
    assert options.pack == ""


@pytest.mark.usefixtures("registered")
def test_a_wrong_folder_is_no_prnet(user_folder, tmp_path):
    with pytest.raises(RuntimeError, match="no folder of PRNet"):
        bpy.ops.prn.import_prnet(directory=str(tmp_path))
    assert not user_folder.exists()


@needs_prnet
@pytest.mark.usefixtures("registered")
def test_a_capture_uses_the_chosen_pack_and_names_it(frontal_prnet):
    options = bpy.context.scene.prn_capture
    options.pack_choice = "prnet 1.0.0"
    assert bpy.ops.prn.reconstruct_from_image(filepath=str(PORTRAIT), texture_size="512") == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    assert read_record(head)["pack"] == {"name": "prnet", "version": "1.0.0", "sha256": frontal_prnet.sha256}
    assert len(head.data.vertices) == len(frontal_prnet.topology.canonical)
    for given in ("prnet", str(frontal_prnet.folder)):
        options.pack_choice = f"{load_pack().name} {load_pack().version}"
        assert bpy.ops.prn.reconstruct_from_image(filepath=str(PORTRAIT), texture_size="512", pack=given) == {
            "FINISHED"
        }
        assert read_record(bpy.context.view_layer.objects.active)["pack"]["name"] == "prnet"


@needs_prnet
def test_the_command_line_takes_a_pack_by_name(frontal_prnet, tmp_path):
    out = tmp_path / "out"
    assert batch.main([str(PORTRAIT), "-o", str(out), "--texture-size", "512", "--pack", "prnet"], "prn") == 0
    assert '"name": "prnet"' in (out / "capture.json").read_text()


@pytest.mark.usefixtures("registered")
def test_a_pack_that_is_not_here_is_told_and_shown(user_folder):
    options = bpy.context.scene.prn_capture
    options.pack = "prnet 1.0.0"
    assert options.pack_choice == "prnet 1.0.0"
    with pytest.raises(RuntimeError, match="prnet 1.0.0 is not installed"):
        bpy.ops.prn.reconstruct_from_image(filepath=str(PORTRAIT), texture_size="512")
