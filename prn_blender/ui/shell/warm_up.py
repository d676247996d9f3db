"""The model loaded while the artist looks at the panel, so that the first capture need not wait for it.

No bpy, so that it can run in a thread.
"""

from collections.abc import Callable
from pathlib import Path

from ...capture.errors import CaptureError
from ...capture.progress import Progress


def warm_up(pack: Path | None, provider: str, with_finder: bool) -> Callable[[Progress], None]:
    """Work that opens what a capture will open. What is wrong with it the capture tells."""

    def work(progress: Progress) -> None:
        from ...capture.faces.finder import open_finder
        from ...capture.networks.head import open_network
        from ...capture.networks.refine import open_refiner
        from ...capture.packs.pack import load_pack

        try:
            if with_finder:
                open_finder()
            progress(0.3, "Loading the model")
            loaded = load_pack(pack)
            open_refiner(loaded, open_network(loaded, provider).provider)
        except (CaptureError, ImportError):
            return

    return work
