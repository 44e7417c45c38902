"""The contract of configurable objects: each travels through JSON and its repr builds it again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pellucid import initializers, training
from pellucid.activations import Activation
from pellucid.initializers import Constant, Explicit, Initializer
from pellucid.layers import Dense, Layer
from pellucid.layers.holding import as_layer
from pellucid.losses import Loss, Penalty
from pellucid.optimizers import Optimizer
from pellucid.options import Configurable, from_config, options, registered, to_config
from pellucid.schedules import Schedule
from pellucid.training import EarlyStopping, TimeBudget
from tests.contracts.examples import EXAMPLES

assert training, initializers  # imported so that their classes are registered

NAMES: dict[str, Any] = {**registered(Configurable), "array": np.array}
OTHERS: list[Configurable] = [
    Penalty(l1=0.5),
    EarlyStopping(patience=3, goal="highest"),
    TimeBudget(2.5),
    Constant(0.25),
    Explicit([[0.1, 0.2], [1 / 3, -1e-300]]),
    Dense(2, weight_initializer=[[0.1, 0.2]], bias_initializer=Constant(1.0)),
    *(cls() for cls in registered(Initializer).values() if cls not in (Constant, Explicit)),
    *(cls() for cls in registered(Activation).values()),
    *(cls() for cls in registered(training.Metric).values()),
]
OBJECTS: list[Configurable] = [
    example.make() for by_class in EXAMPLES.values() for examples in by_class.values() for example in examples
] + OTHERS


def check_round_trip(value: Configurable) -> None:
    """The configuration survives JSON, and so does the object: its configuration is the same again."""
    config = to_config(value)
    text = json.dumps(config, allow_nan=False)
    again = from_config(Configurable, json.loads(text))  # type: ignore[type-abstract]
    assert type(again) is type(value)
    assert to_config(again) == config
    rebuilt = eval(repr(value), dict(NAMES))
    rebuilt = as_layer(rebuilt, "repr") if isinstance(value, Layer) else rebuilt
    assert type(rebuilt) is type(value)
    assert to_config(rebuilt) == config


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_round_trip(value: Configurable) -> None:
    check_round_trip(value)


@pytest.mark.parametrize("family", [Layer, Loss, Optimizer, Schedule, Activation, Initializer])
def test_every_option_says_what_it_is(family: type) -> None:
    for cls in registered(family).values():
        for declared in options(cls):
            assert declared.sentence.endswith(".")
            assert declared.domain.describe() in declared.help()


@pytest.mark.parametrize("cls", registered(Configurable).values(), ids=lambda cls: cls.__name__)
def test_every_class_has_a_docstring_and_refuses_unknown_options(cls: type) -> None:
    assert (cls.__doc__ or "").strip()
    assert not (cls.__doc__ or "").startswith(f"{cls.__name__}("), "the docstring is the dataclass's own"
    with pytest.raises(TypeError):
        cls(no_such_option=1)
