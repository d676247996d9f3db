"""How long the steps take."""

import time
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """The time since the last lap belongs to `step`."""
        now = time.perf_counter()
        self.seconds[step] = now - self.started
        self.started = now
