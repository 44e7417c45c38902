"""The ledger of a training step: it records what training does, and shows the tutorials' numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, OptionError, ShapeError, TargetError
from pellucid.examples import single_layer, xor
from pellucid.insight import Trace, trace
from pellucid.insight.ledger import checking
from pellucid.layers import BatchNorm, Columns, Dense, Dropout, Embedding, Layer, LayerNorm, Residual, Scale
from pellucid.losses import Penalty, SquaredError
from pellucid.network import Network
from pellucid.optimizers import LBFGS, SGD, Adam, AdamW
from pellucid.random import Random
from pellucid.schedules import Cosine
from pellucid.training import Callback, train
from tests.contracts.ledger_checks import check_differences, check_trace
from tests.tolerances import rounding, trajectory

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "seed_goldens.json").read_text())
X, Y = Random(1).normal((10, 3)), Random(2).normal((10, 2))


def traced(example: Any, steps: Any, network: Network | None = None) -> Trace:
    return trace(
        network or example.build(), example.X, example.y, loss=example.LOSS, optimizer=example.OPTIMIZER, steps=steps
    )


def test_the_first_tutorials_step_has_its_numbers() -> None:
    found = traced(single_layer, 0)
    weights = np.array(GOLDEN["single_layer"]["initial_weights"])
    inputs, y = single_layer.X, single_layer.y
    outputs = 1 / (1 + np.exp(-(inputs @ weights)))  # the tutorial's own lines
    adjustments = (y - outputs) * outputs * (1 - outputs)
    expected = {
        "W1": weights,
        "Z1": inputs @ weights,
        "A1": outputs,
        "L": 0.5 * ((y - outputs) ** 2).sum(),
        "dL/dA1": outputs - y,
        "dL/dZ1": -adjustments,
        "dL/dW1": -(inputs.T @ adjustments),
        "W1'": weights + inputs.T @ adjustments,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].value, values, rtol=0, atol=rounding(4), err_msg=name)


def test_the_last_steps_end_at_the_tutorials_weights() -> None:
    tolerance = trajectory(10_000, 4)
    weights = traced(single_layer, 9_999)["W1'"].value
    np.testing.assert_allclose(weights, GOLDEN["single_layer"]["final_weights"], rtol=0, atol=tolerance)
    found, golden = traced(xor, [0, 9_999]), GOLDEN["xor"]["0"]
    last = found.step(9_999)
    for name, key in {"W1'": "W1", "b1'": "b1", "W2'": "W2", "b2'": "b2"}.items():
        values = np.reshape(golden[key], last[name].shape)
        np.testing.assert_allclose(last[name].value, values, rtol=0, atol=tolerance)
    check_trace(found)


def test_the_second_tutorials_ledger_reads_as_the_tutorial() -> None:
    found = traced(xor, 1)
    (step,) = found
    names = [[entry.symbol.text for entry in section.entries] for section in step.sections]
    assert names == [
        ["X", "y", "W¹", "b¹", "W²", "b²"],
        ["Z¹", "A¹", "Z²", "A²"],
        ["ℓ", "L"],
        ["∂L/∂A²", "∂L/∂Z²", "∂L/∂W²", "∂L/∂b²", "∂L/∂A¹", "∂L/∂Z¹", "∂L/∂W¹", "∂L/∂b¹"],
        ["W¹′", "b¹′", "W²′", "b²′"],
    ]
    text = found.to_text()
    for line in (
        "Z¹ = X W¹ + b¹",
        "A¹ = σ(Z¹)",
        "Z¹ᵢⱼ = Σₖ Xᵢₖ W¹ₖⱼ + b¹ⱼ    i = 1…4, j = 1…3, k = 1…2",
        "∂L/∂Z² = ∂L/∂A² ⊙ A² ⊙ (1 − A²)",
        "∂L/∂W² = A¹ᵀ ∂L/∂Z²",
        "∂L/∂A¹ = ∂L/∂Z² W²ᵀ",
        "∂L/∂b¹ⱼ = Σᵢ ∂L/∂Z¹ᵢⱼ",
        "W¹′ ← W¹ − η ∂L/∂W¹",
    ):
        assert line in text


def test_a_cell_expands_to_arithmetic_for_a_pocket_calculator() -> None:
    found = traced(single_layer, 0)
    assert found.arithmetic("W1'", 0, 0) == "W¹′₁₁ ← W¹₁₁ − η ∂L/∂W¹₁₁ = 0.4170 − 1 × (−0.1397) = 0.5568"
    assert found.arithmetic("X", 1, 2) == "X₂₃ = 1"
    assert found.arithmetic("Z1", 3, 0, digits=6).endswith("= 0 × 0.417022 + 1 × 0.720324 + 1 × 0.000114375 = 0.720439")
    with pytest.raises(OptionError, match=r"Z¹ has shape \(4, 1\)"):
        found.arithmetic("Z1", 4, 0)


HARD = {
    "adam, dropout, batch normalization, penalty, clipping, average": (
        [Dense(4), BatchNorm(), "gelu", Dropout(0.3), Dense(3), LayerNorm(), Dense(2)],
        {
            "optimizer": Adam(learning_rate=0.05),
            "penalty": Penalty(l1=0.01, l2=0.1),
            "gradient_clip": 0.5,
            "average": 0.9,
            "schedules": {"learning_rate": Cosine(), "dropout_rate": Cosine()},
            "epochs": 6,
            "batch_size": 4,
        },
    ),
    "adamw, residual, shared numbers": (
        [Residual([Dense(3), "tanh", Dropout(0.2)]), Scale(), "relu", "relu", Dense(2)],
        {"optimizer": AdamW(learning_rate=0.05, weight_decay=0.5), "batch_size": 3},
    ),
    "momentum, given order and weights": (
        [Dense(5), "silu", Dense(2)],
        {
            "optimizer": SGD(learning_rate=0.05, momentum=0.8, nesterov=True),
            "batch_size": 4,
            "order": list(range(9, -1, -1)),
            "sample_weight": np.linspace(0, 1, 10),
        },
    ),
    "line search": ([Dense(5), "tanh", Dense(2)], {"optimizer": LBFGS()}),
}


@pytest.mark.parametrize("name", HARD)
def test_a_traced_step_is_the_step_that_training_takes(name: str) -> None:
    layers, how = HARD[name]
    steps = [0, 1, 7]
    network = Network(layers, n_inputs=3, rng=5)
    network.views(network.learning_rate_factor)["0.weight" if "0.weight" in network.named_parameters else "0.0.weight"][
        0
    ] = 0.5
    before = network.parameters.copy(), network.buffers.copy(), network.gradients.copy()
    found = trace(network, X, Y, loss=SquaredError(), steps=steps, rng=3, **how)
    for old, new in zip(before, (network.parameters, network.buffers, network.gradients), strict=True):
        np.testing.assert_array_equal(old, new)

    check_trace(found, drawn="K" if "search" not in name else "ad")
    weights: list[Any] = []

    class Notes(Callback):
        def after_step(self, run: Any) -> None:
            weights.append((run.network.parameters.copy(), run.network.buffers.copy()))

    student = network.copy()
    train(student, X, Y, loss=SquaredError(), rng=3, engine="numpy", callbacks=[Notes()], **{"epochs": 8, **how})
    for step in found:
        made = step.recording
        np.testing.assert_array_equal(made.after.parameters, weights[step.number][0])
        np.testing.assert_array_equal(made.after.buffers, weights[step.number][1])
        if step.number:
            np.testing.assert_array_equal(made.before.parameters, weights[step.number - 1][0])
        shown = {entry.name: entry.value for entry in step.entries if entry.replaces in step.sections[0].entries}
        for parameter in network.named_parameters:
            np.testing.assert_array_equal(
                shown[parameter], network.views(made.after.parameters)[parameter], err_msg=parameter
            )


def test_a_chosen_row_is_traced_as_a_batch_of_its_own() -> None:
    network = Network([Dense(4), "tanh", Dense(2)], n_inputs=3)
    found = trace(network, X, Y, loss="squared_error", steps=[0, 2], batch=7)
    whole = trace(network, X, Y, loss="squared_error", steps=[2])
    assert found["X"].value.tolist() == [X[7].tolist()]
    np.testing.assert_array_equal(found.step(2)["W1"].value, whole["W1"].value)  # training itself is not changed
    assert "1 (row 7)" in found.to_text()
    np.testing.assert_allclose(found.step(2)["Z1"].value[0], whole["Z1"].value[7], rtol=0, atol=rounding(3))
    check_trace(found)


def test_batches_of_training_show_which_rows_they_hold() -> None:
    network = Network([Dense(2)], n_inputs=3)
    order = [8, 1, 3, 0, 2, 9, 4, 5, 6, 7]
    found = trace(network, X, Y, loss="squared_error", steps=[3], order=order, batch_size=4)
    (step,) = found
    assert (step.epoch, step.batch, step.rows.tolist()) == (1, 0, [8, 1, 3, 0])
    np.testing.assert_array_equal(step["X"].value, X[[8, 1, 3, 0]])


def test_a_wrong_backward_is_seen_beside_its_differences() -> None:
    class Halved(Dense):
        def backward(self, dz: Any, x: Any, *, input_gradient: bool = True) -> Any:
            dx = super().backward(dz, x, input_gradient=input_gradient)
            self.gradients["weight"] /= 2
            return dx

    found = trace(Network([Dense(4), "tanh", Halved(2)], n_inputs=3), X, Y, loss="squared_error")
    text = found.to_text()
    assert text.count("DISAGREE") == 1
    assert text.index("∂L/∂W²  4 × 2") < text.index("DISAGREE") < text.index("∂L/∂b²  2")


def test_at_a_kink_any_slope_between_both_sides_is_right() -> None:
    network = Network([Dense(3), "relu", Dense(1)], n_inputs=2)  # with biases of 0, the row of zeros meets ReLU at 0
    found = trace(network, xor.X, 1 - xor.y, loss="squared_error")
    text = found.to_text()
    block = text[text.index("\n∂L/∂Z¹") : text.index("\n∂L/∂W¹")]
    assert "numbers stand at a kink, where the slope jumps" in block
    assert "DISAGREE" not in text


def test_a_wrong_slope_inside_a_layer_is_seen_beside_its_differences() -> None:
    class Forgetful(LayerNorm):
        def explain(self, call: Any) -> Any:
            forward, back = super().explain(call)
            for entry in call.slopes:
                entry.value = entry.value * 2
            return forward, back

    found = trace(Network([Dense(4), Forgetful(), Dense(2)], n_inputs=3), X, Y, loss="squared_error")
    text = found.to_text()
    assert text.count("DISAGREE") == 1
    assert text.index("\n∂L/∂X̂") < text.index("DISAGREE") < text.index("\n∂L/∂Z¹")


def test_a_slope_without_differences_says_why() -> None:
    class OfNothing(Scale):
        def explain(self, call: Any) -> Any:
            forward, back = super().explain(call)
            i, j = call.rows(), call.columns()
            made = call.slope(call.y, (i, j), call.dy[i, j] + 0)
            made.symbol = call.x.symbol.slope("L", through="nothing")
            call.slopes.clear()
            return forward, [*back, made]

    network = Network([Dense(4), OfNothing(), Dense(2)], n_inputs=3)
    text = trace(network, X, Y, loss="squared_error", gradient_clip=0.1).to_text()
    assert text.count("no finite differences: the layer does not say of which of its values this is the slope") == 1
    assert text.count("no finite differences: this is the slope above times one factor for all") == 5


def test_at_a_kink_the_column_shows_both_slopes_in_every_form() -> None:
    network = Network([Dense(1, weight_initializer=[[1.0]]), "relu"], n_inputs=1)
    found = trace(network, [[0.0]], [1.0], loss=SquaredError())  # L = (relu(z) - 1)² at z = 0
    (kinks,) = [
        entry["kinks"]
        for section in found.to_json()["steps"][0]["sections"]
        for entry in section["entries"]
        if entry["symbol"] == "∂L/∂Z¹"
    ]
    ((cell, left, right),) = kinks
    assert cell == [0, 0]
    assert (left, right) == pytest.approx((0.0, -2.0), abs=1e-4)
    assert "0 … −2.000" in found.to_text()
    assert "0 … −2.000" in found.to_html()
    assert r"0 \dots -2.000" in found.to_markdown()


def test_rows_that_act_on_each_other_are_differenced_together() -> None:
    for layer in (BatchNorm(), LayerNorm(), Dropout(0.3)):
        found = trace(Network([Dense(4), "tanh", layer, Dense(2)], n_inputs=3, rng=1), X, Y, loss="squared_error")
        assert check_differences(found) == found_cells(found)


def found_cells(found: Trace) -> int:
    return sum(entry.value.size for entry in found.steps[0].entries if entry.symbol.text.startswith("∂"))


def test_of_many_rows_as_many_differences_are_taken_as_are_bearable_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "WORK", 100_000)
    network = Network([Dense(20), "tanh", BatchNorm(), Dense(2)], n_inputs=3, rng=1)
    found = trace(network, X, Y, loss="squared_error")
    block = found.to_text()[found.to_text().index("\n∂L/∂N¹") :].partition("\n∂L/∂γ¹")[0]
    assert "taken for 1 of the 36 numbers, as each sends 10 rows twice through the network" in block
    assert sum("–" in line for line in block.splitlines()) == 6
    assert "taken for" not in found.to_text(differences=True)


def test_float32_is_traced_in_float32_and_checked_in_float64() -> None:
    table = Columns({"numbers": (0, 2, Scale()), "color": (2, 3, Embedding(4, 2))})
    network = Network([table, Dense(4), "relu", Dense(3)], n_inputs=3, dtype="float32")
    rows = np.column_stack([X[:, :2], np.arange(10) % 4])
    found = trace(network, rows, np.arange(10) % 3, loss="cross_entropy", optimizer=AdamW(), steps=[0, 2])
    assert {entry.value.dtype for entry in found.step(2).entries if entry.shape} <= {np.dtype("f4"), np.dtype("i8")}
    check_trace(found, dtype=np.float32)


def test_a_layer_of_ones_own_is_shown_without_formulas() -> None:
    class Doubled(Scale):
        def explain(self, call: Any) -> Any:
            return Layer.explain(self, call)

    found = trace(Network([Dense(4), Doubled(), Dense(2)], n_inputs=3), X, Y, loss="squared_error")
    assert found["S1"].formula is None
    assert found["dL/df1"].formula is None
    assert "S¹  10 × 4" in found.to_text()


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a step below 0": ({"steps": -1}, OptionError, "steps got -1"),
    "no steps": ({"steps": []}, OptionError, r"steps got \[\]"),
    "a step beyond training": ({"steps": 9, "epochs": 2}, OptionError, "step 9 .* steps 0 to 1"),
    "a row that is not there": ({"batch": 10}, OptionError, "row 10; X has the rows 0 to 9"),
    "a row that is none": ({"batch": "first"}, OptionError, "batch got 'first'"),
    "schedules without epochs": ({"schedules": {"learning_rate": "cosine"}}, OptionError, "pass epochs"),
    "a row for a line search": ({"optimizer": "lbfgs", "steps": 1, "batch": 0}, OptionError, "LBFGS"),
    "an unknown loss": ({"loss": "squared_eror"}, OptionError, "did you mean 'squared_error'"),
    "too few columns": ({"X": X[:, :2]}, ShapeError, r"\(10, 2\)"),
    "too few targets": ({"y": Y[:9]}, ShapeError, "10 rows and y has 9"),
    "NaN": ({"X": np.where(X[4, 1] == X, np.nan, X)}, DataError, "nan in row 4, column 1"),
    "NaN in the target": ({"y": np.where(Y[2, 0] == Y, np.nan, Y)}, TargetError, "row 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    how, error, words = BAD[case]
    given = {"X": X, "y": Y, "loss": "squared_error", **how}
    with pytest.raises(error, match=words):
        trace(Network([Dense(2)], n_inputs=3), given.pop("X"), given.pop("y"), **given)


def test_what_is_not_there_is_named_with_its_near_miss() -> None:
    found = traced(xor, [0, 3])
    with pytest.raises(OptionError, match=r"no quantity 'dL/dW3'.*did you mean 'dL/dW[12]'"):
        found["dL/dW3"]
    with pytest.raises(OptionError, match="step 1 was not traced; there are '0', '3'"):
        found.step(1)
    assert found["2.weight"] is found["W2"]
    assert repr(found) == "Trace of steps 0, 3: 48 quantities; trace.show()"
