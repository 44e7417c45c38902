"""Options: one declaration gives constructor, validation, message, repr, help and JSON."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

import numpy as np
import pytest

from pellucid.activations import Activation, ReLU
from pellucid.domains import Boolean, Choice, Domain, Either, Integer, Kind, Nothing, Number, Several, Text
from pellucid.errors import OptionError
from pellucid.initializers import Initializer
from pellucid.layers import Dense, Dropout, Layer
from pellucid.losses import Loss, Quantile
from pellucid.optimizers import SGD, Adam, Optimizer
from pellucid.options import REQUIRED, Configurable, check, from_config, named, option, options, registered, to_config


class Kettle(Configurable):
    """An example."""

    name: ClassVar[str] = "kettle"
    liters: float = option(Number(0, open="low"), "How much fits.", unit="liters", kw_only=False)
    color: str = option(Choice(("red", "green", "blue")), "How it looks.", default="red")
    whistles: bool = option(Boolean(), "Whether it is heard.", default=False)
    marks: Any = option(Either(Several(Integer(0), at_least=1), Nothing("none")), "The marks.", default=None)


CONTAINS: list[tuple[Domain, list[Any], list[Any], str]] = [
    (Number(), [0, -1.5, np.float32(2), np.int64(3)], [math.nan, math.inf, "1", None, True, np.True_, 1j], "a number"),
    (Number(0, 1), [0, 1, 0.5], [-0.1, 1.1], "a number at least 0 and at most 1"),
    (Number(0, 1, open="low high"), [0.5], [0, 1], "a number above 0 and below 1"),
    (Number(high=2), [2, -5], [2.5], "a number at most 2"),
    (Integer(1), [1, np.int32(7)], [0, 1.0, 2.5, True, "2"], "a whole number at least 1"),
    (Boolean(), [True, np.False_], [0, 1, "yes", None], "True or False"),
    (Choice(("b", "a")), ["a", "b"], ["c", "A", None, 3], "one of 'a', 'b'"),
    (Text("a label"), ["", "x"], [None, 3], "a label"),
    (Nothing("as many as come in"), [None], [0, False, ""], "None (as many as come in)"),
    (
        Several(Integer(), at_least=2),
        [[1, 2], (1, 2, 3)],
        [[1], [1, 2.5], 3, "ab"],
        "a list (2 or more), each a whole number",
    ),
    (Kind((ReLU,), "a ReLU"), [ReLU()], [ReLU, "relu"], "a ReLU"),
    (Either(Boolean(), Integer(0)), [True, 3], [-1, 0.5], "True or False, or a whole number at least 0"),
]


@pytest.mark.parametrize(("domain", "inside", "outside", "words"), CONTAINS, ids=lambda value: type(value).__name__)
def test_domains(domain: Domain, inside: list[Any], outside: list[Any], words: str) -> None:
    assert all(domain.contains(value) for value in inside)
    assert not any(domain.contains(value) for value in outside)
    assert domain.describe() == words


def test_the_constructor_takes_the_options() -> None:
    kettle = Kettle(1.5, color="blue")
    assert (kettle.liters, kettle.color, kettle.whistles, kettle.marks) == (1.5, "blue", False, None)
    with pytest.raises(TypeError):
        Kettle()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Kettle(1.5, "blue")  # type: ignore[misc]
    with pytest.raises(TypeError, match="colour"):
        Kettle(1.5, colour="blue")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"liters": 0}, r"Kettle: liters got 0 \(int\); it expects a number above 0\.$"),
        (
            {"color": "gren"},
            r"color got 'gren' \(str\); it expects one of 'blue', .*; did you mean 'green'\? .* 'red'\.$",
        ),
        ({"color": 3}, r"color got 3 \(int\).* The default is 'red'\.$"),
        ({"whistles": 1}, "whistles got 1 .*True or False"),
        (
            {"marks": []},
            r"marks got \[\] \(list\); it expects a list \(1 or more\), each a whole number at least 0, or None",
        ),
        ({"marks": ["x" * 200]}, r"marks got .{80} \(list\)"),
    ],
)
def test_a_value_outside_its_domain_names_object_value_and_domain(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Kettle(**{"liters": 1.0, **given})


def test_the_table_of_options() -> None:
    table = {declared.name: declared for declared in options(Kettle)}
    assert list(table) == ["liters", "color", "whistles", "marks"]
    assert table["liters"].default is REQUIRED
    assert table["liters"].help() == "How much fits. (a number above 0, in liters)"
    assert table["color"].help() == "How it looks. (one of 'blue', 'green', 'red')"
    with pytest.raises(OptionError, match=r"boil: liters got -1"):
        check("boil", table["liters"], -1)


class Pair(Configurable):
    """Two options that may be given by place."""

    first: int = option(Integer(), "One.", default=1, kw_only=False)
    second: int = option(Integer(), "Another.", default=2, kw_only=False)


def test_the_repr_names_what_follows_an_option_that_is_left_out() -> None:
    assert repr(Pair(3, 4)) == "Pair(3, 4)"
    assert repr(Pair(second=4)) == "Pair(second=4)"
    assert eval(repr(Pair(second=4))).second == 4


def test_the_repr_is_the_constructor_call_without_defaults() -> None:
    assert repr(Kettle(2.0)) == "Kettle(2.0)"
    kettle = Kettle(2.0, marks=(1, 2), whistles=True)
    assert repr(kettle) == "Kettle(2.0, whistles=True, marks=(1, 2))"
    assert repr(eval(repr(kettle))) == repr(kettle)
    assert repr(Kettle(1.0, whistles=np.False_)) != ""  # a NumPy value beside a plain default is no error


def test_objects_are_equal_only_to_themselves() -> None:
    assert ReLU() != ReLU()
    assert len({ReLU(), ReLU()}) == 2


def test_to_config_is_json_of_every_kind_of_value() -> None:
    value = {
        "array": np.array([[1.5, 2.0]], dtype=np.float32), "scalar": np.int64(3), "list": [1, "a", None, True],
        "mapping": {"b": Dense(2), "a": 1.0},
    }  # fmt: skip
    config = to_config(value)
    assert json.loads(json.dumps(config)) == config
    assert config["items"][0] == ["array", {"type": "array", "dtype": "float32", "values": [[1.5, 2.0]]}]
    assert config["items"][3][1]["items"][0][1]["type"] == "Dense"
    with pytest.raises(OptionError, match="cannot be written as JSON"):
        to_config(object())


def test_a_mapping_keeps_its_order_and_an_array_its_dtype() -> None:
    weights = np.array([[0.1], [0.2]], dtype=np.float32)
    again = from_config(Layer, json.loads(json.dumps(to_config(Dense(1, weight_initializer=weights)))))  # type: ignore[type-abstract]
    assert again.weight_initializer.dtype == np.float32  # type: ignore[attr-defined]
    np.testing.assert_array_equal(again.weight_initializer, weights)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "Dens", "n_outputs": 2}, "did you mean 'Dense'"),
        ({"type": "SGD"}, "type got 'SGD'; it expects one of 'ActivationLayer'"),
        ({}, "type got None"),
        ({"type": "os.system"}, "type got 'os.system'"),
        ({"type": "Dense", "n_output": 2}, "no option 'n_output'.*did you mean 'n_outputs'"),
        ({"type": "Dense", "n_outputs": 0}, "n_outputs got 0"),
        ({"type": "Kettle", "liters": 1.0}, "type got 'Kettle'"),
    ],
)
def test_a_configuration_can_name_only_what_the_library_defines(config: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        from_config(Layer, config)  # type: ignore[type-abstract]


def test_only_concrete_classes_of_the_library_are_registered() -> None:
    assert "Kettle" not in registered(Configurable)
    assert "Layer" not in registered(Layer)
    assert "Chain" in registered(Layer)
    assert list(registered(Optimizer)) == sorted(registered(Optimizer))
    assert set(registered(Optimizer)) < set(registered(Configurable))


def test_names_stand_for_objects_with_default_options() -> None:
    given = SGD(learning_rate=0.3)
    assert named(Optimizer, given, "train") is given  # type: ignore[type-abstract]
    assert type(named(Optimizer, "adam", "train")) is Adam  # type: ignore[type-abstract]
    with pytest.raises(OptionError, match=r"train got 'Adams' \(str\); it expects one of .*did you mean 'adam'"):
        named(Optimizer, "Adams", "train")  # type: ignore[type-abstract]
    with pytest.raises(OptionError, match=r"got 3 \(int\)"):
        named(Activation, 3, "activation")  # type: ignore[type-abstract, arg-type]


def test_a_class_without_its_required_option_has_no_name_to_go_by() -> None:
    with pytest.raises(OptionError, match="it expects one of") as found:
        named(Initializer, "constant", "weight_initializer")  # type: ignore[type-abstract]
    assert "'constant'," not in str(found.value)


def test_numpy_values_and_lists_become_plain_ones() -> None:
    quantile = from_config(Loss, to_config(Quantile(levels=[0.1, np.float64(0.5)])))  # type: ignore[arg-type, type-abstract]
    assert isinstance(quantile, Quantile)
    assert quantile.levels == (0.1, 0.5)
    assert type(to_config(Dropout(np.float64(0.25)))["rate"]) is float
