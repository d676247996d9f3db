"""Operators whose work runs in a thread when they are invoked, and blocks when a script executes them."""

import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import bpy

from ...capture.errors import Cancelled, CaptureError, NoFaceError
from ...capture.progress import Progress
from . import dependencies, session
from .job import Job
from .messages import one_line

_TICK = 0.02  # seconds: the artist waits for the next one at the end of every step


class JobOperator:
    """Base of the operators with a job. A subclass says what to compute and what to do with the result."""

    _job = None  # before it is started: while a file is chosen or a question asked

    def prepare(self, context: bpy.types.Context) -> Callable[[Progress], Any]:
        """The work, with all its inputs read from Blender. Raises CaptureError."""
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, result: Any) -> Generator[None]:
        """Puts the result where it belongs, in steps of less than 0.1 s between which the window is redrawn.

        Closed at a step, it leaves nothing behind. Raises CaptureError.
        """
        raise NotImplementedError

    @classmethod
    def poll(cls, context):
        return session.is_free_for(cls) and session.is_in_object_mode_for(cls, context)

    def execute(self, context):
        session.current.forget_error()
        window_manager = context.window_manager
        window_manager.progress_begin(0, 100)
        try:
            result = self.prepare(context)(lambda fraction, text: window_manager.progress_update(100 * fraction))
            for _ in self.finish(context, result):
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the artist gets one line
            return self._failed(error, "ERROR")
        finally:
            window_manager.progress_end()
        return {"FINISHED"}

    def invoke(self, context, event):
        session.current.forget_error()
        try:
            work = self.prepare(context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the artist gets one line
            return self._failed(error, _level(context))
        self._job = session.current.job = Job(work).start()
        self._shown = None
        self._steps = None  # of `finish`, from the end of the job on
        self._timer = context.window_manager.event_timer_add(_TICK, window=context.window)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(f"{self.bl_label}: Esc to cancel")
        session.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            self._job.cancel()
            session.tag_redraw()
            return {"RUNNING_MODAL"}
        if self._steps is not None:
            return self._next_step(context, event)
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._job.progress != self._shown:
            self._shown = self._job.progress
            session.tag_redraw()
        # In Edit Mode an undo step would hold the edited mesh and not the new objects, so the result waits.
        if self._job.is_running or (context.mode != "OBJECT" and not self._job.is_cancelled):
            return {"PASS_THROUGH"}
        try:
            self._steps = self.finish(context, self._job.result())
        except Exception as error:  # noqa: BLE001 - whatever it is, the artist gets one line
            self._stop_watching(context)
            return self._failed(error, _level(context))
        return self._next_step(context, event)

    def _next_step(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """One step at each tick. No other event passes: an undo in between would take away what was made."""
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        try:
            if self._job.is_cancelled:
                self._steps.close()
                raise Cancelled
            next(self._steps)
        except StopIteration:
            self._stop_watching(context)
            self.show(context)
            return {"FINISHED"}
        except Exception as error:  # noqa: BLE001 - whatever it is, the artist gets one line
            self._stop_watching(context)
            return self._failed(error, _level(context))
        return {"RUNNING_MODAL"}

    def show(self, context: bpy.types.Context) -> None:
        """After a successful run in a window: what the artist wants to see next."""

    def cancel(self, context):
        """Blender ends the operator: another file is loaded, the window closes, or its question was answered so."""
        if self._job is None:
            return
        self._job.cancel()
        if self._steps is not None:
            self._steps.close()
        self._stop_watching(context)

    def _stop_watching(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        if session.current.job is self._job:
            session.current.job = None
        session.tag_redraw()

    def _failed(self, error: Exception, level: str) -> set[str]:
        if isinstance(error, Cancelled):
            self.report({"INFO"}, "Cancelled, nothing was changed")
            return {"CANCELLED"}
        message = one_line(error)
        unloaded = next((reason for reason in (error, error.__cause__) if isinstance(reason, ImportError)), None)
        if unloaded is not None:
            dependencies.note_failure(unloaded)
            message = dependencies.problem()
        elif not isinstance(error, CaptureError):
            traceback.print_exception(error)
        session.current.error = message
        session.current.no_face = isinstance(error, NoFaceError)
        session.tag_redraw()
        self.report({level}, message)
        return {"CANCELLED"}


# The file browser of Blender asks before it replaces a file where an operator has this as `check_existing`.
AskBeforeReplacing = bpy.props.BoolProperty(
    name="Check Existing",
    description="Check and warn on overwriting existing files",
    default=True,
    options={"HIDDEN", "SKIP_SAVE"},
)


class FileJobOperator(JobOperator):
    """Base of those that ask for a file or folder where they are invoked without one."""

    asks_for = "filepath"  # the property

    def invoke(self, context, event):
        if not getattr(self, self.asks_for):
            self._was_asked = True
            self.suggest(context)
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        replaced = self._replaced_unasked()
        if not replaced:
            return super().invoke(context, event)
        self._was_asked, self.check_existing = True, False
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Replace Existing Files?",
            message=f"Already there: {', '.join(replaced)}",
            confirm_text="Replace",
            icon="WARNING",
        )

    def execute(self, context):
        if not getattr(self, "_was_asked", False):
            return super().execute(context)
        # The file browser, or the question, executes; the job is to run beside the window all the same.
        # Of the class: an instance that Blender made has its name as PRN_OT_….
        operator = getattr(bpy.ops.prn, type(self).bl_idname.removeprefix("prn."))
        operator("INVOKE_DEFAULT", **self.as_keywords(ignore=("filter_glob", "filter_folder")))
        return {"FINISHED"}

    def suggest(self, context: bpy.types.Context) -> None:
        """What the file browser shows first."""

    def to_write(self) -> list[Path]:
        """The files that will be written."""
        return []

    def _replaced_unasked(self) -> list[str]:
        """Names of the files that would be replaced unless the file browser, which knows `filepath`, has asked."""
        try:
            there = [path for path in self.to_write() if path.exists()]
        except (OSError, ValueError):  # of a name that cannot be: the job says so in one line
            return []
        if not there or not self.check_existing or Path(bpy.path.abspath(self.filepath)) in there:
            return []
        return [path.name for path in there]


def _level(context: bpy.types.Context) -> str:
    """An error pops up under the mouse, except where the panel already shows it and keeps it."""
    return "WARNING" if session.is_panel_shown(context.window) else "ERROR"
