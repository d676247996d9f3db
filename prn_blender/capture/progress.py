"""The progress callback that every slow step takes."""

from collections.abc import Callable

# progress(fraction 0..1, text): shows the step; raises `Cancelled` when the artist stopped the job.
Progress = Callable[[float, str], None]


def silent(fraction: float, text: str) -> None:
    """The `Progress` of callers that show nothing and never cancel."""


def part_of(progress: Progress, start: float, end: float, index: int, count: int) -> Progress:
    """The progress of one of `count` equal parts of start..end."""
    label = f"Face {index + 1} of {count}: " if count > 1 else ""

    def part(fraction: float, text: str) -> None:
        progress(start + (end - start) * (index + fraction) / count, label + text)

    return part
