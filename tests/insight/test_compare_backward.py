"""The checker with learners' own backward passes: public mistakes, tutorials, two faults at once, the unknown."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid
from pellucid.errors import DataError, OptionError, ShapeError, TargetError
from pellucid.insight import BackwardReport, compare_backward
from pellucid.insight.checker import faults
from pellucid.insight.checker.moves import moves
from pellucid.insight.checker.search import right_pass
from pellucid.insight.checker.tape import Tape
from pellucid.layers import BatchNorm, Chain, Columns, Dense, Dropout, Embedding, LayerNorm, Residual, Scale
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from pellucid.network import Network
from tests.insight import learners
from tests.insight.test_backward_faults import CASES, Case
from tests.tolerances import rounding

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([[0], [1], [1], [0]])
HALF_SUM = SquaredError(reduction="half_sum")


def drawn(network: Network, seed: int = 1) -> Network:
    network.parameters[...] = np.random.default_rng(seed).normal(size=network.parameters.size)
    return network


def xor(first: str = "sigmoid", *, link: bool = False, dtype: str = "float64") -> Network:
    layers: list[Any] = [Dense(3), first, Dense(1), *([] if link else ["sigmoid"])]
    return drawn(Network(layers, n_inputs=2, dtype=dtype))


def rows(n_rows: int, n_columns: int, seed: int = 3) -> Any:
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


PUBLIC: list[tuple[Any, Network, Any, Any, dict[str, Any], str]] = [
    (learners.prime_of_the_weighted_sum, xor(), X, Y, {"loss": HALF_SUM}, "derivative_given_z"),
    (learners.output_derivative_left_out, xor(), X, Y, {"loss": HALF_SUM}, "derivative_missing"),
    (learners.sigmoid_on_top_of_sigmoid, xor(), X, Y, {"loss": HALF_SUM}, "derivative_given_a"),
    (
        learners.delta_passed_back_too_early,
        xor(),
        X,
        Y,
        {"loss": HALF_SUM, "returns": "update", "learning_rate": 0.1},
        "derivative_missing",
    ),
    (
        learners.new_weights_for_old_errors,
        xor(),
        X,
        Y,
        {"loss": HALF_SUM, "returns": "update", "learning_rate": 0.5},
        "weights_updated_before_use",
    ),
    (
        learners.divided_at_every_layer,
        xor("tanh", link=True),
        X,
        Y,
        {"loss": "binary_cross_entropy"},
        "rows_scaled_again",
    ),
    (
        learners.mask_of_the_wrong_layer,
        drawn(Network([Dense(4), "relu", Dense(4), "relu", Dense(2)], n_inputs=3)),
        rows(9, 3),
        rows(9, 2, 4),
        {"loss": "squared_error"},
        "layer_index_off_by_one",
    ),
    (
        learners.softmax_like_sigmoid,
        drawn(Network([Dense(5), "tanh", Dense(3)], n_inputs=4)),
        rows(7, 4),
        np.eye(3)[np.arange(7) % 3],
        {"loss": "cross_entropy"},
        "softmax_elementwise",
    ),
    (
        learners.adds_what_it_should_subtract,
        xor(),
        X,
        Y,
        {"loss": HALF_SUM, "returns": "update", "learning_rate": 0.1},
        "ascent",
    ),
    (
        learners.bias_without_an_axis,
        xor("relu", link=True),
        rows(6, 2),
        np.arange(6)[:, None] % 2,
        {"loss": BinaryCrossEntropy()},
        "bias_summed_over_all",
    ),
]


@pytest.mark.parametrize(
    ("mine", "network", "x", "y", "how", "fault"), PUBLIC, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_public_mistake_is_named(mine: Any, network: Network, x: Any, y: Any, how: Any, fault: str) -> None:
    before = network.parameters.copy()
    report = compare_backward(mine, network, x, y, **how)
    assert report.verdict == "known fault", str(report)
    assert [finding.name for finding in report.faults] == [fault], str(report)
    assert not report.others, str(report)
    assert report.first
    np.testing.assert_array_equal(network.parameters, before)


def test_the_mend_is_in_the_learners_terms_and_the_place_is_where_the_mistake_is() -> None:
    report = compare_backward(learners.mask_of_the_wrong_layer, *PUBLIC[6][1:4], loss="squared_error")
    (finding,) = report.faults
    assert finding.places == ("layer 3 (ReLU())",)
    assert finding.mend == "dz2 = da2 * (z2 > 0)"
    assert report.first == "2.weight"
    assert [check.right for check in report.checks] == [True, True, False, False, False, False]
    report = compare_backward(learners.prime_of_the_weighted_sum, *PUBLIC[0][1:4], loss=HALF_SUM)
    assert report.faults[0].mend == (
        "dz2 = da2 * a2 * (1 - a2)   # a2 = sigmoid(z2); dz1 = da1 * a1 * (1 - a1)   # a1 = sigmoid(z1)"
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(5))
def test_both_tutorials_own_backward_passes_are_told_right(seed: int, dtype: str) -> None:
    x = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
    single = drawn(Network([Dense(1, bias=False), "sigmoid"], n_inputs=3, dtype=dtype), seed)
    report = compare_backward(
        learners.first_tutorial, single, x, Y[[0, 1, 2, 3]], loss=HALF_SUM, returns="update", learning_rate=1.0
    )
    assert report, str(report)
    double = drawn(xor(dtype=dtype), seed)
    before = double.parameters.copy()
    report = compare_backward(
        learners.second_tutorial, double, X, Y, loss=HALF_SUM, returns="update", learning_rate=0.1
    )
    assert report, str(report)
    assert "the change is what is compared" in str(report)
    np.testing.assert_array_equal(double.parameters, before)


def test_the_tutorials_rule_is_not_the_mean_squared_error() -> None:
    report = compare_backward(
        learners.second_tutorial, xor(), X, Y, loss="squared_error", returns="update", learning_rate=0.1
    )
    assert report.faults[0].name == "half_sum_for_mean"
    assert "reduction='half_sum'" in report.faults[0].mend


@pytest.mark.parametrize("name", ["2-3-1 sigmoid", "3-3-3-3 square"])
def test_the_learning_rate_applied_twice_is_named(name: str) -> None:
    case, lr = CASES[name], 0.05
    x, y = case.batch()
    right = case.mine()(case.network(), x, y)
    twice = {key: -lr * lr * value for key, value in right.items()}
    report = compare_backward(twice, case.network(), x, y, loss=case.objective, returns="update", learning_rate=lr)
    assert [finding.name for finding in report.faults] == ["learning_rate_twice"]
    without = {key: -value for key, value in right.items()}
    report = compare_backward(without, case.network(), x, y, loss=case.objective, returns="update", learning_rate=lr)
    assert [finding.name for finding in report.faults] == ["learning_rate_missing"]
    scaled = {key: lr * value for key, value in right.items()}
    report = compare_backward(scaled, case.network(), x, y, loss=case.objective, learning_rate=lr)
    assert [finding.name for finding in report.faults] == ["learning_rate_twice"]


def test_weights_updated_too_early_are_found_without_a_learning_rate_and_the_rate_is_told() -> None:
    case = CASES["5-4-4-4-3 deep"]
    report = compare_backward(
        case.mine("weights_updated_before_use", lr=0.25), case.network(), *case.batch(), loss=case.objective
    )
    assert report.faults[0].name == "weights_updated_before_use"
    assert "learning rate 0.25" in report.faults[0].title
    assert len(report.faults[0].places) == 3


def transposed(found: Any) -> Any:
    return {name: value.T for name, value in found.items()}


def halved(found: Any) -> Any:
    return {name: value / 2 for name, value in found.items()}


@pytest.mark.parametrize("name", ["3-4-1 tanh", "5-4-4-4-3 deep", "4-5-3 softmax layer", "3-3-3-3 square"])
@pytest.mark.parametrize("wrong", ["derivative_given_z", "input before its activation", "ascent", "bias_rows_scale"])
@pytest.mark.parametrize(("also", "other"), [(transposed, "transposed_gradient"), (halved, "factor_two_missing")])
def test_two_faults_at_once_are_both_named(name: str, wrong: str, also: Any, other: str) -> None:
    case = CASES[name]
    report = compare_backward(case.mine(wrong, also=also), case.network(), *case.batch(), loss=case.objective)
    expected = {"input before its activation": "layer_index_off_by_one"}.get(wrong, wrong)
    assert {finding.name for finding in report.faults} == {expected, other}, str(report)


def test_one_row_cannot_tell_sum_from_mean_and_the_suggested_batch_can() -> None:
    case = Case((3, 4, 2), ("tanh", "linear"), "ce", n_rows=1)
    x, y = case.batch()
    report = compare_backward(case.mine(), case.network(), x, y, loss=case.objective)
    assert report
    assert {"sum_for_mean", "mean_for_sum", "one_row_counts", "rows_scaled_again"} <= set(report.unseen)
    assert "A batch of 5 rows" in report.suggestion


def test_explanations_with_the_same_numbers_are_all_told_with_a_batch_that_tells_them_apart() -> None:
    case = CASES["2-3-1 sigmoid"]  # four rows, one output: half the sum is twice the mean square
    network, (x, y) = case.network(), case.batch()
    report = compare_backward(case.mine(), network, x, y, loss="squared_error")
    assert report.faults[0].name == "half_sum_for_mean"
    assert [[finding.name for finding in other] for other in report.others] == [["factor_two_too_many"]]
    code = report.suggestion.partition("rows: ")[2]
    scope: dict[str, Any] = {"np": np, "network": network, "y": y}
    exec(code, scope)
    report = compare_backward(case.mine(), network, scope["X"], scope["y"], loss="squared_error")
    assert [finding.name for finding in report.faults] == ["half_sum_for_mean"]
    assert not report.others


def test_symmetric_weights_hide_a_missing_transpose_and_other_weights_show_it() -> None:
    case = CASES["3-3-3-3 square"]
    network, (x, y) = case.network(), case.batch()
    for name in ("2.weight", "4.weight"):
        network.named_parameters[name][...] += network.named_parameters[name].T.copy()
    report = compare_backward(case.mine("weights_not_transposed"), network, x, y, loss=case.objective)
    assert report
    assert report.unseen == ("weights_not_transposed",)
    assert "network.parameters[...] = " in report.suggestion
    scope: dict[str, Any] = {"np": np, "network": network, "y": y}
    exec(report.suggestion.partition("rows: ")[2], scope)
    report = compare_backward(case.mine("weights_not_transposed"), network, scope["X"], scope["y"], loss=case.objective)
    assert report.faults[0].name == "weights_not_transposed"


def test_an_unknown_fault_is_told_as_unknown_with_where_it_first_shows() -> None:
    case = CASES["5-4-4-4-3 deep"]

    def strange(found: Any) -> Any:
        return {**found, "2.weight": found["2.weight"] + 0.01, "0.bias": np.sin(found["0.bias"]) + 1}

    report = compare_backward(case.mine(also=strange), case.network(), *case.batch(), loss=case.objective)
    assert report.verdict == "unknown fault"
    assert report.first == "2.weight"
    assert report.faults == ()
    assert [check.name for check in report.checks if not check.right] == ["2.weight", "0.bias"]
    assert "It first shows in 2.weight" in str(report)
    assert len(report.evidence) == 3
    assert all(cell.predicted is None for cell in report.evidence)


def test_what_explains_one_gradient_alone_is_said_beside_it() -> None:
    case = CASES["4-5-3 softmax"]

    def strange(found: Any) -> Any:
        return {**found, "2.bias": found["2.bias"] ** 2 + 1, "0.weight": -found["0.weight"]}

    report = compare_backward(case.mine(also=strange), case.network(), *case.batch(), loss=case.objective)
    assert report.verdict == "unknown fault"
    assert {check.name: check.alone for check in report.checks if check.alone} == {"0.weight": "ascent"}


def test_a_factor_that_no_fault_explains_is_told() -> None:
    case = CASES["4-5-3 softmax"]
    report = compare_backward(
        case.mine(also=lambda found: {name: 1.7 * value for name, value in found.items()}),
        case.network(),
        *case.batch(),
        loss=case.objective,
    )
    assert report.verdict == "unknown fault"
    assert "1.7 times the right one" in str(report)


def test_an_epsilon_in_the_logarithm_is_nearly_right_and_does_not_hide_a_fault() -> None:
    case = CASES["3-4-1 tanh"]

    def blurred(found: Any) -> Any:
        return {
            name: value * (1 + 1e-8 * np.cos(np.arange(value.size))).reshape(value.shape)
            for name, value in found.items()
        }

    report = compare_backward(case.mine(also=blurred), case.network(), *case.batch(), loss=case.objective)
    assert report.verdict == "nearly right"
    assert not report
    assert "epsilon" in str(report)
    wrong = case.mine("derivative_given_z", also=blurred)
    report = compare_backward(wrong, case.network(), *case.batch(), loss=case.objective)
    assert [finding.name for finding in report.faults] == ["derivative_given_z"]
    assert "More than rounding is left" in str(report)


def test_either_slope_at_the_corner_of_relu_is_right() -> None:
    network = Network([Dense(3), "relu", Dense(1)], n_inputs=2, rng=1)  # biases of 0: row (0, 0) meets the corner

    def mine(network: Network, x: Any, y: Any) -> Any:
        w1, b1, w2, b2 = network.named_parameters.values()
        z = x @ w1 + b1
        d = np.maximum(z, 0) @ w2 + b2 - y
        dz = d @ w2.T * (z >= 0)
        return {"0.weight": x.T @ dz, "0.bias": dz.sum(0), "2.weight": np.maximum(z, 0).T @ d, "2.bias": d.sum(0)}

    report = compare_backward(mine, network, X, Y + 1, loss=HALF_SUM)
    assert report
    assert "both are right" in str(report)


def test_saturated_float32_gradients_are_told_unclear_not_right() -> None:
    layer = Dense(1, weight_initializer=[[25.0]], bias_initializer=[0.0])
    network = Network([layer, "sigmoid"], n_inputs=1, dtype="float32")
    zeros = {name: np.zeros_like(view) for name, view in network.named_parameters.items()}  # 1 - a is 0 in float32
    report = compare_backward(zeros, network, [[1.0]], [[0.0]], loss=HALF_SUM)
    assert report.verdict == "unclear"
    assert "too few digits" in str(report)


CODES = np.column_stack([rows(6, 2), np.arange(6) % 3])
OTHER_LAYERS = [
    (Network([Dense(4), LayerNorm(), "gelu", Dropout(0.3), Dense(2)], n_inputs=2), rows(6, 2), rows(6, 2, 4), HALF_SUM),
    (
        Network([BatchNorm(), Dense(3), Residual([Dense(3), "mish"]), Dense(1)], n_inputs=2),
        rows(6, 2),
        rows(6, 1),
        HALF_SUM,
    ),
    (
        Network([Chain([Scale(), Chain([Dense(3), "elu"])]), Dense(2)], n_inputs=2),
        rows(6, 2),
        np.arange(6) % 2,
        CrossEntropy(),
    ),
    (
        Network([Columns({"n": (0, 2, Scale()), "c": (2, 3, Embedding(3, 2))}), Dense(1)], n_inputs=3),
        CODES,
        np.arange(6.0),
        Poisson(),
    ),
    (
        Network([Dense(3, parametrization="ntk"), "selu", Dense(2, bias=False)], n_inputs=2),
        rows(6, 2),
        rows(6, 2),
        SquaredError(),
    ),
]


@pytest.mark.parametrize(("network", "x", "y", "loss"), OTHER_LAYERS)
def test_every_layer_can_be_checked(network: Network, x: Any, y: Any, loss: Any) -> None:
    def mine(network: Network, x: Any, y: Any) -> Any:
        network.loss_and_gradient(x, y, loss)
        return dict(network.named_gradients)

    assert compare_backward(mine, network, x, y, loss=loss)
    name = next(iter(network.named_parameters))
    gradients = {key: value.copy() for key, value in mine(network, x, y).items()}
    report = compare_backward({**gradients, name: 0 * gradients[name]}, network, x, y, loss=loss)
    assert [finding.name for finding in report.faults] == ["left_at_zero"], str(report)
    gradients[name] = gradients[name] + 0.5
    assert compare_backward(gradients, network, x, y, loss=loss).verdict == "unknown fault"


@pytest.mark.parametrize(("network", "x", "y", "loss"), OTHER_LAYERS)
def test_the_tapes_right_pass_is_the_networks_own(network: Network, x: Any, y: Any, loss: Any) -> None:
    value, _ = network.loss_and_gradient(x, y, loss)
    tape = Tape(network, np.asarray(x, float), loss.check_target(y, network.n_outputs), loss)
    assert tape.value == pytest.approx(value)
    found = right_pass(moves(tape, None)).predict(tape)
    assert found is not None
    assert set(found) == set(network.named_parameters)
    for name, gradient in network.named_gradients.items():
        np.testing.assert_allclose(
            found[name], gradient, rtol=0, atol=rounding(20, scale=float(np.abs(gradient).max()))
        )


NESTED = Network([Dense(3), Residual([Dense(4), "tanh", Dense(3)]), Dense(2)], n_inputs=2)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (lambda found, dz: {**found, "1.0.bias": found["1.0.bias"] * 5}, "bias_rows_scale"),
        (lambda found, dz: {**found, "1.0.weight": found["1.0.weight"] / 5}, "weight_rows_scale"),
        (lambda found, dz: {**found, "1.2.weight": found["1.2.weight"].T}, "transposed_gradient"),
        (lambda found, dz: {**found, "1.2.weight": -found["1.2.weight"]}, "sign_turned_here"),
        (lambda found, dz: {**found, "1.2.bias": dz}, "bias_not_summed"),
        (lambda found, dz: {**found, "1.2.bias": dz.sum(axis=1)}, "bias_summed_over_wrong_axis"),
    ],
)
def test_faults_of_the_layers_that_a_layer_holds_are_named(wrong: Any, fault: str) -> None:
    network, x, y, loss = drawn(NESTED), rows(5, 2), rows(5, 2, 4), SquaredError()
    network.loss_and_gradient(x, y, loss)
    found = {name: view.copy() for name, view in network.named_gradients.items()}
    outputs, _ = network.forward(x)
    dz = (outputs - y) * (2 / 10) @ network.named_parameters["2.weight"].T  # the shortcut's layers end in this sum
    report = compare_backward(wrong(found, dz), network, x, y, loss=loss)
    assert [finding.name for finding in report.faults] == [fault], str(report)


def test_a_forgotten_shortcut_is_named() -> None:
    network, x, y, loss = drawn(NESTED), rows(5, 2), rows(5, 2, 4), SquaredError()

    def mine(network: Network, x: Any, y: Any) -> Any:
        network.loss_and_gradient(x, y, loss)
        found = {name: view.copy() for name, view in network.named_gradients.items()}
        W = network.named_parameters
        dr = (network.forward(x)[0] - y) * (2 / len(x) / 2) @ W["2.weight"].T
        h = x @ W["0.weight"] + W["0.bias"]
        a = np.tanh(h @ W["1.0.weight"] + W["1.0.bias"])
        dh = (dr @ W["1.2.weight"].T * (1 - a**2)) @ W["1.0.weight"].T  # and nothing of dr itself
        return {**found, "0.weight": x.T @ dh, "0.bias": dh.sum(axis=0)}

    report = compare_backward(mine, network, x, y, loss=loss)
    assert [finding.name for finding in report.faults] == ["shortcut_forgotten"], str(report)


@pytest.mark.parametrize("name", CASES)
def test_every_fault_has_words_for_every_place_where_it_may_be(name: str) -> None:
    case = CASES[name]
    x, y = case.batch()
    tape = Tape(case.network(), x, case.objective.check_target(y, y.shape[1]), case.objective)
    for move in moves(tape, 0.1):
        for alternative in move.alternatives:
            if alternative.fault is not None:
                assert alternative.fault in faults.CATALOGUE
                for text in (alternative.fault.title, alternative.fault.mend):
                    assert "{" not in text.format_map(move.terms)
    assert len({fault.name for fault in faults.CATALOGUE}) == len(faults.CATALOGUE)


def test_the_report_is_shown_as_text_in_color_as_html_and_as_json() -> None:
    from rich.console import Console

    report = compare_backward(learners.prime_of_the_weighted_sum, *PUBLIC[0][1:4], loss=HALF_SUM)
    assert str(report) == repr(report)
    console = Console(width=200, file=io.StringIO(), force_terminal=True)
    console.print(report)
    shown = console.file.getvalue()
    assert "derivative is written in terms of the activation" in shown
    assert "\x1b[1;31mYour backward pass is wrong" in shown
    page = report._repr_html_()
    assert "<table>" in page
    assert page.count("<tr>") == page.count("</tr>") == 2 + len(report.checks) + len(report.evidence)
    document = json.loads(report.to_json())
    assert document["verdict"] == "known fault"
    assert document["faults"][0]["name"] == "derivative_given_z"
    assert document["checks"][0]["shape"] == [3, 1]
    assert isinstance(report, pellucid.BackwardReport) and BackwardReport is pellucid.BackwardReport


def with_value(name: str, value: Any) -> Any:
    found = learners.prime_of_the_weighted_sum(xor(), X, Y)
    return {**found, name: value}


@pytest.mark.parametrize(
    ("mine", "error", "words"),
    [
        ([1, 2], OptionError, "mine got a list; it expects a function of (network, X, y), or a mapping"),
        (lambda network, x, y: None, OptionError, "mine returned None"),
        (lambda network, x, y: [1], OptionError, "mine returned a list"),
        ({"W1": X}, OptionError, "'W1' is no parameter"),
        ({"0.weights": X}, OptionError, "did you mean '0.weight'"),
        ({"0.weight": X}, OptionError, "'0.bias', '2.bias', '2.weight' are missing"),
        (with_value("0.weight", "text"), DataError, "is a str; it expects an array of numbers of shape (2, 3)"),
        (with_value("0.weight", [[1], [1, 2]]), DataError, "is a list"),
        (with_value("0.weight", None), DataError, "is None"),
        (with_value("0.weight", np.full((2, 3), 1j)), DataError, "of complex128"),
        (with_value("0.weight", [[0, 1, np.nan], [0, 0, np.inf]]), DataError, "holds nan at [0, 2] (2 of 6"),
        (with_value("0.weight", np.zeros((5, 5))), ShapeError, "has shape (5, 5); it expects (2, 3)"),
        (with_value("2.weight", np.zeros(3)), ShapeError, "write .reshape(3, 1)"),
    ],
)
def test_what_is_no_set_of_gradients_is_refused_with_the_reason(mine: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        compare_backward(mine, xor(), X, Y, loss=HALF_SUM)
    assert words in str(caught.value)


def test_a_flat_y_that_broadcasts_is_named_as_the_cause_of_a_wrong_shape() -> None:
    with pytest.raises(ShapeError, match=r"y\.reshape\(-1, 1\)"):
        compare_backward(learners.first_tutorial, *flat_tutorial(), loss=HALF_SUM)


def flat_tutorial() -> tuple[Network, Any, Any]:
    return drawn(Network([Dense(1, bias=False), "sigmoid"], n_inputs=3)), rows(4, 3), Y.ravel()


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"returns": "updates"}, OptionError, "did you mean 'update'"),
        ({"returns": "update"}, OptionError, "needs learning_rate"),
        ({"returns": "update", "learning_rate": 0}, OptionError, "above 0"),
        ({"loss": "mse"}, OptionError, "compare_backward: loss"),
    ],
)
def test_options_that_do_not_fit_are_refused(how: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        compare_backward(learners.prime_of_the_weighted_sum, xor(), X, Y, **{"loss": HALF_SUM, **how})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        (X[:, :1], Y, ShapeError),
        (X, Y[:2], ShapeError),
        (X, Y * np.nan, TargetError),
        (X * np.nan, Y, DataError),
        (X[:0], Y[:0], DataError),
    ],
)
def test_rows_that_do_not_fit_are_refused(x: Any, y: Any, error: Any) -> None:
    with pytest.raises(error):
        compare_backward(learners.prime_of_the_weighted_sum, xor(), x, y, loss=HALF_SUM)
    with pytest.raises(OptionError, match="nothing to learn"):
        compare_backward({}, Network(["relu"], n_inputs=2), X, X, loss=HALF_SUM)


def test_a_function_cannot_harm_the_network_or_the_batch_and_its_own_errors_pass_through() -> None:
    network, x, y = xor(), X.astype(float), Y.astype(float)
    before = network.parameters.copy()

    def vandal(network: Network, x: Any, y: Any) -> Any:
        found = learners.prime_of_the_weighted_sum(network, x, y)
        network.parameters[...] = 0
        x[...] = 7
        y[...] = 7
        return found

    report = compare_backward(vandal, network, x, y, loss=HALF_SUM)
    assert report.faults[0].name == "derivative_given_z"
    assert "changed the network's weights" in str(report)
    np.testing.assert_array_equal(network.parameters, before)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    with pytest.raises(ZeroDivisionError):
        compare_backward(lambda network, x, y: 1 / 0, network, x, y, loss=HALF_SUM)


@st.composite
def cases(draw: Any) -> tuple[Case, str, int]:
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    kinds = [draw(st.sampled_from(["sigmoid", "tanh", "relu"])) for _ in sizes[1:]]
    loss = draw(st.sampled_from(["half_sum", "mean", "bce", "ce"]))
    if loss in ("bce", "ce"):
        kinds[-1] = "linear"
    if loss == "ce":
        sizes = (*sizes[:-1], max(sizes[-1], 2))
    case = Case(sizes, tuple(kinds), loss, draw(st.integers(1, 7)))
    return case, draw(st.sampled_from(["float64", "float32"])), draw(st.integers(0, 2**32 - 1))


def network_and_batch(case: Case, dtype: str, seed: int) -> tuple[Network, Any, Any]:
    network = case.network(dtype)
    network.parameters[...] = np.random.default_rng(seed).normal(size=network.parameters.size)
    return (network, *case.batch(dtype))


def beyond_checking(report: BackwardReport) -> bool:
    """Return whether a neuron is so saturated that rounding reaches the size of the perturbations below."""
    return any(check.tolerance > 1e-3 for check in report.checks)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_no_right_pass_is_ever_flagged(drawn: Any) -> None:
    case, dtype, seed = drawn
    network, x, y = network_and_batch(case, dtype, seed)
    report = compare_backward(case.mine(), network, x, y, loss=case.objective)
    assert not report.faults, str(report)
    assert report or (report.verdict == "unclear" and beyond_checking(report)), str(report)


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from([0.01, 0.3, 10.0]), st.booleans())
def test_no_unrelated_perturbation_is_ever_given_a_name(drawn: Any, size: float, one_cell: bool) -> None:
    case, dtype, seed = drawn
    network, x, y = network_and_batch(case, dtype, seed)
    noise = np.random.default_rng(seed + 1)
    found = case.mine()(network, x, y)
    for name in noise.choice(list(found), size=noise.integers(1, len(found) + 1), replace=False):
        scale = size * (float(np.abs(found[name]).max()) or 1.0)
        change = scale * noise.normal(size=found[name].shape) if not one_cell else np.zeros(found[name].shape)
        change.flat[noise.integers(change.size)] += scale * (1 + noise.random())
        found[name] = (found[name] + change).astype(dtype)
    report = compare_backward(found, network, x, y, loss=case.objective)
    assert not report.faults, str(report)
    assert report.verdict == "unknown fault" or beyond_checking(report), str(report)
