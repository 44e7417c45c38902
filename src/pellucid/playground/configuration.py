"""A configuration says what is learned by what: plain JSON data, each number of which was checked against its range."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.activations import Activation, Identity, Tanh
from pellucid.domains import Boolean, Choice, Either, Integer, Kind, Nothing, Number, Several, Text
from pellucid.errors import OptionError, listed, near_miss
from pellucid.initializers import Glorot, Initializer
from pellucid.losses import Loss, Penalty
from pellucid.network import Network
from pellucid.optimizers import SGD, Optimizer
from pellucid.options import Option, check, from_config, options, registered, to_config
from pellucid.playground.datasets import CLASSIC
from pellucid.playground.formula import LONGEST
from pellucid.schedules import ConstantRate, Schedule

TUTORIALS = ("xor_table", "single_layer_table")
KINDS = (*CLASSIC, *TUTORIALS, "formula", "points", "table", "model")
FEATURES = ("x1", "x2", "x1²", "x2²", "x1x2", "sin x1", "sin x2")
MOST_ROWS = 5000
MOST_CLASSES = 10
MOST_TEXT = 200
MOST_DECLARED = 256  # columns whose kind is declared
LARGEST_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps
LARGEST_WHOLE = 1000  # of an option without an upper end: memories and drops, which cost time and room
FAMILIES: dict[str, type[Any]] = {
    "Activation": Activation,
    "Initializer": Initializer,
    "Loss": Loss,
    "Optimizer": Optimizer,
    "Schedule": Schedule,
}
UNUSABLE = ("Explicit",)  # carries arrays of any size

_POINT = Several(Number(-1e6, 1e6, noun="a coordinate or target"), at_least=3)
DATA = (
    Option("kind", Choice(KINDS), "circle", "Where the rows come from."),
    Option("n_rows", Integer(10, MOST_ROWS), 500, "Number of rows that are drawn.", "rows"),
    Option("noise", Number(0, 0.5), 0.0, "How far the drawing strays."),
    Option("test_share", Number(0, 0.9), 0.5, "Share of the rows that is kept for testing."),
    Option("seed", Integer(0, LARGEST_SEED), 0, "Seed of the rows and of their parting."),
    Option("features", Several(Choice(FEATURES), at_least=1), ["x1", "x2"], "What enters the network."),
    Option("task", Choice(("auto", "classification", "regression")), "auto", "Whether classes or numbers are learned."),
    Option("formula", Text(f"a text of at most {LONGEST} characters"), "", "The target as a formula of x1 and x2."),
    Option("points", Several(_POINT), [], "The points that were drawn, each [x1, x2, target]."),
    Option("table", Text(f"a name of at most {MOST_TEXT} characters"), "", "The table's name."),
    Option("target", Text(f"a name of at most {MOST_TEXT} characters"), "", "The table's target column."),
    Option("kinds", Kind((Mapping,), "an object of columns and kinds"), {}, "What columns hold, if not what it seems."),
    Option("model", Text(f"a name of at most {MOST_TEXT} characters"), "", "The name of the model that was opened."),
)
NETWORK = (
    Option("hidden", Several(Kind((Mapping,), "an object")), [{}, {"width": 2}], "The hidden layers, first to last."),
    Option("output_activation", Kind((Mapping,), "an object"), to_config(Identity()), "What follows the last Dense."),
    Option("initializer", Kind((Mapping,), "an object"), to_config(Glorot()), "How the weights start."),
)
HIDDEN = (
    Option("width", Integer(1, 64), 4, "Number of neurons."),
    Option("activation", Kind((Mapping,), "an object"), to_config(Tanh()), "What each neuron applies to its sum."),
    Option("dropout", Number(0, 1, open="high"), 0.0, "Probability that an output is silenced in training."),
    Option("normalization", Choice(("none", "LayerNorm", "BatchNorm")), "none", "What comes before the activation."),
)
MOST_HIDDEN = 8
STOP = (
    Option("epoch", Either(Integer(1, 10**9), Nothing("no end")), None, "The epoch at which play ends."),
    Option("loss", Either(Number(0), Nothing("no goal")), None, "The mean loss of an epoch at which play ends."),
)
VIEW = (
    Option("plane", Choice(("slice", "components")), "slice", "The plane of more than two inputs that is shown."),
    Option("columns", Several(Integer(0, 10_000), at_least=2), [0, 1], "The two inputs of a slice."),
    Option("resolution", Integer(8, 64), 32, "Cells of a map in each direction."),
)
BATCH_SIZE = Option(
    "batch_size", Either(Integer(1, MOST_ROWS), Nothing("the whole table")), 10, "Rows per step.", "rows"
)
EPOCHS = Option("epochs", Integer(1, 10**6), 1000, "Epochs that the schedule spans.", "epochs")
SEED = Option("seed", Integer(0, LARGEST_SEED), 0, "Seed of the first weights, the order of rows and dropout.")
FLAT_SECTIONS = {"data": DATA, "stop": STOP, "view": VIEW, "penalty": tuple(options(Penalty))}
SECTIONS = {**FLAT_SECTIONS, "network": NETWORK, "hidden": HIDDEN}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The fields are sections of JSON data, complete and checked; `changed` and `from_json` are how one is made."""

    data: dict[str, Any]
    network: dict[str, Any]
    loss: dict[str, Any] | None
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    penalty: dict[str, float]
    batch_size: int | None
    epochs: int
    seed: int
    stop: dict[str, Any]
    view: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the sections."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def changed(self, **sections: Any) -> Configuration:
        """Return a configuration in which fields of some sections differ; `OptionError` for one out of range."""
        given = self.to_json()
        for name, value in sections.items():
            if name not in given:
                raise OptionError(
                    f"configuration: no section {name!r}; there are {listed(given)}{near_miss(name, given)}"
                )
            given[name] = _section(name, value, given[name])
        return Configuration(**given)

    @classmethod
    def from_json(cls, sections: Any) -> Configuration:
        """Return the configuration that JSON data describes; what is left out has its default."""
        if not isinstance(sections, Mapping):
            raise OptionError(f"configuration got {sections!r:.60}; it expects an object of sections.")
        return DEFAULT.changed(**{str(name): value for name, value in sections.items()})


def _section(name: str, value: Any, before: Any) -> Any:
    if name in FLAT_SECTIONS:
        found = checked(name, FLAT_SECTIONS[name], value, before)
        if name == "data":
            _check_data(found)
        return found
    if name == "network":
        return _network(value, before)
    if name == "loss":
        return None if value is None else to_config(configured(Loss, value, "loss"))
    if name == "optimizer":
        return to_config(configured(Optimizer, value, "optimizer"))
    if name == "schedule":
        return to_config(configured(Schedule, value, "schedule"))
    declared = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "seed": SEED}[name]
    check("configuration", declared, value)
    return value


def checked(owner: str, declared: Sequence[Option], given: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``before`` with the given fields, each of which is declared and inside its domain."""
    if not isinstance(given, Mapping):
        raise OptionError(f"{owner} got {given!r:.60}; it expects an object with some of {_names(declared)}.")
    by_name = {option.name: option for option in declared}
    for name, value in given.items():
        if name not in by_name:
            raise OptionError(
                f"{owner}: no field {name!r}; there are {_names(declared)}{near_miss(str(name), by_name)}"
            )
        check(owner, by_name[name], value)
    return {**before, **given}


def configured(family: type[Any], given: Any, owner: str, depth: int = 0) -> Any:
    """Return the object of a family that JSON data describes; `OptionError` for what it cannot be made of.

    Only numbers, texts, truth values and lists of numbers are taken as options, and for a schedule another schedule.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str) or given["type"] in UNUSABLE:
        raise OptionError(f'{owner} got {given!r:.60}; it expects an object such as {{"type": "..."}}.')
    classes = registered(family)
    if given["type"] not in classes:
        hint = near_miss(given["type"], classes) or "."
        raise OptionError(
            f"{owner}: type got {given['type']!r:.60}; it expects one of {listed(classes, limit=30)}{hint}"
        )
    fields: dict[str, Any] = {"type": given["type"]}
    for name, value in given.items():
        if isinstance(value, Mapping) and family is Schedule and depth < 3:
            value = to_config(configured(Schedule, value, f"{owner}: {name}", depth + 1))
        elif not _is_plain(value):
            raise OptionError(
                f"{owner}: {name} got {value!r:.60}; it expects a number, a text, true, false, null or a list of at "
                f"most {MOST_CLASSES} numbers, whole ones up to {LARGEST_WHOLE}."
            )
        fields[str(name)] = value
    return from_config(family, fields)


def build_network(configuration: Configuration, n_inputs: int, n_outputs: int) -> Network:
    """Return the network with its first weights, unless these wait for rows; `OptionError` where it cannot be."""
    from pellucid.layers import BatchNorm, Dense, Dropout, LayerNorm

    network = configuration.network
    initializer = configured(Initializer, network["initializer"], "network: initializer")
    layers: list[Any] = []
    for hidden in network["hidden"]:
        layers.append(Dense(hidden["width"], weight_initializer=initializer))
        normalization = {"LayerNorm": LayerNorm, "BatchNorm": BatchNorm}.get(hidden["normalization"])
        layers += [] if normalization is None else [normalization()]
        layers.append(configured(Activation, hidden["activation"], "network: activation"))
        layers += [Dropout(hidden["dropout"])] if hidden["dropout"] else []
    layers.append(Dense(n_outputs, weight_initializer=initializer))
    last = configured(Activation, network["output_activation"], "network: output_activation")
    return Network([*layers, *([] if isinstance(last, Identity) else [last])], n_inputs, rng=configuration.seed)


def _network(given: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    network = checked("network", NETWORK, given, before)
    if len(network["hidden"]) > MOST_HIDDEN:
        raise OptionError(f"network: hidden got {len(network['hidden'])} layers; it expects at most {MOST_HIDDEN}.")
    defaults = {option.name: option.default for option in HIDDEN}
    hidden = []
    for index, layer in enumerate(network["hidden"]):
        found = checked(f"hidden layer {index}", HIDDEN, layer, defaults)
        found["activation"] = to_config(
            configured(Activation, found["activation"], f"hidden layer {index}: activation")
        )
        hidden.append(found)
    return {
        "hidden": hidden,
        "output_activation": to_config(configured(Activation, network["output_activation"], "output_activation")),
        "initializer": to_config(configured(Initializer, network["initializer"], "initializer")),
    }


def _check_data(data: Mapping[str, Any]) -> None:
    if len(data["formula"]) > LONGEST or any(len(data[name]) > MOST_TEXT for name in ("table", "target", "model")):
        raise OptionError(f"data: a text is too long; a formula has at most {LONGEST} characters, a name {MOST_TEXT}.")
    if len(data["points"]) > MOST_ROWS or any(len(point) != 3 for point in data["points"]):
        raise OptionError(f"data: points expects at most {MOST_ROWS} points, each [x1, x2, target].")
    if data["kinds"]:
        _check_kinds(data["kinds"])
    if len(set(data["features"])) != len(data["features"]):
        raise OptionError(f"data: features got {data['features']!r}; it expects each at most once.")


def _check_kinds(kinds: Mapping[str, Any]) -> None:
    from pellucid.tabular.columns import KINDS as COLUMN_KINDS

    for name, kind in kinds.items():
        if kind not in COLUMN_KINDS or len(str(name)) > MOST_TEXT or len(kinds) > MOST_DECLARED:
            raise OptionError(
                f"data: kinds got {name!r:.60}: {kind!r:.60}; it expects at most {MOST_DECLARED} columns, each with "
                f"one of {listed(COLUMN_KINDS)}."
            )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST_CLASSES and all(isinstance(item, int | float) and _is_plain(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST_WHOLE
    return value is None or isinstance(value, bool | float) or (isinstance(value, str) and len(value) <= MOST_TEXT)


def _names(declared: Sequence[Option]) -> str:
    return listed((option.name for option in declared), limit=20)


def control(declared: Option) -> dict[str, Any]:
    """Return what a page needs to draw an option's control, as JSON data."""
    domains = declared.domain.domains if isinstance(declared.domain, Either) else (declared.domain,)
    nullable = any(isinstance(domain, Nothing) for domain in domains)
    shown: dict[str, Any] = {"kind": "other"}
    for domain in domains:
        if isinstance(domain, Number):
            low, high = (end if abs(end) != float("inf") else None for end in (domain.low, domain.high))
            whole = isinstance(domain, Integer)
            shown = {"kind": "number", "low": low, "high": high, "open": domain.open, "whole": whole}
        elif isinstance(domain, Boolean):
            shown = {"kind": "boolean"}
        elif isinstance(domain, Choice):
            shown = {"kind": "choice", "names": list(domain.names)}
    required = declared.default is dataclasses.MISSING
    return {
        "name": declared.name,
        "sentence": declared.sentence,
        "default": None if required else to_config(declared.default),
        "required": required,
        "describe": declared.domain.describe(),
        "control": {**shown, "nullable": nullable},
    }


DEFAULT = Configuration(
    data={option.name: option.default for option in DATA},
    network=_network({}, {option.name: option.default for option in NETWORK}),
    loss=None,
    optimizer=to_config(SGD(learning_rate=0.03)),
    schedule=to_config(ConstantRate()),
    penalty={"l1": 0.0, "l2": 0.0},
    batch_size=10,
    epochs=1000,
    seed=0,
    stop={"epoch": None, "loss": None},
    view={option.name: option.default for option in VIEW},
)
