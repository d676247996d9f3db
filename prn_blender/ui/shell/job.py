"""Work in a thread beside Blender. Nothing here or in the work may touch bpy."""

import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from ...capture.errors import Cancelled
from ...capture.progress import Progress

# Drawing a panel asks Python dozens of times for its next part, and each time may wait this long (Python's default is
# ten times as much) until the work lets go.
_SWITCH_SECONDS = 0.0005


class Job:
    """One piece of work that the main thread starts, watches and can stop."""

    _running: ClassVar[set["Job"]] = set()
    _running_lock: ClassVar[threading.Lock] = threading.Lock()
    _usual_switch: ClassVar[float] = sys.getswitchinterval()

    def __init__(self, work: Callable[[Progress], Any]):
        self._work = work
        self._lock = threading.Lock()
        self._progress = (0.0, "")
        self._stop = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        # A daemon: Blender must be able to quit while a library does not come back.
        self._thread = threading.Thread(target=self._run, name="PRN Head Capture", daemon=True)

    def start(self) -> "Job":
        with self._running_lock:
            if not self._running:
                Job._usual_switch = sys.getswitchinterval()
                sys.setswitchinterval(_SWITCH_SECONDS)
            self._running.add(self)
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Asks the work to stop; it does at its next step."""
        self._stop.set()

    @property
    def is_cancelled(self) -> bool:
        return self._stop.is_set()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def progress(self) -> tuple[float, str]:
        """The fraction done, 0..1, and the step in words."""
        with self._lock:
            return self._progress

    def result(self) -> Any:
        """Waits for the end and returns what the work returned.

        Raises:
            Cancelled: the job was stopped, even if it was already done.
            Exception: what the work raised.
        """
        self._thread.join()
        if self.is_cancelled:
            raise Cancelled
        if self._error is not None:
            raise self._error
        return self._result

    @classmethod
    def stop_all(cls, patience: float = 5.0) -> None:
        """Cancels every job and waits `patience` seconds for each."""
        for job in list(cls._running):
            job.cancel()
        for job in list(cls._running):
            job._thread.join(patience)

    def _run(self) -> None:
        try:
            self._result = self._work(self._report)
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._error = error
        finally:
            with self._running_lock:
                self._running.discard(self)
                if not self._running:
                    sys.setswitchinterval(self._usual_switch)

    def _report(self, fraction: float, text: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        with self._lock:
            self._progress = (fraction, text)
