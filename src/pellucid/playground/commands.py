"""The commands that an experiment takes, each with its fields and their ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pellucid.domains import Boolean, Choice, Either, Integer, Kind, Nothing, Number, Several, Text
from pellucid.errors import OptionError, listed, near_miss
from pellucid.options import Option, check
from pellucid.playground.configuration import BATCH_SIZE, EPOCHS, SEED
from pellucid.playground.state import LAST_STEP

REQUIRED = dataclasses.MISSING
FORMATS = ("model", "script", "numpy", "svg", "configuration")
_OBJECT = Kind((dict,), "an object")
_PARAMETER = Option("parameter", Text("a parameter's name, such as '0.weight'"), REQUIRED, "Which array.")
_AT = Option("at", Several(Integer(0, 10**6), at_least=1), REQUIRED, "The cell, [input, neuron] or [neuron].")
_LAYER = Option("layer", Integer(0, 1000), REQUIRED, "The layer's number.")
_NEURON = Option("neuron", Integer(0, 10**6), REQUIRED, "The neuron's number in its layer.")
_ROWS = Option(
    "rows", Either(Several(Integer(0, 10**6)), Nothing("the next batch")), None, "Training rows to take the step for."
)
_COUNT = Option("count", Integer(1, 1000), 1, "How many to take.")
_INDEX = Option("index", Integer(0, 3), REQUIRED, "Which of the kept runs.")


def _section(name: str) -> tuple[Option, ...]:
    return (Option(name, _OBJECT, REQUIRED, f"The fields of {name!r} that change."),)


COMMANDS: dict[str, tuple[Option, ...]] = {
    "set_data": _section("data"),
    "set_network": _section("network"),
    "set_loss": (Option("loss", Either(_OBJECT, Nothing("the first that fits")), REQUIRED, "The loss."),),
    "set_optimizer": _section("optimizer"),
    "set_schedule": _section("schedule"),
    "set_penalty": _section("penalty"),
    "set_batch_size": (dataclasses.replace(BATCH_SIZE, default=REQUIRED),),
    "set_epochs": (dataclasses.replace(EPOCHS, default=REQUIRED),),
    "set_seed": (dataclasses.replace(SEED, default=REQUIRED),),
    "set_stop": _section("stop"),
    "set_view": _section("view"),
    "open_link": (Option("text", Text("what link gave"), REQUIRED, "The link's text."),),
    "reset": (),
    "play": (Option("until", Either(Integer(0, LAST_STEP), Nothing("no end")), None, "The step at which to end."),),
    "pause": (),
    "set_speed": (
        Option(
            "epochs_per_second",
            Either(Number(0.1, 10**6), Nothing("as fast as it goes")),
            REQUIRED,
            "How fast training plays.",
        ),
    ),
    "step_epoch": (_COUNT,),
    "step_batch": (_COUNT,),
    "rewind": (Option("step", Integer(0, LAST_STEP), REQUIRED, "The step to go to."),),
    "open_step": (_ROWS,),
    "step_operation": (Option("by", Integer(-1000, 1000), 1, "How many quantities to go on, or back."),),
    "inspect_weight": (_PARAMETER, _AT, _ROWS),
    "inspect_neuron": (_LAYER, _NEURON, Option("row", Integer(0, 10**6), 0, "The training row.")),
    "edit_weight": (_PARAMETER, _AT, Option("value", Number(-1e6, 1e6), REQUIRED, "The new value.")),
    "freeze_neuron": (_LAYER, _NEURON, Option("frozen", Boolean(), True, "Whether it is frozen from now on.")),
    "cut_edge": (_PARAMETER, _AT, Option("cut", Boolean(), True, "Whether it is cut, or mended.")),
    "check_gradients": (),
    "look": (),
    "show_histograms": (Option("bins", Integer(2, 100), 30, "Number of bars."),),
    "diagnose": (),
    "keep_run": (Option("name", Text("a name of at most 60 characters"), REQUIRED, "What to call it."),),
    "drop_run": (_INDEX,),
    "restore_run": (_INDEX,),
    "start_sweep": (
        Option("x", _OBJECT, REQUIRED, "The field along one side, and its values."),
        Option("y", Either(_OBJECT, Nothing("one side only")), None, "The field along the other side."),
        Option("epochs", Integer(1, 2000), 100, "How long each cell is trained."),
    ),
    "stop_sweep": (),
    "link": (),
    "export": (Option("format", Choice(FORMATS), REQUIRED, "What to write."),),
}
EDITS = ("edit_weight", "freeze_neuron", "cut_edge")


def checked_fields(command: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a command, completed and each inside its range; `OptionError` otherwise."""
    if not isinstance(command, str) or command not in COMMANDS:
        raise OptionError(
            f"command got {command!r:.60}; there are {listed(COMMANDS, limit=60)}"
            f"{near_miss(str(command), COMMANDS) or '.'}"
        )
    declared = {option.name: option for option in COMMANDS[command]}
    for name in given:
        if name not in declared:
            raise OptionError(f"{command}: no field {name!r:.60}; there are {listed(declared)}.")
    fields = {}
    for name, option in declared.items():
        if name not in given and option.default is REQUIRED:
            raise OptionError(f"{command}: {name} is missing; it expects {option.domain.describe()}.")
        fields[name] = given.get(name, option.default)
        check(command, option, fields[name])
    return fields
