"""The commands that move a run through time: play, epochs, batches, single operations, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.errors import OptionError
from pellucid.playground.opened_step import OpenedStep

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame


def play(experiment: Experiment, until: int | None) -> Frame:
    """Train from now on, up to a step if one is given."""
    experiment.player.play(until)
    experiment.opened = None
    return experiment.progress()


def pause(experiment: Experiment) -> Frame:
    """Train no more by itself."""
    experiment.player.playing = False
    return experiment.progress()


def set_speed(experiment: Experiment, epochs_per_second: float | None) -> Frame:
    """Set how fast it plays; None is as fast as it goes."""
    experiment.player.speed = epochs_per_second
    return experiment.progress()


def step_epoch(experiment: Experiment, count: int) -> Frame:
    """Train to the end of so many epochs, the present one among them."""
    timeline = experiment.timeline
    return _go_to(experiment, (timeline.epoch + count) * timeline.batches)


def step_batch(experiment: Experiment, count: int) -> Frame:
    """Train so many batches."""
    return _go_to(experiment, experiment.timeline.step + count)


def rewind(experiment: Experiment, step: int) -> Frame:
    """Go to a step that was reached."""
    furthest = experiment.timeline.furthest
    if step > furthest:
        raise OptionError(f"rewind: step got {step:,}; it expects at most {furthest:,}, which was reached.")
    return _go_to(experiment, step)


def _go_to(experiment: Experiment, step: int) -> Frame:
    experiment.player.stop()
    experiment.opened = None
    experiment.timeline.go_to(step)
    experiment.run.note()
    return experiment.progress()


def open_step(experiment: Experiment, rows: list[int] | None) -> Frame:
    """Open the next step, for these training rows or those of the next batch."""
    experiment.player.playing = False
    experiment.opened = OpenedStep(experiment.timeline, rows)
    return experiment.opened.ledger()


def step_operation(experiment: Experiment, by: int) -> Frame:
    """Go so many quantities on in the opened step; one beyond the last takes it and opens the next."""
    opened = experiment.opened
    if opened is None:
        experiment.player.playing = False
        opened = experiment.opened = OpenedStep(experiment.timeline, None)
    done = opened.is_beyond(by)
    if done:
        experiment.player.playing = False
        experiment.timeline.go_to(experiment.timeline.step + 1)
        experiment.run.note()
        opened = experiment.opened = OpenedStep(experiment.timeline, None)
        experiment.tell(opened.ledger())
    else:
        opened.move(by)
    return {**opened.operation(), "done": done}
