"""Work that is cancelled at a report of its progress."""

from dataclasses import dataclass, field

from prn_blender.capture.errors import Cancelled


@dataclass
class CancelAt:
    """A `Progress` that cancels at a report, counted from 0, and keeps the texts of the reports up to it."""

    report: int
    texts: list[str] = field(default_factory=list)

    def __call__(self, fraction: float, text: str) -> None:
        self.texts.append(text)
        if len(self.texts) > self.report:
            raise Cancelled
