"""How far apart the eyes of captured heads are, by average size and by the irises, in photos of men and of women.

    .venv/bin/python benchmarks/head_size.py [PHOTOS] [--json]

PHOTOS is `aflw2000_dev` (see annotated_photos.py); who is in a photo was seen by eye. In life adults have 64.7 mm
between their pupils (men, deviation 3.7) and 62.3 mm (women, 3.6). Source: N. A. Dodgson, Variation and extrema of
human interpupillary distance, SPIE 5291, 2004. One man is in five of the photos: what his heads differ by is no size.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.annotated_photos import AnnotatedPhotos
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import Portrait, evidence_in, regress, seen_in, views_of
from prn_blender.capture.shape.iris import eyes_in, look_in_eyes
from prn_blender.capture.shape.iris_size import size_by_irises
from prn_blender.capture.types import Photo, Settings, View

DEFAULT_PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "photos" / "aflw2000_dev"
SAME = (1168, 1233, 1260, 1272, 1296)
MEN = (13, 57, 62, 291, 299, 405, 481, 860, 1026, *SAME)
WOMEN = (
    *(42, 47, 52, 122, 197, 234, 283, 389, 397, 466, 503, 598, 665, 691, 710, 761, 774, 785, 839, 844, 894, 937, 943),
    *(954, 971, 998, 1003, 1034, 1058, 1063, 1084, 1117, 1133, 1157, 1177, 1200),
)


class Sizes:
    """Heads of average size, and how large their irises make them."""

    def __init__(self, pack: ModelPack) -> None:
        self._pack, self._settings = pack, Settings()
        self._network = open_network(pack)
        self._refiner = open_refiner(pack, self._network.provider)

    def of(self, photo: Photo, landmarks: np.ndarray) -> tuple[View, float | None]:
        """The view of a head of average size whose landmarks are (68, 2) in the photo, and by how much its irises
        enlarge it; None where they do not tell."""
        pack = self._pack
        portrait = Portrait(photo, FaceBox(*landmarks.min(0), *landmarks.max(0)))
        said = regress(photo, portrait.face_box, pack, self._network, self._settings.passes)
        evidence = evidence_in(photo, *said, pack, self._refiner)
        ((view,), _) = views_of((portrait,), [said], [evidence], pack, self._settings)
        view = replace(view, visibility=seen_in(view, pack))
        eyes = eyes_in(view, pack)
        return view, size_by_irises((view,), (eyes,), (look_in_eyes(eyes),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="?", default=DEFAULT_PHOTOS)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    options = parser.parse_args()
    sizes = Sizes(load_pack())

    def measured(path: Path, points: np.ndarray) -> tuple[float, float | None]:
        """mm between the eyes of a head of average size, and by how much its irises enlarge it."""
        view, factor = sizes.of(load_photo(path), points[:, :2])
        right, left = (view.to_head(view.landmarks[start : start + 6]).mean(0) for start in (36, 42))
        return 1000 * float(np.linalg.norm(right - left)), factor

    wanted = {f"image{number:05d}": number for number in (*MEN, *WOMEN)}
    found = {
        wanted[path.stem]: measured(path, points)
        for path, points in AnnotatedPhotos.load(options.photos)
        if path.stem in wanted
    }
    numbers = {}
    for name, people in (("men", MEN), ("women", WOMEN), ("one man", SAME)):
        told = [found[number] for number in people if found.get(number, (0, None))[1] is not None]
        average, factor = np.array(told).T
        numbers[name] = {
            "photos": len(people),
            "irises tell": len(told),
            "average size, mm": average.mean(),
            "by the irises, mm": (average * factor).mean(),
            "deviation, %": 100 * np.log(average * factor).std(ddof=1),
        }
    print(f"{'':<10}" + "".join(f"{name:>20}" for name in numbers["men"]))
    for name, row in numbers.items():
        print(f"{name:<10}" + "".join(f"{value:>20.1f}" for value in row.values()))
    if options.json:
        print(json.dumps(numbers))


if __name__ == "__main__":
    main()
