"""Makes the folder that `training.assets` reads from the public originals.

python -m training.prepare_assets OUTPUT --ict ICT-FaceKit --makehuman makehuman makehuman-assets
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from .assets import FaceKit, load_facekit
from .preparation import brows, eyes, facekit, hair, makehuman, masks
from .preparation.makehuman import MakeHuman
from .preparation.obj import AssetError
from .preparation.registration import Registration, register
from .preparation.report import measure
from .preparation.skins import SkinTransfer
from .preparation.texels import Openings, Tile, face_tile, head_tile, map_texels, openings

JPEG = (cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
COSTUMES = "special_suit"  # skins with painted hair and collars


def prepare(ict: Path, folders: tuple[Path, ...], output: Path) -> None:
    """Reads ICT-FaceKit and MakeHuman, registers one to the other, and writes everything, with `report.txt`.

    Args:
        ict: A checkout of ICT-FaceKit, or an `ict_facekit.npz` made of it.
        folders: Folders that together hold MakeHuman's base mesh, targets, skins, eyebrows, hair, eyes.
        output: Made where it is missing.

    Raises:
        AssetError: An original is missing or broken.
        FileNotFoundError: `ict` is an `ict_facekit.npz` that is not there.
    """
    originals = MakeHuman(folders)
    base, skins, brow_proxies = originals.base(), originals.skins(), originals.brows()
    hair_proxies, irises = originals.hair(), originals.eyes()
    kit = load_facekit(ict.parent) if ict.name == "ict_facekit.npz" else facekit.read_checkout(ict)
    for part in ("tex", "mask", "brow", "eye", "hair"):
        (output / part).mkdir(parents=True, exist_ok=True)
    facekit.save(kit, output / "ict_facekit.npz")

    registration = register(base, kit)
    face, head = face_tile(kit), head_tile(kit)
    holes = openings(face)
    transfer = SkinTransfer(face, head, map_texels(face, registration), map_texels(head, registration), holes)
    tiles = {"face": (face, transfer.face_map), "head": (head, transfer.head_map)}
    report = measure(registration, kit, holes, tiles)
    (output / "report.txt").write_text(f"{report}\n")
    print(report, flush=True)

    _write_skins(skins, transfer, output / "tex")
    _write_brows_and_masks(brow_proxies, registration, face, head, holes, output)
    _write_eyes(irises, kit, output / "eye")
    _write_hair(hair_proxies, registration, kit, output / "hair")


def _write_skins(skins: list[makehuman.Material], transfer: SkinTransfer, folder: Path) -> None:
    for skin in only_free(skins, "skins"):
        if COSTUMES in skin.texture.stem:
            continue
        texture = makehuman.read_picture(skin.texture, skin.name)[..., :3]
        name = skin.texture.stem.replace("_diffuse", "")
        _write_picture(folder / f"{name}_face.jpg", transfer.face_picture(texture))
        _write_picture(folder / f"{name}_head.jpg", transfer.head_picture(texture))


def _write_brows_and_masks(
    proxies: list[makehuman.Proxy], registration: Registration, face: Tile, head: Tile, holes: Openings, output: Path
) -> None:
    proxies = only_free(proxies, "eyebrows")
    hanging = [
        brows.brow_picture(proxy, makehuman.read_picture(proxy.texture, proxy.name), registration, face)
        for proxy in proxies
    ]
    pictures = [brows.straight_alpha(brow) for brow in brows.move_to_landmarks(hanging, face)]
    for proxy, picture in zip(proxies, pictures, strict=True):
        _write_picture(output / f"brow/{proxy.name}.png", picture)
        if proxy.name in brows.DENSE:
            _write_picture(output / f"brow/{proxy.name}_dense.png", brows.denser(picture))
    for name, mask in {**masks.make_masks(face, head, holes), "brow": brows.brow_mask(pictures)}.items():
        _write_picture(output / f"mask/{name}.png", (np.clip(mask, 0, 1) * 255).round().astype(np.uint8))


def _write_eyes(irises: list[makehuman.Material], kit: FaceKit, folder: Path) -> None:
    ball = eyes.eyeball(kit)
    pictures = {
        iris.name: eyes.eye_picture(makehuman.read_picture(iris.texture, iris.name), ball)
        for iris in only_free(irises, "eyes")
    }
    if eyes.STRUCTURE in pictures:
        for name, colour in eyes.RECOLOURED.items():
            pictures[name] = eyes.recolour(pictures[eyes.STRUCTURE], colour, ball)
    for name, picture in pictures.items():
        _write_picture(folder / f"{name}.png", picture)


def _write_hair(proxies: list[makehuman.Proxy], registration: Registration, kit: FaceKit, folder: Path) -> None:
    field = hair.Field(registration, kit)
    index = []
    for proxy in only_free(proxies, "hair styles"):
        mesh = hair.hair_mesh(proxy, registration.base, field, kit)
        np.savez_compressed(
            folder / f"{proxy.name}.npz",
            verts=mesh.vertices,
            faces=mesh.triangles,
            uv=mesh.uv,
            bind_idx=mesh.bind,
        )
        texture = makehuman.read_picture(proxy.texture, proxy.name)
        _write_picture(folder / f"{proxy.name}.png", hair.hair_texture(texture))
        index.append({"name": proxy.name, "triangles": len(mesh.triangles), "licence": proxy.licence})
    (folder / "index.json").write_text(json.dumps(index, indent=1))


def only_free(assets: list, kind: str) -> list:
    """The assets that say that they are CC0; the others are named and left out."""
    for asset in assets:
        if asset.licence != "CC0":
            print(f"left out: {asset.name}, its licence is {asset.licence}", file=sys.stderr)
    kept = [asset for asset in assets if asset.licence == "CC0"]
    if not kept:
        raise AssetError(f"none of the {kind} says that it is CC0: take MakeHuman's files of September 2020 or later")
    return kept


def _write_picture(path: Path, picture: np.ndarray) -> None:
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), picture, JPEG if path.suffix == ".jpg" else ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder for the prepared assets: what HEAD_ASSETS then names")
    parser.add_argument("--ict", type=Path, required=True, help="checkout of ICT-FaceKit, or its ict_facekit.npz")
    parser.add_argument("--makehuman", type=Path, nargs="+", required=True, help="folders with MakeHuman's data")
    options = parser.parse_args()
    try:
        prepare(options.ict, tuple(options.makehuman), options.output)
    except (AssetError, FileNotFoundError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
