"""The commands that keep runs beside the present one, to compare them and to go back to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.errors import OptionError
from pellucid.playground.configuration import Configuration
from pellucid.playground.settings import checked_edit

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame

MOST_RUNS = 4
LONGEST_NAME = 60


def keep_run(experiment: Experiment, name: str) -> Frame:
    """Keep what the run has come to, under a name."""
    if len(name) > LONGEST_NAME or len(experiment.kept) >= MOST_RUNS:
        raise OptionError(f"keep_run keeps {MOST_RUNS} runs with names of up to {LONGEST_NAME} characters; drop one.")
    run = experiment.run
    train, test = run.scores()
    experiment.kept.append(
        {
            "name": name,
            "configuration": run.configuration.to_json(),
            "edits": run.edits,
            "step": run.timeline.step,
            "epoch": run.timeline.epoch,
            "train": train,
            "test": test,
            "curve": [list(row) for row in run.curve.rows],
        }
    )
    return _frame(experiment)


def drop_run(experiment: Experiment, index: int) -> Frame:
    """Forget a kept run."""
    _kept(experiment, index)
    experiment.kept.pop(index)
    return _frame(experiment)


def restore_run(experiment: Experiment, index: int) -> Frame:
    """Start a kept run again, with its edits ahead of it."""
    kept = _kept(experiment, index)
    edits = [checked_edit(edit) for edit in kept["edits"]]
    experiment.begin(Configuration.from_json(kept["configuration"]), edits)
    experiment.tell(experiment.data())
    return experiment.experiment()


def _kept(experiment: Experiment, index: int) -> Frame:
    if index >= len(experiment.kept):
        raise OptionError(f"there is no run {index}; {len(experiment.kept)} are kept, counted from 0.")
    return experiment.kept[index]


def _frame(experiment: Experiment) -> Frame:
    return {"frame": "runs", "runs": experiment.kept}
