"""The doctor as a whole: the report in each of its forms, what is refused, and that nothing is changed."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from pellucid import (
    BinaryCrossEntropy,
    Dense,
    Network,
    Report,
    SquaredError,
    TabularClassifier,
    diagnose,
    train,
)
from pellucid.errors import DataError, NotInitializedError, OptionError, ShapeError, TargetError
from pellucid.insight.doctor import CHECKS
from pellucid.insight.doctor.examination import MOST_ROWS
from pellucid.insight.doctor.report import SEVERITIES
from pellucid.random import Random

X = Random(1).normal((100, 3))
Y = (X[:, 0] > 0).astype(float)
LOSS = BinaryCrossEntropy()


def network(*layers: Any, n_inputs: int = 3) -> Network:
    return Network(list(layers) or [Dense(4), "tanh", Dense(1)], n_inputs=n_inputs, rng=0)


def sick() -> Report:
    """Return a report with findings of all three severities."""
    rows = np.column_stack([X * [1, 1, 1000], np.ones(100)])
    twice = network(Dense(4), "tanh", Dense(1), "sigmoid", n_inputs=4)
    return diagnose(twice, rows, Y, loss=LOSS, column_names=["a", "b <i>", "income", "one"])


def test_a_healthy_network_has_no_finding() -> None:
    healthy = network(Dense(8), "relu", Dense(1))
    history = train(healthy, X, Y, loss=LOSS, optimizer="adam", epochs=60, batch_size=10)
    report = diagnose(healthy, X, Y, loss="binary_cross_entropy", history=history)
    assert report.healthy
    assert str(report).count("Nothing found") == 1
    assert set(report.examined) | set(report.unexamined) == set(CHECKS)


def test_the_gravest_findings_come_first_and_are_found_by_name() -> None:
    report = sick()
    severities = [finding.severity for finding in report.findings]
    assert set(severities) == set(SEVERITIES)
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert not report.healthy
    assert report["unscaled inputs"][0].columns == ("income",)
    assert report["no such finding"] == []


def test_each_finding_says_where_what_and_how_to_mend_it_in_every_form() -> None:
    from rich.console import Console

    report = sick()
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(report)
    terminal = console.export_text()
    page = report._repr_html_()
    for finding in report.findings:
        for text in (str(report), terminal):
            assert finding.name in text
            assert finding.mend[:60] in text
            assert finding.where in text
        assert finding.name in page
    assert "b <i>" not in page
    assert max(map(len, str(report).splitlines())) <= 160
    assert repr(report) == str(report)


def test_the_report_is_json_without_infinities() -> None:
    document = json.loads(json.dumps(sick().to_json(), allow_nan=False))
    assert document["healthy"] is False
    (unscaled,) = (finding for finding in document["findings"] if finding["name"] == "unscaled inputs")
    assert unscaled["figures"]["columns"]["income"]["deviation"] == pytest.approx((X[:, 2] * 1000).std())
    assert document["unexamined"]["overfitting"].startswith("there is no history")


def test_where_is_said_in_words() -> None:
    dead = network(Dense(24), "relu", Dense(1))
    dead.named_parameters["0.bias"][:20] = -100
    (finding,) = diagnose(dead, X, Y, loss=LOSS)["dead ReLUs"]
    assert finding.where == "layer 1, neurons 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10 more"


def test_the_network_is_left_as_it_is() -> None:
    examined = network(Dense(4, bias=False), "tanh", Dense(1))
    examined.gradients[...] = 7.0
    before = examined.parameters.copy()
    diagnose(examined, X, Y, loss=LOSS)
    np.testing.assert_array_equal(examined.parameters, before)
    assert (examined.gradients == 7.0).all()


def test_the_largest_losses_are_those_beyond_a_constant_answer() -> None:
    y = Y.copy()
    fitted = network(Dense(1))
    train(fitted, X, y, loss=LOSS, optimizer="lbfgs", epochs=10)
    report = diagnose(fitted, X, y, loss=LOSS)
    losses = LOSS.per_row(fitted.predict(X), y[:, None])[0]
    expected = [row for row in np.argsort(-losses)[:5] if losses[row] > np.log(2) - 0.01]
    assert list(report.largest_losses) == expected
    assert report.largest_losses.get(expected[0]) == losses[expected[0]] if expected else True


def test_of_many_rows_some_are_examined_and_it_is_said() -> None:
    many = np.tile(X, (250, 1))
    report = diagnose(network(), many, np.tile(Y, 250), loss=LOSS)
    assert f"{MOST_ROWS:,} of 25,000 rows" in report.subject


def test_every_kind_of_network_can_be_examined() -> None:
    table = {"color": ["red", "blue", "green", "a", "b", "c", "d", "e", "f", "g"] * 20, "size": list(range(200))}
    model = TabularClassifier(random_state=0, epochs=20).fit(table, ["x", "y"] * 100)
    report = diagnose(
        model.network_,
        model.encoder_.transform(table),
        model.target_.encode(["x", "y"] * 100),
        loss=model.loss_,
        history=model.history_,
        column_names=model.encoder_.feature_names,
    )
    assert len(report.examined) >= 15
    for loss, target, n_outputs in (
        ("quantile", X[:, 0], 1),
        ("poisson", np.arange(100) % 4, 1),
        ("huber", X[:, :2], 2),
        ("absolute_error", X[:, 0], 1),
        ("binary_cross_entropy", (X[:, :2] > 0).astype(float), 2),
        ("cross_entropy", np.eye(3)[np.arange(100) % 3], 3),
    ):
        for hidden in ([], [Dense(4), "relu"]):
            built = network(*hidden, Dense(n_outputs))
            found = diagnose(built, X, target, loss=loss).findings
            assert {finding.name for finding in found} <= {"no hidden layer", "stuck outputs", "leaking column"}


@pytest.mark.parametrize(
    ("X", "y", "error", "words"),
    [
        (X[:, :2], Y, ShapeError, "(100, 2)"),
        (X, Y[:50], ShapeError, "100 rows and y has 50"),
        (np.where(np.arange(3) == 1, np.nan, X), Y, DataError, "row 0, column 1"),
        (X[:0], Y[:0], DataError, "no rows"),
        (X, Y + 5, TargetError, "from 0 to 1"),
        (X, np.full(100, np.nan), TargetError, "nan"),
    ],
)
def test_rows_that_do_not_fit_are_refused(X: Any, y: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        diagnose(network(), X, y, loss=LOSS)
    assert words in str(raised.value)


def test_arguments_of_another_kind_are_refused() -> None:
    with pytest.raises(OptionError, match=r"model\.network_"):
        diagnose(TabularClassifier(), X, Y, loss=LOSS)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="the History of train"):
        diagnose(network(), X, Y, loss=LOSS, history=[1.0])  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="2 names; it expects 3"):
        diagnose(network(), X, Y, loss=LOSS, column_names=["a", "b"])
    with pytest.raises(OptionError, match="did you mean 'squared_error'"):
        diagnose(network(), X, Y, loss="square_error")
    with pytest.raises(NotInitializedError):
        diagnose(network(Dense(2, weight_initializer="unit_variance"), Dense(1)), X, Y, loss=LOSS)


def test_a_single_row_and_a_constant_target_can_be_examined() -> None:
    assert diagnose(network(), X[:1], Y[:1], loss=LOSS).findings == ()
    assert diagnose(network(), X, np.ones(100), loss=SquaredError()).findings == ()
