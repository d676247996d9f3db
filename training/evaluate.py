"""Every number of one or more packs, and of the first one's canonical head without a photo as a control.

    python -m training.evaluate PACK... --synthetic W/heldout --layout W/layout.npz --pictures FOLDER [--json FILE]

Landmarks: NME in % of the square root of the annotated box's area. Photos are in `../shared/data/photos`, the scan in
`../shared/data/scans`; what is not there is left out.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from prn_blender.capture.packs.pack import load_pack

from .evaluation import landmarks, scan
from .evaluation.numbers import Numbers, add, table
from .evaluation.runner import PackRunner
from .photos import DEFAULT_FOLDER

CONTROL = "canonical head"


def report_photos(numbers: Numbers, control: Numbers, runner: PackRunner, pictures: Path | None) -> None:
    """Annotated photos in true and in our own finder's boxes, and portraits."""
    truth = landmarks.in_true_boxes(runner)
    for name, found in truth.items():
        landmarks.describe(numbers, f"{name}, true boxes, 1 pass", found)
        landmarks.describe(numbers, f"{name}, without similarity", landmarks.without_similarity(found))
        landmarks.describe(control, f"{name}, without similarity", landmarks.of_canonical(runner, found.crops))
    own = landmarks.in_own_boxes(runner, truth)
    for name, found in own.items():
        landmarks.describe(numbers, f"{name}, own finder, 2 passes", found)
    captures = landmarks.portraits(runner)
    lost = sum(capture.position_map is None for capture in captures)
    add(numbers, "portraits, own finder", photos=len(captures), lost=lost)
    if pictures:
        from .evaluation import pictures as draw

        for kind, results in (("true_boxes", truth), ("own_finder", own)):
            for name, found in results.items():
                draw.write(
                    pictures / f"{name.replace(', ', '_').replace(' ', '_')}_{kind}_worst.png", draw.worst(found)
                )
        overlays = [draw.portrait(capture, runner.pack.topology) for capture in captures]
        draw.write(pictures / "portraits.png", draw.stacked(overlays))


def report_surfaces(
    numbers: Numbers, control: Numbers, runner: PackRunner, data: Path, layout_file: Path, count: int
) -> None:
    """Rendered heads that no training saw, camera known."""
    from .evaluation import surfaces
    from .uv_layout import UvLayout

    layout = UvLayout.load(layout_file)
    held_out = surfaces.load_held_out(runner.pack.topology, layout, data, count)
    surfaces.measure(numbers, control, runner, held_out, layout)


def report_scan(numbers: Numbers, control: Numbers, runner: PackRunner, pictures: Path | None) -> None:
    """The scan from several sides."""
    head = scan.load_scan()
    captures, still = scan.measure(numbers, control, runner, head)
    if pictures:
        from .evaluation import pictures as draw

        draw.write(pictures / "scan_errors.png", draw.scan_errors(head, captures, still))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packs", type=Path, nargs="+")
    parser.add_argument("--synthetic", type=Path, help="folder of shards that no training saw")
    parser.add_argument("--count", type=int, default=300, help="how many pictures of it")
    parser.add_argument("--layout", type=Path, help="needed with --synthetic")
    parser.add_argument("--pictures", type=Path, help="folder for overlays, error maps and the worst photos")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    if options.synthetic and not options.layout:
        parser.error("--synthetic needs --layout")
    columns: dict[str, Numbers] = {}
    for number, folder in enumerate(options.packs):
        control: Numbers = {}
        runner = PackRunner(load_pack(folder))
        numbers = columns.setdefault(f"{runner.pack.name} {runner.pack.version}", {})
        pictures = options.pictures / runner.pack.name if options.pictures else None
        if DEFAULT_FOLDER.exists():
            report_photos(numbers, control, runner, pictures)
        else:
            print(f"no photos in {DEFAULT_FOLDER}", file=sys.stderr)
        if options.synthetic:
            report_surfaces(numbers, control, runner, options.synthetic, options.layout, options.count)
        if scan.DEFAULT_SCAN.exists():
            report_scan(numbers, control, runner, pictures)
        else:
            print(f"no scan in {scan.DEFAULT_SCAN}", file=sys.stderr)
        times = runner.milliseconds()
        add(numbers, "network, two threads", **{"ms a pass, median": np.median(times), "ms a pass, least": times.min()})
        add(numbers, "network", MB=runner.megabytes)
        if number == 0:
            first_control = control
    columns[CONTROL] = first_control
    print(table(columns))
    if options.json:
        options.json.write_text(json.dumps(columns, indent=1) + "\n")


if __name__ == "__main__":
    main()
