"""Face detection on annotated photos, beside measured numbers of other detectors.

    .venv/bin/python benchmarks/detection.py FOLDER [--yunet ONNX] [--no-face FOLDER] [--json]

Recall: the photos, in percent, whose best box (highest score) has an intersection over union above 0.4 with the box of
the 68 points. False alarms: all boxes in pictures that show no face.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.annotated_photos import AnnotatedPhotos
from prn_blender.capture.face_box import overlap
from prn_blender.capture.faces import FaceBox, find_faces
from prn_blender.capture.photo import load_photo

MIN_OVERLAP = 0.4
# On all 2000 photos of AFLW2000-3D: recall and that at 60-90 degrees; false alarms in 30 pictures.
PEERS = {
    "YuNet-n (measured)": (98.8, 96.4, 4),
    "UltraFace RFB-320 (measured)": (96.8, 85.9, 9),
}


def straight(box: FaceBox) -> np.ndarray:
    """(4,) left, top, right, bottom of the ellipse in a box that may be turned: what its landmarks take up."""
    centre, half = box.corners.mean(0), np.ptp(box.corners, axis=0) / 2
    cos, sin = np.cos(box.roll), np.sin(box.roll)
    half = np.hypot(half * cos, half[::-1] * sin)
    return np.concatenate([centre - half, centre + half])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yunet", help="YuNet ONNX file; default: the built-in detector")
    parser.add_argument("--no-face", type=Path, help="pictures without a face; default: no_face beside FOLDER")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()

    photos = AnnotatedPhotos.load(arguments.folder)
    overlaps, seconds = np.zeros(len(photos.names)), np.zeros(len(photos.names))
    for index, (path, points) in enumerate(photos):
        photo = load_photo(path)
        started = time.perf_counter()
        found = find_faces(photo, arguments.yunet)
        seconds[index] = time.perf_counter() - started
        if found:
            truth = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
            overlaps[index] = overlap(truth[None], straight(found[0]))[0]
        if index % 50 == 49:
            print(f"{index + 1} of {len(photos.names)} photos", file=sys.stderr)
    hit = np.where(overlaps > MIN_OVERLAP, 100.0, 0.0)

    no_face = arguments.no_face or arguments.folder.resolve().parent / "no_face"
    pictures = sorted(no_face.iterdir()) if no_face.is_dir() else []
    alarms = [len(find_faces(load_photo(path), arguments.yunet)) for path in pictures]

    result = {
        "recall": round(float(hit.mean()), 2),
        "bins": [round(value, 2) for value in photos.in_bins(hit)],
        "false_alarms": sum(alarms),
    }
    row = "{:<44}{:>8}{:>8}{:>8}{:>8}{:>14}"
    print(row.format("recall % at IoU > 0.4, by |yaw|", "all", "0-30", "30-60", "60-90", "false alarms"))
    ours = "YuNet, this file" if arguments.yunet else "built-in"
    numbers = (f"{value:.1f}" for value in (result["recall"], *result["bins"]))
    print(row.format(ours, *numbers, f"{sum(alarms)} in {len(alarms)}"))
    for name, (recall, profile, false_alarms) in PEERS.items():
        print(row.format(name, recall, "", "", profile, f"{false_alarms} in 30"))
    print(
        f"nothing found in {(overlaps == 0).sum()}, mean overlap where found {overlaps[overlaps > 0].mean():.3f}, "
        f"pictures with a false alarm {np.count_nonzero(alarms)}, median time {np.median(seconds) * 1000:.0f} ms"
    )
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
