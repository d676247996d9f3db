"""Whether the bundled libraries are there, and whether something else stands in their place.

All add-ons share one Python: whichever add-on brings its own OpenCV or onnxruntime first, or further up in the search
path, brings it for all of them.
"""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Library:
    """A library that the capture needs."""

    module: str
    name: str
    packages: tuple[str, ...]  # any of which brings the module
    least: tuple[int, ...] = ()  # the oldest version that will do

    def place(self) -> Path | None:
        """The folder or file of the module as Python would load it or has loaded it; None if there is none."""
        try:
            spec = find_spec(self.module)
        except ValueError:  # in sys.modules without a spec
            spec = None
        if spec is None:
            return None
        origin = spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        if origin is None:
            return None
        return Path(origin).parent if spec.submodule_search_locations and spec.origin else Path(origin)

    def version(self, place: Path) -> str:
        """Of the loaded module, else of the package beside `place`; empty if it is not told."""
        loaded = getattr(sys.modules.get(self.module), "__version__", "")
        if loaded:
            return loaded
        beside = distributions(path=[str(place.parent)])
        versions = [package.version for package in beside if _plain(package.name) in self.packages]
        return max(versions, key=_numbers, default="")


_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_LIBRARIES = (
    Library("numpy", "NumPy", ("numpy",)),
    Library("PIL", "Pillow", ("pillow",), (10, 1)),
    Library("cv2", "OpenCV", _OPENCV, (4, 6)),
    Library("onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"), (1, 18)),
)
_WHAT_TO_DO = "Disable the add-on that brings it, or remove it, then restart Blender."

_failed_import = ""


def problem() -> str:
    """One line about what is missing, in the way or broken, and what to do; empty while nothing is known to be."""
    return _failed_import or _found_problem()


@cache
def _places() -> dict[Library, Path | None]:
    """Found before anything is loaded: OpenCV changes the search path as it is."""
    return {library: library.place() for library in _LIBRARIES}


@cache
def _found_problem() -> str:
    places = _places()
    missing = ", ".join(library.name for library, place in places.items() if place is None)
    if missing:
        return f"Not installed: {missing}. Install the extension again from its zip for this platform."
    for library, place in places.items():
        version = library.version(place)
        if version and _numbers(version) < library.least:
            least = ".".join(map(str, library.least))
            return f"{library.name} {version} in {place.parent} is too old, {least} is needed. {_WHAT_TO_DO}"
    return ""


def note_failure(error: ImportError) -> None:
    """Remembers why a library that is there did not load."""
    global _failed_import
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    library = _culprit(error)
    if library is None:
        _failed_import = f"A part of the extension does not load: {reason}. Install it again, then restart Blender."
        return
    place = _places()[library].parent
    if "numpy" in reason.lower() and library.module != "numpy":
        numpy = sys.modules["numpy"].__version__
        _failed_import = f"{library.name} in {place} was built for another NumPy than Blender's {numpy}. {_WHAT_TO_DO}"
    else:
        _failed_import = f"{library.name} in {place} does not load: {reason}. {_WHAT_TO_DO}"


def _culprit(error: ImportError) -> Library | None:
    """The library in whose files the import failed; None if it came from elsewhere."""
    files, step = [], error.__traceback__
    while step is not None:
        files.append(Path(step.tb_frame.f_code.co_filename))
        step = step.tb_next
    found = [
        library
        for library, place in _places().items()
        if place is not None and any(place in (file, *file.parents) for file in files)
    ]
    return found[-1] if found else None


def forget() -> None:
    """Looks again at the next question."""
    global _failed_import
    _failed_import = ""
    _found_problem.cache_clear()
    _places.cache_clear()


def _plain(name: str | None) -> str:
    """A package's name as the package index writes it."""
    return (name or "").lower().replace("_", "-")


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version."""
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
