"""The state in a link: it round-trips, and no text whatever does harm."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import OptionError, PellucidError
from pellucid.playground import Experiment
from pellucid.playground.configuration import DEFAULT, Configuration
from pellucid.playground.formula import evaluate
from pellucid.playground.state import LARGEST, decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = [
    (name, *([inner] if isinstance(value, dict) else []))
    for name, value in DEFAULT.to_json().items()
    for inner in (value if isinstance(value, dict) else [""])
]


def packed(content: Any) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")


def test_a_state_comes_back_as_it_was() -> None:
    edits = [{"step": 3, "command": "edit_weight", "parameter": "0.bias", "at": [0], "value": 0.5}]
    assert decode(encode(DEFAULT, edits, 17)) == (DEFAULT, edits, 17)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=JSON, edits=st.just([]) | JSON, step=st.just(0) | JSON)
def test_a_thousand_changed_links_are_read_or_refused(path: tuple[str, ...], value: Any, edits: Any, step: Any) -> None:
    sections = json.loads(json.dumps(DEFAULT.to_json()))
    if len(path) == 1:
        sections[path[0]] = value
    else:
        sections[path[0]][path[1]] = value
    text = packed({"version": 1, "configuration": sections, "edits": edits, "step": step})
    experiment = Experiment(data={"n_rows": 10})
    frame = experiment.do({"command": "open_link", "text": text})
    assert frame["frame"] in ("experiment", "error")
    json.dumps(experiment.progress(), allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_refused_in_one_way(text: str) -> None:
    with pytest.raises(OptionError, match="link"):
        decode(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="x12 +-*/%()<>=.,e_sincobandortq[]'\"{}:@\\\n\x00", max_size=60) | st.text(max_size=60))
def test_any_formula_is_computed_or_refused(text: str) -> None:
    columns = {"x1": np.array([0.5, -1.0]), "x2": np.array([2.0, 3.0])}
    with contextlib.suppress(PellucidError):
        assert np.isfinite(evaluate(text, columns)).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x1 + 2 * x2", 7.0),
        ("-x1 ** 2", -1.0),
        ("sqrt(x2 * 3) if x1 else 0", None),
        ("x1 < x2 and not x1 > x2", 1.0),
        ("maximum(x1, x2) % 2", 1.0),
        ("x1.__class__", None),
        ("(lambda: 0)()", None),
        ("[x1 for x1 in x2]", None),
        ("exp(1000)", None),
        ("9 ** 9 ** 9 ** 9", None),
        ("1" + "0" * 190, 1e190),
        ("True", None),
        ("'a'", None),
        ("", None),
    ],
)
def test_a_formula_is_arithmetic_and_nothing_else(text: str, value: float | None) -> None:
    columns = {"x1": np.array([1.0]), "x2": np.array([3.0])}
    if value is None:
        with pytest.raises(PellucidError, match="formula"):
            evaluate(text, columns)
    else:
        assert evaluate(text, columns)[0] == value


def test_a_link_that_unpacks_to_too_much_is_refused() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b" " * (50 * LARGEST), 9)).decode()
    with pytest.raises(OptionError, match="too large"):
        decode(bomb[:100_000])


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(OptionError, match="link"):
        decode(base64.urlsafe_b64encode(zlib.compress(b"[" * 200_000)).decode())


def test_a_configuration_is_complete_whatever_is_left_out() -> None:
    assert Configuration.from_json({}) == DEFAULT
    assert Configuration.from_json({"network": {"hidden": [{}]}}).network["hidden"][0]["width"] == 4
