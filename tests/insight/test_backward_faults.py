"""Each known fault of a backward pass is named, on networks of all kinds, in both precisions."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from pellucid.activations import Softmax
from pellucid.insight import compare_backward
from pellucid.layers import Dense
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from pellucid.network import Network
from tests.insight.plain_backward import plain_backward


@dataclasses.dataclass(frozen=True)
class Case:
    """A network with layers of ``sizes`` and activations ``kinds``, a loss by the plain pass's name, and a batch."""

    sizes: tuple[int, ...]
    kinds: tuple[str, ...]
    loss: str
    n_rows: int = 6

    def network(self, dtype: str = "float64") -> Network:
        layers: list[Any] = []
        for size, kind in zip(self.sizes[1:], self.kinds, strict=True):
            layers += [Dense(size)] if kind == "linear" else [Dense(size), Softmax() if kind == "softmax" else kind]
        network = Network(layers, n_inputs=self.sizes[0], dtype=dtype)
        network.parameters[...] = np.random.default_rng(5).normal(size=network.parameters.size) * 0.8
        return network

    def batch(self, dtype: str = "float64") -> tuple[Any, Any]:
        draw = np.random.default_rng(6)
        X, k = draw.normal(size=(self.n_rows, self.sizes[0])), self.sizes[-1]
        Y = draw.normal(size=(self.n_rows, k))
        if self.loss == "bce" or (self.loss == "half_sum" and k == 1):
            Y = (Y > 0).astype(float)
        if self.loss == "ce" or self.kinds[-1] == "softmax":
            Y = np.eye(k)[np.arange(self.n_rows) % k]
        return X.astype(dtype), Y.astype(dtype)

    @property
    def objective(self) -> Any:
        return {
            "half_sum": SquaredError(reduction="half_sum"),
            "mean": SquaredError(),
            "bce": BinaryCrossEntropy(),
            "ce": CrossEntropy(),
        }[self.loss]

    def mine(self, wrong: str = "", lr: float = 0.1, also: Any = None) -> Any:
        """Return a learner's function with this mistake; ``also`` changes its result."""

        def backward(network: Network, X: Any, y: Any) -> Any:
            views = network.named_parameters
            names = [name for name in views if name.endswith("weight")]
            weights = [views[name] for name in names]
            biases = [views[name.replace("weight", "bias")] for name in names]
            dW, db = plain_backward(weights, biases, list(self.kinds), X, y, self.loss, wrong, lr)
            found = dict(zip(names, dW, strict=True))
            found.update({name.replace("weight", "bias"): b for name, b in zip(names, db, strict=True)})
            return also(found) if also else found

        return backward


CASES = {
    "2-3-1 sigmoid": Case((2, 3, 1), ("sigmoid", "sigmoid"), "half_sum", 4),
    "4-5-3 softmax": Case((4, 5, 3), ("sigmoid", "linear"), "ce", 7),
    "4-5-3 softmax layer": Case((4, 5, 3), ("tanh", "softmax"), "half_sum", 7),
    "3-4-2 relu": Case((3, 4, 2), ("relu", "linear"), "mean", 5),
    "3-4-1 tanh": Case((3, 4, 1), ("tanh", "linear"), "bce", 5),
    "5-4-4-4-3 deep": Case((5, 4, 4, 4, 3), ("tanh", "sigmoid", "tanh", "linear"), "ce", 8),
    "3-3-3-3 square": Case((3, 3, 3, 3), ("sigmoid", "tanh", "sigmoid"), "mean", 7),
}

# mistake of the plain pass -> name of the fault, and the cases on which it makes a difference of its own
EVERYWHERE = tuple(CASES)
SMOOTH = tuple(name for name in CASES if name != "3-4-2 relu")
MISTAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ascent": ("ascent", EVERYWHERE),
    "sum_for_mean": ("sum_for_mean", tuple(n for n in CASES if CASES[n].loss != "half_sum")),
    "mean_for_sum": ("mean_for_sum", EVERYWHERE),
    "factor_two_missing": ("factor_two_missing", ("3-4-1 tanh", "3-3-3-3 square")),
    "half_sum_for_mean": ("half_sum_for_mean", ("3-3-3-3 square",)),
    "softmax_elementwise": ("softmax_elementwise", ("4-5-3 softmax", "4-5-3 softmax layer", "5-4-4-4-3 deep")),
    "p - y times p (1 - p)": ("softmax_elementwise", ("4-5-3 softmax", "5-4-4-4-3 deep")),
    "cross_entropy_sign": ("cross_entropy_sign", ("3-4-1 tanh", "4-5-3 softmax")),
    "cross_entropy_term_missing": ("cross_entropy_term_missing", ("3-4-1 tanh",)),
    "link_derivative_missing": ("link_derivative_missing", ("3-4-1 tanh", "4-5-3 softmax")),
    "link_forgotten": ("link_forgotten", ("3-4-1 tanh", "4-5-3 softmax")),
    "one_error_for_all_rows": ("one_error_for_all_rows", EVERYWHERE),
    "one_row_counts": ("one_row_counts", EVERYWHERE),
    "derivative_given_z": ("derivative_given_z", SMOOTH),
    "derivative_given_a": ("derivative_given_a", SMOOTH),
    "derivative_missing": ("derivative_missing", tuple(n for n in CASES if n != "4-5-3 softmax layer")),
    "hidden derivative missing": ("derivative_missing", EVERYWHERE),
    "derivative_twice": ("derivative_twice", SMOOTH),
    "value_for_derivative": ("value_for_derivative", EVERYWHERE),
    "derivative_given_error": ("derivative_given_error", EVERYWHERE),
    "derivative at the previous activation": ("layer_index_off_by_one", ("5-4-4-4-3 deep", "3-3-3-3 square")),
    "sigmoid's derivative": ("derivative_of_another_activation", ("3-4-1 tanh", "3-4-2 relu")),
    "weight gradient before the derivative": ("derivative_missing", EVERYWHERE),
    "error handed back before the derivative": ("derivative_missing", ("2-3-1 sigmoid", "3-3-3-3 square")),
    "input before its activation": ("layer_index_off_by_one", EVERYWHERE),
    "transposed_gradient": ("transposed_gradient", EVERYWHERE),
    "bias_not_summed": ("bias_not_summed", EVERYWHERE),
    "bias_summed_over_wrong_axis": ("bias_summed_over_wrong_axis", EVERYWHERE),
    "bias_summed_over_all": ("bias_summed_over_all", EVERYWHERE),
    "keepdims_missing": ("keepdims_missing", tuple(n for n in CASES if CASES[n].sizes[-1] > 1)),
    "weight_rows_scale": ("weight_rows_scale", EVERYWHERE),
    "bias_rows_scale": ("bias_rows_scale", EVERYWHERE),
    "left_at_zero": ("left_at_zero", EVERYWHERE),
    "hidden_error_without_weights": ("hidden_error_without_weights", EVERYWHERE),
    "weights_not_transposed": ("weights_not_transposed", ("3-3-3-3 square", "5-4-4-4-3 deep")),
    "weights_updated_before_use": ("weights_updated_before_use", EVERYWHERE),
    "rows_scaled_again": ("rows_scaled_again", EVERYWHERE),
    "sign_turned_here": ("sign_turned_here", EVERYWHERE),
}


def compared(case: Case, wrong: str, dtype: str, **how: Any) -> Any:
    X, y = case.batch(dtype)
    return compare_backward(case.mine(wrong), case.network(dtype), X, y, loss=case.objective, **how)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("wrong", "name"), [(wrong, name) for wrong in MISTAKES for name in MISTAKES[wrong][1]])
def test_each_fault_is_named_as_the_simplest_explanation(wrong: str, name: str, dtype: str) -> None:
    report = compared(CASES[name], wrong, dtype)
    assert report.verdict == "known fault", str(report)
    assert [finding.name for finding in report.faults] == [MISTAKES[wrong][0]], str(report)
    assert not report
    eps = float(np.finfo(dtype).eps)
    for cell in report.evidence:
        assert cell.predicted == pytest.approx(cell.yours, rel=100 * eps, abs=100 * eps)
    assert report.first in {check.name for check in report.checks if not check.right}
    assert "mend:" in str(report)
    assert "{" not in report.faults[0].title + report.faults[0].mend
    json.loads(report.to_json())
    assert report.faults[0].name in report.to_json()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_a_right_pass_is_told_right_with_the_figures(name: str, dtype: str) -> None:
    report = compared(CASES[name], "", dtype)
    assert report.verdict == "right", str(report)
    assert report
    assert not report.faults
    assert report.first == ""
    assert len(report.checks) == 2 * len(CASES[name].kinds)
    assert all(check.right and check.error <= check.tolerance for check in report.checks)
    assert report.unseen == (), report.unseen
