"""What damaged, hostile and unusual input does to a capture: nothing worse than one line that says what is wrong.

    .venv/bin/python benchmarks/bad_inputs.py [KIND...]

Every kind runs in processes of its own, so that a crash is seen: through the command line and through the operator,
in which the panel's look at the photo is included, and with an intact photo at the end, which must still be captured.
A trial is bad if the process crashes or hangs, a traceback or an unexpected error is shown, a message has more than
one line, anything half-written stays, or the scene is not as it was. Exits with 1 if any is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks import bad_packs, bad_photos

FILE_NAMES = ("capture.json", "head.blend", "head.glb", "head_basecolor.png", "head_mask.png", "preview.png")
SMALL = ("--texture-size", "512")
SECONDS = 60  # for one input, before it counts as hanging
PEAK_MB = 2000

BOXES = (
    *("0,0,0,0", "9,9,1,1", "50,50,50,90", "nan,0,9,9", "0,0,inf,inf", "-inf,-inf,inf,inf", "9000,9000,9100,9100"),
    *("-9000,-9000,-8000,-8000", "10,10,10.001,10.001", "10,10,12,12", "100,100,101,400", "1e-300,0,1e-299,1"),
    *("-1e300,-1e300,1e300,1e300", "-100000,-100000,100000,100000", "-1e9,100,1e9,101", "0,0,512,512"),
    *("-500,-500,20,20", "500,500,900,900", "200,60,290,190"),
)


@dataclass
class Result:
    """What came of the inputs of one kind."""

    inputs: int = 0
    captured: int = 0
    refused: int = 0
    bad: list[str] = field(default_factory=list)
    peak_mb: float = 0.0

    def __add__(self, other: "Result") -> "Result":
        return Result(
            self.inputs + other.inputs,
            self.captured + other.captured,
            self.refused + other.refused,
            self.bad + other.bad,
            max(self.peak_mb, other.peak_mb),
        )


@dataclass(frozen=True)
class Ended:
    """A process that is over."""

    code: int
    output: str
    peak_mb: float

    @property
    def faults(self) -> list[str]:
        """What no input may cause."""
        faults = [f"ended with {self.code}: {self.output[-300:]}"] if self.code not in (0, 1, 2) else []
        faults += [f"shows {word}" for word in ("Traceback", "unexpected ", "Unexpected ") if word in self.output]
        return faults + ([f"took {self.peak_mb:.0f} MB"] if self.peak_mb > PEAK_MB else [])


def run(command: list[str], seconds: float, restricted: bool = False) -> Ended:
    """Runs to the end, or stops it after `seconds`; `restricted` takes away what root may do beyond others."""
    if restricted and os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["timeout", "--signal=KILL", str(seconds), *command],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Ended(process.returncode, output.read().decode(errors="replace"), usage.ru_maxrss / 1024)


def command_line(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "prn_blender", *map(str, arguments)]


# --- Photos ---------------------------------------------------------------------------------------------------------


def photos_by_command_line(paths: list[Path], scratch: Path) -> Result:
    """All of them in one call, and the portrait after them."""
    out = scratch / "out"
    given = [*paths, bad_photos.PORTRAIT]
    ended = run(command_line("-o", out, *SMALL, "--", *given), SECONDS * len(given), restricted=True)
    folders = sorted(out.iterdir()) if out.is_dir() else []
    refused = [line for line in ended.output.splitlines() if "FAILED: " in line]
    bad = ended.faults + [f"{folder.name} is incomplete" for folder in folders if not is_complete(folder)]
    if len(folders) + len(refused) != len(given):
        bad.append(f"{len(folders)} folders and {len(refused)} refusals for {len(given)} photos")
    if not (out / bad_photos.PORTRAIT.stem).is_dir():
        bad.append(f"the intact photo after them is not captured: {ended.output[-300:]}")
    shutil.rmtree(out, ignore_errors=True)
    return Result(len(paths), len(folders) - 1, len(refused), bad, ended.peak_mb)


def in_one_blender(what: str, paths: list[Path], intact: Path, scratch: Path) -> Result:
    """One after the other in one Blender, and an intact one after them."""
    listed = scratch / "paths.json"
    listed.write_text(json.dumps([os.fsencode(path).hex() for path in [*paths, intact]]))
    script = Path(__file__).with_name("bad_inputs_in_blender.py")
    ended = run([sys.executable, str(script), what, str(listed)], SECONDS * (len(paths) + 1), restricted=True)
    outcomes = [json.loads(line[5:]) for line in ended.output.splitlines() if line.startswith("PRN: ")]
    bad = ended.faults + [f"{outcome['input']}: {outcome['bad']}" for outcome in outcomes if outcome["bad"]]
    if len(outcomes) != len(paths) + 1 or not outcomes[-1]["captured"]:
        bad.append(f"ended after {len(outcomes)} of {len(paths) + 1}: {ended.output[-300:]}")
    captured = sum(outcome["captured"] for outcome in outcomes[:-1])
    return Result(len(paths), captured, len(paths) - captured, bad, ended.peak_mb)


def is_complete(folder: Path) -> bool:
    """Whether all files of a capture are there, and nothing else."""
    names = sorted(file.name for file in folder.iterdir())
    return names == sorted(FILE_NAMES) and bool(json.loads((folder / "capture.json").read_text()))


# --- Everything else: one call of the command line each -------------------------------------------------------------


def single(scratch: Path, *arguments: object, out: Path | None = None) -> Result:
    """A call for the portrait; `out` is where the files shall go."""
    out = out or scratch / "single" / "out"
    was_there = os.path.lexists(out)
    listed = _everything_in(out.parent)
    command = command_line(bad_photos.PORTRAIT, "-o", out, *SMALL, *arguments)
    ended = run(command, SECONDS, restricted=True)
    captured = ended.code == 0
    bad = [f"{arguments or out}: {fault}" for fault in ended.faults]
    if captured and not is_complete(out):
        bad.append(f"{arguments or out}: files are missing")
    lines = [
        line for line in ended.output.splitlines() if "FAILED: " in line or line.startswith("python -m prn_blender:")
    ]
    if not captured and len(lines) != 1:
        bad.append(f"{arguments or out}: {len(lines)} messages: {ended.output[-300:]}")
    if not captured and _everything_in(out.parent) != listed:
        bad.append(f"{arguments or out}: something half-written stays")
    if captured and not was_there:
        shutil.rmtree(out)
    return Result(1, int(captured), int(not captured), bad, ended.peak_mb)


def _everything_in(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*")) if os.path.isdir(folder) and folder != Path("/proc") else []


def boxes(scratch: Path) -> Iterator[Result]:
    for box in BOXES:
        yield single(scratch, f"--box={box}")


def packs(scratch: Path) -> Iterator[Result]:
    folders = list(bad_packs.write(scratch / "packs").values())
    yield in_one_blender("packs", folders, bad_packs.default_pack_folder(), scratch)
    shutil.rmtree(scratch / "packs")
    (scratch / "no_pack").mkdir()
    yield single(scratch, "--pack", scratch / "no_pack")


def detectors(scratch: Path) -> Iterator[Result]:
    """Face detectors that are none."""
    made = scratch / "detectors"
    made.mkdir()
    network = bad_packs.default_pack_folder() / "network.onnx"
    contents = {"empty.onnx": b"", "text.onnx": b"no network " * 100, "cut.onnx": network.read_bytes()[:5000]}
    for name, content in contents.items():
        (made / name).write_bytes(content)
    for path in [*(made / name for name in contents), network, made, made / "missing.onnx", Path("/dev/null")]:
        yield single(scratch, "--yunet", path)


def outputs(scratch: Path) -> Iterator[Result]:
    """Folders into which nothing, or not everything, can be written."""
    place = scratch / "outputs"
    place.mkdir()
    (place / "file").write_text("in the way")
    (place / "dangling").symlink_to(place / "nowhere")
    (place / "loop").symlink_to(place / "loop")
    (place / "taken" / "head.blend" / "in the way").mkdir(parents=True)
    (place / "read_only").mkdir(mode=0o500)
    given = ("file", "file/out", "dangling", "loop", "taken", "read_only", "read_only/out", "long" * 70)
    for out in [*(place / name for name in given), place / ("deep/" * 900), Path("/dev/null/out"), Path("/proc/out")]:
        yield single(scratch, out=out)


def full_disks(scratch: Path) -> Iterator[Result]:
    """Disks on which each of the files in turn finds no room. Needs root, to mount them."""
    disk = scratch / "disk"
    disk.mkdir()
    for kilobytes in (4, 40, 500, 1000, 1200, 1340, 1500, 2000, 2400, 3000, 3600, 4200):
        # What stays is looked at before the disk goes with its namespace.
        script = (
            f"mount -t tmpfs -o size={kilobytes}k tmpfs '{disk}'; "
            f'"$@"; code=$?; [ $code = 0 ] || [ -z "$(ls -A \'{disk}\')" ] || '
            f"echo \"unexpected rest: $(ls -AR '{disk}')\"; "
            f"[ $code != 0 ] || cp -r '{disk}/out' '{scratch}/'; exit $code"
        )
        yield _on_disk(scratch, disk, script)


def _on_disk(scratch: Path, disk: Path, script: str) -> Result:
    command = command_line(bad_photos.PORTRAIT, "-o", disk / "out", *SMALL)
    ended = run(["unshare", "--mount", "sh", "-c", script, "sh", *command], SECONDS)
    captured = ended.code == 0
    bad = list(ended.faults)
    if captured and not is_complete(scratch / "out"):
        bad.append("files are missing")
    if not captured and ended.output.count("FAILED: ") != 1:
        bad.append(f"no message: {ended.output[-300:]}")
    shutil.rmtree(scratch / "out", ignore_errors=True)
    return Result(1, int(captured), int(not captured), bad, ended.peak_mb)


SINGLES = {
    "face boxes": boxes,
    "model packs": packs,
    "face detectors": detectors,
    "output folders": outputs,
    "full disks": full_disks,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="only these")
    asked = parser.parse_args().kinds
    results = {}
    print(f"{'':<22}{'inputs':>7}{'captured':>10}{'refused':>9}{'bad':>5}{'peak MB':>9}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for kind, make in bad_photos.KINDS.items():
            if asked and kind not in asked:
                continue
            own = scratch / "photos"
            own.mkdir()
            paths = make(own)
            results[kind] = photos_by_command_line(paths, scratch)
            by_operator = in_one_blender("photos", paths, bad_photos.PORTRAIT, scratch)
            results[kind].bad += by_operator.bad
            results[kind].peak_mb = max(results[kind].peak_mb, by_operator.peak_mb)
            _show(kind, results[kind])
            subprocess.run(["chmod", "-R", "u+rwX", str(own)], check=False)
            shutil.rmtree(own)
        for kind, trials in SINGLES.items():
            if asked and kind not in asked:
                continue
            results[kind] = sum(trials(scratch), Result())
            _show(kind, results[kind])
    total = sum(results.values(), Result())
    _show("all", total)
    return int(bool(total.bad))


def _show(kind: str, result: Result) -> None:
    numbers = f"{result.inputs:>7}{result.captured:>10}{result.refused:>9}{len(result.bad):>5}{result.peak_mb:>9.0f}"
    print(f"{kind:<22}{numbers}", flush=True)
    for line in result.bad if kind != "all" else ():
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
