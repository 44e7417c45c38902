"""The commands that say what is learned, by what: each starts the run anew, but for what is only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError
from pellucid.playground import state
from pellucid.playground.choices import losses_for
from pellucid.playground.commands import EDITS, checked_fields
from pellucid.playground.plane import plane_of
from pellucid.playground.timeline import Edit

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame

RESTARTING = ("network", "loss", "optimizer", "schedule", "penalty", "batch_size", "epochs", "seed")
"""The sections of a configuration that are set as they are."""
MODELS_OWN = "network: an opened model has its own; choose other data to build one."


def set_sections(experiment: Experiment, **sections: Any) -> Frame:
    """Set sections of the configuration and start the run anew; a page is told of other rows."""
    before = experiment.configuration
    if "network" in sections and before.data["kind"] == "model":
        raise OptionError(MODELS_OWN)
    experiment.begin(before.changed(**sections))
    if experiment.configuration.data != before.data:
        experiment.tell(experiment.data())
    return experiment.experiment()


def set_data(experiment: Experiment, data: Any) -> Frame:
    """Set where the rows come from; a loss that does not fit them gives way to the first that does."""
    before = experiment.configuration
    loss = before.loss
    if loss is not None:
        rows = experiment.rows_of(before.changed(data=data))
        loss = loss if loss["type"] in losses_for(rows) else None  # the first that fits
    return set_sections(experiment, data=data, loss=loss)


def set_stop(experiment: Experiment, stop: Any) -> Frame:
    """Set where play ends; the run goes on."""
    experiment.run.configuration = experiment.configuration.changed(stop=stop)
    return experiment.experiment()


def set_view(experiment: Experiment, view: Any) -> Frame:
    """Set the plane that is shown; the run goes on."""
    changed = experiment.configuration.changed(view=view)
    experiment.plane = plane_of(experiment.run.rows, changed.view)
    experiment.run.configuration = changed
    experiment.tell(experiment.data())
    return experiment.experiment()


def open_link(experiment: Experiment, text: str) -> Frame:
    """Start the run that a link describes, and play it up to its step."""
    configuration, given, step = state.decode(text)
    edits = [checked_edit(edit) for edit in given]
    experiment.begin(configuration, sorted(edits, key=lambda edit: edit.step))
    if step > 0:
        experiment.player.play(step)
    experiment.tell(experiment.data())
    return experiment.experiment()


def checked_edit(given: dict[str, Any]) -> Edit:
    """Return the edit that JSON data describes; `OptionError` for what is none."""
    fields = {name: value for name, value in given.items() if name not in ("step", "command")}
    command, step = given.get("command"), given.get("step")
    if command not in EDITS or type(step) is not int or step < 0:
        raise OptionError("link: an edit expects its step and a command that edits.")
    return Edit(step, command, checked_fields(command, fields))


def reset(experiment: Experiment) -> Frame:
    """Start the run anew."""
    return set_sections(experiment)
