"""What scikit-learn's callbacks (from its 1.9 on) are told of a fit: a task, and below it one for each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pellucid.domains import Kind
from pellucid.options import option
from pellucid.training import Callback, Run

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: no callback can be set."""

    def with_callbacks(method: Any) -> Any:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "EpochTasks", "FitTask", "Rounds", "begin_fit", "with_callbacks"]

Attributes = dict[str, Any]  # what makes a copy of the estimator able to predict as if training had ended there


class FitTask:
    """A task of a fit, the whole or a part: callbacks are told that it begins, and that it ends."""

    def __init__(self, estimator: Any, context: Any, given: dict[str, Any]) -> None:
        self._estimator, self._context, self._given = estimator, context, given
        context.call_on_fit_task_begin(estimator=estimator, **given)

    def subtask(self, name: str, max_subtasks: int = 0) -> FitTask:
        """Begin a part of this task, which has at most so many parts itself."""
        context = self._context.subcontext(task_name=name, max_subtasks=max_subtasks)
        return FitTask(self._estimator, context, self._given)

    def end(self, attributes: Callable[[], Attributes] | None = None) -> bool:
        """End the task; return whether a callback wants no further ones beside it."""
        return bool(
            self._context.call_on_fit_task_end(
                estimator=self._estimator, **self._given, reconstruction_attributes=attributes
            )
        )


def begin_fit(estimator: Any, X: Any, y: Any, sample_weight: Any, *, max_subtasks: int) -> FitTask | None:
    """Begin the task of a whole fit, or return None where no callback of scikit-learn's is set."""
    if not hasattr(estimator, "_skl_callbacks"):
        return None
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    context = estimator._init_callback_context(max_subtasks=max_subtasks)
    return FitTask(estimator, context, {"X": X, "y": y, "metadata": metadata})


class Rounds:
    """The parts of a task that come one after the other."""

    def __init__(self, task: FitTask, name: str) -> None:
        self._task, self._name = task, name
        self._open: FitTask | None = task.subtask(name)

    def next(self, attributes: Callable[[], Attributes], *, goes_on: bool) -> bool:
        """End a round and begin the next, if it ``goes_on``; return whether a callback wants no further ones."""
        assert self._open is not None
        stops = self._open.end(attributes)
        self._open = self._task.subtask(self._name) if goes_on and not stops else None
        return stops

    def end(self) -> None:
        """End a round that began, and came to nothing."""
        if self._open is not None:
            self._open.end()


class EpochTasks(Callback):
    """Makes each epoch a part of a task; a callback of scikit-learn's may end training."""

    task: Any = option(Kind((FitTask,), "a FitTask"), "The training.")
    attributes: Any = option(Kind((object,), "a function of a Network"), "What a fitted copy is made of.")

    def begin(self, run: Run) -> None:
        """The first epoch begins."""
        self._rounds = Rounds(self.task, "epoch")

    def after_epoch(self, run: Run) -> None:
        """An epoch ends, and the next one begins."""
        goes_on = run.epoch < run.epochs and not run.stopped_by
        if self._rounds.next(lambda: self.attributes(run.network), goes_on=goes_on):
            run.stop("a callback of scikit-learn's")

    def end(self, run: Run) -> None:
        """Training is over."""
        self._rounds.end()
