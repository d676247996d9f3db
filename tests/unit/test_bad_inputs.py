"""The quick part of `benchmarks/bad_inputs.py`: every bad photo and pack is read, or refused in one line."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


def run(code: str) -> dict:
    """What the code prints last, from a process of its own: a crash, or a gigabyte too much, is seen."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(sys.platform == "win32", reason="makes pipes, sockets and links")
def test_bad_photos_are_photos_or_refused_in_one_line():
    found = run("""
        import json, os, resource, tempfile
        from pathlib import Path
        from benchmarks import bad_photos
        from prn_blender.capture.errors import CaptureError
        from prn_blender.capture.photo.read import load_photo

        with tempfile.TemporaryDirectory() as folder:
            corpus = bad_photos.write(Path(folder))
            read, wrong = {}, []
            for kind, paths in corpus.items():
                read[kind] = 0
                for path in paths:
                    try:
                        read[kind] += load_photo(path).pixels.ndim == 3
                    except CaptureError as error:
                        message = str(error).replace(str(path), "").replace(path.name, "")
                        wrong += [str(error)] if "\\n" in message or not message.endswith(".") else []
            (Path(folder) / "not_a_file" / "locked").chmod(0o700)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"kinds": {k: len(p) for k, p in corpus.items()}, "read": read, "wrong": wrong, "peak": peak}))
    """)
    kinds, read = found["kinds"], found["read"]
    assert sum(kinds.values()) >= 300
    assert not found["wrong"]
    assert found["peak"] < 2000  # MB, the largest photos that are allowed included
    assert read["truncated"] == 0
    for kind in ("unusual names", "EXIF nonsense", "mutated EXIF"):
        assert read[kind] == kinds[kind], kind
    assert 0 < read["mutated by a fuzzer"] < kinds["mutated by a fuzzer"]


def test_bad_packs_make_a_head_or_are_refused_in_one_line():
    found = run("""
        import json, resource, tempfile
        from pathlib import Path
        from benchmarks import bad_packs, bad_photos
        from prn_blender.capture.errors import CaptureError
        from prn_blender.capture.faces.box import FaceBox
        from prn_blender.capture.packs.pack import load_pack
        from prn_blender.capture.photo.read import load_photo
        from prn_blender.capture.reconstruct import reconstruct
        from prn_blender.capture.types import Settings

        photo, settings = load_photo(bad_photos.PORTRAIT), Settings(texture_size=512, provider="CPUExecutionProvider")
        box, captured, refused, wrong = FaceBox(180, 80, 280, 190), [], {}, []
        with tempfile.TemporaryDirectory() as folder:
            for name, pack in bad_packs.write(Path(folder)).items():
                try:
                    reconstruct(photo, box, load_pack(pack), settings)
                    captured.append(name)
                except CaptureError as error:
                    refused[name] = str(error)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"captured": captured, "refused": refused, "peak": peak}))
    """)
    # What harms nobody is allowed: a name that is a number, doubles instead of floats, a head as flat as a picture,
    # a few other weights.
    harmless = {"name that is a number", "network that gives doubles", "network that gives a plane"}
    assert {name for name in found["captured"] if "mutated" not in name} <= harmless
    assert len(found["refused"]) > 80
    assert not [message for message in found["refused"].values() if "\n" in message]
    gives = {name: message for name, message in found["refused"].items() if name.startswith("network that gives")}
    assert len(gives) > 10
    assert not [name for name, message in gives.items() if "other inputs or outputs" in message]  # but what it gives
    for name in ("network at a negative distance", "network at no distance"):
        assert "no distance" in found["refused"][name]
    assert found["peak"] < 1000
