"""Landmark error on annotated photos, beside published and measured numbers of other methods.

    .venv/bin/python benchmarks/landmarks.py FOLDER [--pack PACK] [--boxes truth|own|annotated] [--json]

NME: the mean distance of the 68 points in the picture over the square root of the area of their true box, in percent.
With the true boxes the network runs once, as in the literature; with boxes of our own detector the capture runs as it
does for an artist: the largest face, two passes, or the annotated face, as if the user had chosen it. Beside the
network's landmarks are those of the captured head, after the second pass and the fit. A failure is a picture with an
NME over 8 % or without a found face; the latter enter no mean.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.annotated_photos import AnnotatedPhotos, nme
from prn_blender.capture.errors import NoFaceError
from prn_blender.capture.faces.box import FaceBox, overlap
from prn_blender.capture.faces.find import choose_faces
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import Portrait, evidence_in, regress, views_of
from prn_blender.capture.run import faces_in
from prn_blender.capture.types import Settings

FAILURE_NME = 8.0
# On AFLW2000-3D: the three yaw bins and their mean.
PEERS = {
    "PRNet (2018, paper)": (2.75, 3.51, 4.61, 3.62),
    "3DDFA_V2 (paper)": (2.63, 3.42, 4.48, 3.51),
    "SynergyNet (paper)": (2.66, 3.32, 4.27, 3.41),
    "DSFNet (2023, paper)": (2.46, 3.20, 4.16, 3.27),
    "3DDFA_V2 MobileNet 0.5, true boxes (measured)": (2.93, 3.67, 4.78, 3.79),
    "3DDFA_V2 MobileNet 0.5, YuNet's boxes (measured)": (3.41, 5.82, 7.34, 5.52),
    "MediaPipe FaceMesh, own boxes (measured)": (3.77, 7.30, 11.72, 7.60),
}


def true_box(points: np.ndarray) -> FaceBox:
    return FaceBox(*points[:, :2].min(0), *points[:, :2].max(0))


def chosen_box(faces: list[FaceBox], truth: np.ndarray, is_annotated: bool) -> FaceBox:
    """The largest face, or the one that overlaps the box of points (68, 3) most.

    Raises:
        NoFaceError: there is none.
    """
    if not is_annotated:
        return choose_faces(faces, "largest")[0]
    if not faces:
        raise NoFaceError
    corners = true_box(truth).corners.ravel()
    return max(faces, key=lambda face: overlap(face.corners.ravel(), corners))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pack", type=Path, help="model pack folder; default: the one in models/")
    parser.add_argument("--boxes", choices=("truth", "own", "annotated"), default="truth")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()

    photos = AnnotatedPhotos.load(arguments.folder)
    pack = load_pack(arguments.pack)
    network = open_network(pack)
    refiner = open_refiner(pack, network.provider)
    errors, captured = np.full((2, len(photos.names)), np.nan)
    for index, (path, truth) in enumerate(photos):
        photo = load_photo(path)
        try:
            if arguments.boxes == "truth":
                box, passes = true_box(truth), 1
            else:
                found = list(faces_in(photo, pack, Settings()))
                box, passes = chosen_box(found, truth, arguments.boxes == "annotated"), Settings().passes
        except NoFaceError:
            continue
        crop, position_map, said = regress(photo, box, pack, network, passes)
        errors[index] = nme(pack.topology.landmarks(position_map), truth)
        evidence = evidence_in(photo, crop, position_map, said, pack, refiner)
        portraits, regressed = (Portrait(photo, box),), [(crop, position_map, said)]
        (view,), _ = views_of(portraits, regressed, [evidence], pack, Settings())
        captured[index] = nme(view.landmarks, truth)
        if index % 50 == 49:
            print(f"{index + 1} of {len(photos.names)} photos", file=sys.stderr)

    bins, captured_bins = photos.in_bins(errors), photos.in_bins(captured)
    lost = int(np.isnan(errors).sum())
    result = {
        "bins": [round(value, 3) for value in bins],
        "mean_of_bins": round(float(np.mean(bins)), 3),
        "all": round(float(np.nanmean(errors)), 3),
        "failures": int((errors > FAILURE_NME).sum()) + lost,
        "captured_bins": [round(value, 3) for value in captured_bins],
        "captured_mean_of_bins": round(float(np.mean(captured_bins)), 3),
        "captured_all": round(float(np.nanmean(captured)), 3),
    }
    row = "{:<52}" + "{:>8}" * 4
    print(row.format("NME % by |yaw|", "0-30", "30-60", "60-90", "mean"))
    boxes = {"truth": "true boxes", "own": "own boxes", "annotated": "own boxes, right face"}[arguments.boxes]
    ours = f"{pack.name} {pack.version}, {boxes}"
    print(row.format(ours, *(f"{value:.2f}" for value in (*bins, result["mean_of_bins"]))))
    captured_values = (*captured_bins, result["captured_mean_of_bins"])
    print(row.format("  the captured head", *(f"{value:.2f}" for value in captured_values)))
    for name, numbers in PEERS.items():
        print(row.format(name, *(f"{value:.2f}" for value in numbers)))
    print(
        f"all {result['all']:.2f} (captured head {result['captured_all']:.2f}), median {np.nanmedian(errors):.2f}, "
        f"failures {result['failures']} of {len(errors)} ({lost} without a found face)"
    )
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
