"""The part of `bad_inputs.py` that runs inside of Blender's Python module: one input after the other in one process.

    bad_inputs_in_blender.py photos|packs FILE      FILE: a JSON list of paths, their bytes in hexadecimal digits

Photos go through the operator, packs through its job with the bundled portrait. A line "PRN: {json}" for each says
whether a head was captured and what was wrong with that, if anything.
"""

import json
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

import bpy

import prn_blender
from prn_blender.capture.errors import CaptureError
from prn_blender.capture.networks.session import release_networks
from prn_blender.capture.progress import silent
from prn_blender.capture.run import Request
from prn_blender.capture.types import Settings
from prn_blender.ui.capture.work import capture_heads
from prn_blender.ui.shell.photo_info import read_photo_info

PORTRAIT = CHECKOUT / "examples" / "astronaut.jpg"


def state() -> dict[str, list[str]]:
    """The names of everything in the file."""
    kinds = ("objects", "collections", "meshes", "materials", "images", "cameras", "lights", "worlds")
    return {kind: sorted(datablock.name for datablock in getattr(bpy.data, kind)) for kind in kinds}


def photo_trial(path: Path) -> tuple[bool, str]:
    """Whether the photo was captured, and what was wrong with that."""
    bpy.ops.wm.read_homefile(use_empty=True)
    before, readable = state(), True
    try:
        read_photo_info(path)(silent)
    except CaptureError as error:
        readable = False
        if "\n" in str(error).replace(str(path), ""):
            return False, f"the panel's message has several lines: {error}"
    try:
        bpy.ops.prn.reconstruct_from_image(filepath=str(path), texture_size="512")
    except RuntimeError as error:
        message = str(error).removeprefix("Error: ").strip()
        if "\n" in message.replace(str(path), "").replace(path.name, ""):
            return False, f"several lines: {message}"
        return False, "" if state() == before else "the scene is not as it was"
    except UnicodeEncodeError:  # Blender's properties take no such name, as its own file browser does not
        return False, ""
    return True, "" if readable else "captured, though the panel could not read it"


def pack_trial(folder: Path) -> tuple[bool, str]:
    """Whether the portrait was captured with the pack, and what was wrong with that."""
    settings = Settings(texture_size=512, provider="CPUExecutionProvider")
    release_networks()
    try:
        capture_heads(Request(PORTRAIT, "largest", None, settings, folder, None))(silent)
    except CaptureError as error:
        return False, "several lines" if "\n" in str(error) else ""
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return False, f"{type(error).__name__}: {error}"
    return True, ""


trial = {"photos": photo_trial, "packs": pack_trial}[sys.argv[1]]
prn_blender.register()
for name in json.loads(Path(sys.argv[2]).read_text()):
    path = Path(os.fsdecode(bytes.fromhex(name)))
    captured, bad = trial(path)
    print("PRN:", json.dumps({"input": ascii(path.name), "captured": captured, "bad": bad}), flush=True)
sys.stdout.flush()
os._exit(0)  # Blender 4.2's module crashes in its destructors
