"""Many captures in one Blender: what memory does, and what stays behind when the heads are deleted.

    .venv/bin/python benchmarks/endurance.py [CAPTURES]

Every capture goes through the operator; every third is undone, the others are deleted as an artist deletes them, and
what then has no user is purged. Memory is that of the process after that, in megabytes. It grows while Blender's undo
history fills. Exits with 1 if it grows by more than 5 % after that, or if a datablock stays.
"""

import os
import statistics
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

import bpy

import prn_blender

PORTRAIT = CHECKOUT / "examples" / "astronaut.jpg"
GROWTH = 0.05


def megabytes() -> float:
    """Memory of this process that is really there. Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def datablocks() -> dict[str, int]:
    """How many there are of every kind in the file."""
    kinds = [name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)]
    return {name: len(getattr(bpy.data, name)) for name in kinds}


def capture_and_remove(number: int) -> None:
    """One head made and taken away again."""
    bpy.ops.ed.undo_push(message="Before the capture")
    bpy.ops.prn.reconstruct_from_image("EXEC_DEFAULT", True, filepath=str(PORTRAIT), texture_size="1024")
    if number % 3 == 2:
        bpy.ops.ed.undo()
        return
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    for collection in list(bpy.data.collections):
        bpy.data.collections.remove(collection)
    bpy.ops.outliner.orphans_purge(do_recursive=True)


def main() -> int:
    captures = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    bpy.ops.wm.read_homefile(use_empty=True)
    prn_blender.register()
    before, memory, started = datablocks(), [], time.perf_counter()
    for number in range(captures):
        capture_and_remove(number)
        memory.append(megabytes())
        if (number + 1) % max(1, captures // 10) == 0:
            print(f"{number + 1:>5} captures  {memory[-1]:7.0f} MB", flush=True)
    tenth = max(3, captures // 10)
    filled = min(bpy.context.preferences.edit.undo_steps, captures // 2)
    first, last = (statistics.median(part) for part in (memory[filled : filled + tenth], memory[-tenth:]))
    growth = last / first - 1
    left = {kind: count - before[kind] for kind, count in datablocks().items() if count != before[kind]}
    print(f"{captures} captures in {time.perf_counter() - started:.0f} s, Blender {bpy.app.version_string}")
    print(f"memory {first:.0f} MB after {filled + tenth}, {last:.0f} MB at the end: {growth:+.1%}")
    print(f"datablocks left: {left or 'none'}")
    return int(growth > GROWTH or bool(left))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Blender 4.2's module crashes in its destructors
