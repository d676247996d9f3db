"""Face detection on annotated photos, beside measured numbers of other detectors.

    .venv/bin/python benchmarks/detection.py FOLDER [--yunet ONNX] [--alone] [--json]

Recall: the photos, in percent, whose best box (highest score) has an intersection over union above 0.4 with the box of
the 68 points. Beside FOLDER, where they are: `no_face`, pictures without a face, in which every box is a false alarm;
`dlib68` with `faces.json`, photos of several people with 68 points each; `portraits`, photos of one person each.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks.annotated_photos import AnnotatedPhotos
from benchmarks.timing import median_seconds
from prn_blender.capture.doubtful_faces import without_nobody
from prn_blender.capture.faces.box import FaceBox, overlap
from prn_blender.capture.faces.find import find_faces
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.types import Photo, Settings

MIN_OVERLAP = 0.4
# On all 2000 photos of AFLW2000-3D: recall and that at 60-90 degrees; false alarms in 30 pictures.
PEERS = {
    "YuNet-n (measured)": (98.8, 96.4, 4),
    "UltraFace RFB-320 (measured)": (96.8, 85.9, 9),
}


def faces_of(photo: Photo, yunet: str | None, alone: bool) -> list[FaceBox]:
    """As a capture has them: without those in which the networks see nobody; with all of them if `alone`."""
    found = find_faces(photo, yunet)
    return found if alone else list(without_nobody(photo, tuple(found), load_pack(), Settings()))


def straight(box: FaceBox) -> np.ndarray:
    """(4,) left, top, right, bottom of the ellipse in a box that may be turned: what its landmarks take up."""
    centre, half = box.corners.mean(0), np.ptp(box.corners, axis=0) / 2
    cos, sin = np.cos(box.roll), np.sin(box.roll)
    half = np.hypot(half * cos, half[::-1] * sin)
    return np.concatenate([centre - half, centre + half])


def pictures_in(folder: Path) -> list[Path]:
    """A folder's pictures in order; none where it is missing."""
    return sorted(path for path in folder.glob("*") if path.suffix in (".jpg", ".png"))


def hits_and_alarms(boxes: list[FaceBox], people: list[dict]) -> tuple[int, int]:
    """How many of a photo's people, with their 68 "points", have a box, and how many boxes lie on none of them."""
    truth = np.array([[*np.min(one["points"], 0), *np.max(one["points"], 0)] for one in people])
    overlaps = overlap(truth[:, None], np.reshape([straight(box) for box in boxes], (-1, 4)))
    return int((overlaps.max(axis=1, initial=0) > MIN_OVERLAP).sum()), int((overlaps.max(axis=0) < 0.1).sum())


def several_people(folder: Path, yunet: str | None, alone: bool) -> tuple[int, int, int]:
    """Faces found, faces there, and boxes on no annotated face, in the photos of a folder with `faces.json`."""
    if not folder.is_dir():
        return 0, 0, 0
    hits = faces = alarms = 0
    for name, people in json.loads((folder / "faces.json").read_text()).items():
        found, wrong = hits_and_alarms(faces_of(load_photo(folder / name), yunet, alone), people)
        hits, faces, alarms = hits + found, faces + len(people), alarms + wrong
    return hits, faces, alarms


def time_of_a_search(yunet: str | None, repeats: int = 20) -> float:
    """Median seconds of a search in the middle of the bundled portrait, 640 x 640 pixels."""
    import cv2

    portrait = load_photo(CHECKOUT / "examples" / "astronaut.jpg")
    pixels = portrait.pixels
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = cv2.resize(pixels[top : top + side, left : left + side], (640, 640), interpolation=cv2.INTER_AREA)
    photo = Photo(portrait.path, square, "", None, True)
    return median_seconds(lambda: find_faces(photo, yunet), repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--yunet", help="YuNet ONNX file; default: the built-in detector")
    parser.add_argument("--alone", action="store_true", help="without the networks' look at doubtful boxes")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()

    photos = AnnotatedPhotos.load(arguments.folder)
    overlaps, seconds = np.zeros(len(photos.names)), np.zeros(len(photos.names))
    for index, (path, points) in enumerate(photos):
        photo = load_photo(path)
        started = time.perf_counter()
        found = faces_of(photo, arguments.yunet, arguments.alone)
        seconds[index] = time.perf_counter() - started
        if found:
            truth = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
            overlaps[index] = overlap(truth[None], straight(found[0]))[0]
        if index % 50 == 49:
            print(f"{index + 1} of {len(photos.names)} photos", file=sys.stderr)
    hit = np.where(overlaps > MIN_OVERLAP, 100.0, 0.0)

    beside = arguments.folder.resolve().parent
    alarms = [
        len(faces_of(load_photo(path), arguments.yunet, arguments.alone)) for path in pictures_in(beside / "no_face")
    ]
    several = several_people(beside / "dlib68", arguments.yunet, arguments.alone)
    portraits = [
        len(faces_of(load_photo(path), arguments.yunet, arguments.alone)) for path in pictures_in(beside / "portraits")
    ]

    result = {
        "recall": round(float(hit.mean()), 2),
        "bins": [round(value, 2) for value in photos.in_bins(hit)],
        "false_alarms": sum(alarms),
        "several_people": several,
        "portraits": portraits,
        "milliseconds": round(time_of_a_search(arguments.yunet) * 1000, 1),
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
    print("photos of several people: {} of {} faces found, {} false alarms".format(*several))
    print(f"portraits with exactly one box: {portraits.count(1)} of {len(portraits)}")
    print(f"a search in 640 x 640 pixels: {result['milliseconds']} ms on {os.cpu_count()} cores")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
