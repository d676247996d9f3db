"""The progress callback that every slow step takes."""

from collections.abc import Callable

# progress(fraction 0..1, text): shows the step; raises `Cancelled` when the artist stopped the job.
Progress = Callable[[float, str], None]


def silent(fraction: float, text: str) -> None:
    """The `Progress` of callers that show nothing and never cancel."""
