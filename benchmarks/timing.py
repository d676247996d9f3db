"""How long something takes."""

import time
from collections.abc import Callable

import numpy as np


def median_seconds(run: Callable[[], object], repeats: int, warm_up: int = 1) -> float:
    """The median of `repeats` runs, after `warm_up` that do not count."""
    for _ in range(warm_up):
        run()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return float(np.median(times))
