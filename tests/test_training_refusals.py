"""What training refuses, and how it says so: arguments that do not fit, and a loss that is no number any more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError, DivergenceError, OptionError, ShapeError, TargetError
from pellucid.layers import Dense, Dropout
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.random import Random
from pellucid.training import EarlyStopping, Run, train

X = Random(1).normal((20, 3))
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
LOSS = SquaredError()


def network() -> Network:
    return Network([Dense(6), "tanh", Dense(2)], n_inputs=3)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"X": X[:0], "y": Y[:0]}, DataError, "X has no rows"),
    ({"X": np.where(np.arange(60).reshape(20, 3) == 7, np.nan, X)}, DataError, "X has nan in row 2, column 1"),
    ({"y": Y[:5]}, ShapeError, "X has 20 rows and y has 5"),
    ({"y": np.where(np.arange(40).reshape(20, 2) == 9, np.inf, Y)}, TargetError, "row 4"),
    ({"y": None}, ShapeError, "X is given without y"),
    ({"X_val": X}, ShapeError, "X_val is given without y_val"),
    ({"X_val": X[:, :2], "y_val": Y}, ShapeError, r"\(n_rows, 3\)"),
    ({"sample_weight": np.ones(3)}, ShapeError, r"sample_weight has shape \(3,\); it expects \(20,\)"),
    ({"sample_weight": -np.ones(20)}, DataError, "sample_weight expects finite numbers of at least 0"),
    ({"sample_weight": np.zeros(20)}, DataError, "not all 0"),
    ({"epochs": 0}, OptionError, "epochs got 0 .*at least 1"),
    ({"epochs": 2.5}, OptionError, "a whole number"),
    ({"batch_size": 0}, OptionError, "batch_size got 0"),
    ({"gradient_clip": 0.0}, OptionError, "above 0"),
    ({"average": 1.0}, OptionError, "below 1"),
    ({"total_epochs": -1}, OptionError, "total_epochs got -1"),
    ({"optimizer": "adm"}, OptionError, "did you mean 'adam'"),
    ({"metrics": ["accurracy"]}, OptionError, "did you mean 'accuracy'"),
    ({"engine": "nmupy"}, OptionError, "did you mean 'numpy'"),
    ({"rng": -1}, OptionError, "rng got -1"),
    ({"callbacks": [3]}, OptionError, "callbacks got 3; it expects Callback objects or functions"),
    ({"callbacks": EarlyStopping()}, OptionError, r"write callbacks=\[\.\.\.\]"),
    ({"loss": "hubber"}, OptionError, "train: loss got 'hubber' .*did you mean 'huber'"),
    ({"penalty": 0.1}, OptionError, "penalty got 0.1; it expects a Penalty"),
    ({"X": [["a", "b", "c"]]}, DataError, "no table of numbers .*'a'"),
    ({"X": [[1.0, 2.0, 3.0], [1.0]]}, DataError, "Give every row as many columns"),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD, ids=lambda value: str(value)[:30])
def test_arguments_that_do_not_fit_are_refused(given: dict[str, Any], error: type[Exception], message: str) -> None:
    trained = network()
    before = trained.parameters.copy()
    with pytest.raises(error, match=message):
        train(trained, **{"X": X, "y": Y, "loss": LOSS, "epochs": 1, **given})
    np.testing.assert_array_equal(trained.parameters, before)


@pytest.mark.parametrize(
    ("order", "error", "message"),
    [
        ([0, 20], OptionError, "rows 0 to 20; X has rows 0 to 19"),
        ([-1, 3], OptionError, "rows -1 to 3"),
        ([], OptionError, "a list of row numbers"),
        ([0.5], OptionError, "a list of row numbers"),
        (np.arange(20)[None], ShapeError, "order has 1 epochs, and epoch 2 is asked for"),
        (np.zeros((1, 1, 1), dtype=int), ShapeError, "a function of the epoch"),
    ],
)
def test_orders_that_do_not_fit_are_refused(order: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(network(), X, Y, loss=LOSS, epochs=2, order=order)


@pytest.mark.parametrize("how", [{"batch_size": 5}, {"gradient_clip": 1.0}, {"order": [[0, 1], [2, 3]]}])
def test_lbfgs_needs_all_rows(how: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"LBFGS\(\) needs all rows in each step, .*: write batch_size=None"):
        train(network(), X, Y, loss=LOSS, optimizer="lbfgs", **how)
    with pytest.raises(OptionError, match="without order, gradient_clip and Dropout"):
        train(Network([Dense(6), Dropout(0.5), Dense(2)], n_inputs=3), X, Y, loss=LOSS, optimizer="lbfgs")
    train(network(), X, Y, loss=LOSS, optimizer="lbfgs", epochs=1, batch_size=20)


def test_divergence_names_epoch_batch_and_layer() -> None:
    trained = Network([Dense(3), "relu", Dense(2)], n_inputs=3)
    message = r"the loss is (nan|inf) in epoch \d+, batch \d+; layer \d \(.*The learning rate was 1e\+60: try a tenth"
    with pytest.raises(DivergenceError, match=message):
        train(trained, X, Y, loss=LOSS, optimizer=SGD(learning_rate=1e60), epochs=50, batch_size=10)


def test_divergence_blames_the_first_layer_that_overflows() -> None:
    trained = Network([Dense(3), Dense(2)], n_inputs=3)
    trained.named_parameters["1.weight"][...] = 1e308
    rows = np.r_[100 * np.abs(X), np.zeros((1, 3))]
    order = np.r_[np.full(10, 20), np.arange(10)]  # the first batch is the row of zeros
    with pytest.raises(DivergenceError, match=r"epoch 1, batch 2; layer 1 \(Dense\(2\)\) is the first whose output"):
        train(trained, rows, np.r_[Y, np.zeros((1, 2))], loss=LOSS, epochs=1, batch_size=10, order=order)


def test_divergence_names_weights_that_end_an_epoch_infinite() -> None:
    with pytest.raises(DivergenceError, match=r"'0\.weight' is not finite after epoch 1"):
        train(Network([Dense(2)], n_inputs=3), X, 1e100 * Y, loss=LOSS, optimizer=SGD(learning_rate=1e300), epochs=1)


def test_divergence_goes_back_to_the_best_weights() -> None:
    class Breaks(SGD):
        def step(self, parameters: Any, gradients: Any, state: Any, *rest: Any) -> None:
            super().step(parameters, gradients, state, *rest)
            state["n"] += 1
            if state["n"] == 4:
                parameters[...] = np.inf

        def start(self, parameters: Any) -> Any:
            return {"n": np.array(0)}

    trained, seen = network(), []
    stopping = EarlyStopping(monitor="loss")

    def watch(run: Run) -> None:
        seen.append(run.network.parameters.copy())

    with pytest.raises(DivergenceError):
        train(trained, X, Y, loss=LOSS, optimizer=Breaks(learning_rate=0.05), epochs=9, callbacks=[stopping, watch])
    np.testing.assert_array_equal(trained.parameters, seen[2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "adam"}, r"state of another optimizer than Adam\(\)"),
        ({"average": 0.9}, "average=0.9; pass the optimizer and the average of the first call"),
        ({"metrics": ["r2"]}, "this epoch gave .*'r2'.*the same metrics and validation rows"),
        ({"X_val": X, "y_val": Y}, "the same metrics and validation rows"),
    ],
)
def test_a_run_is_resumed_as_it_began(given: dict[str, Any], message: str) -> None:
    trained = network()
    history = train(trained, X, Y, loss=LOSS, epochs=1)
    with pytest.raises(OptionError, match=message):
        train(trained, X, Y, loss=LOSS, epochs=1, resume=history, **given)
    assert {len(column) for column in history.columns.values()} == {1}
