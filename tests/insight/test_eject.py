"""`eject` itself: the tutorials' networks bit for bit, the file that it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    LBFGS,
    SGD,
    BatchNorm,
    CrossEntropy,
    Dense,
    Dropout,
    Network,
    OneCycle,
    Penalty,
    Poisson,
    Sigmoid,
    SquaredError,
    eject,
    train,
)
from pellucid.errors import NotInitializedError, OptionError, OutputError
from tests.contracts.examples import numbers
from tests.insight.plain import TRAINED, Plain, run_as_program
from tests.tolerances import rounding

HALF_SUM = SquaredError(reduction="half_sum")
LONGEST_XOR = 90


def xor() -> tuple[Network, dict[str, Any]]:
    """Return the second tutorial's network at its start, and its training."""
    network = Network([Dense(3), Sigmoid(), Dense(1), Sigmoid()], n_inputs=2)
    draw = np.random.RandomState(0)
    network.named_parameters["0.weight"][...] = draw.randn(2, 3)
    network.named_parameters["2.weight"][...] = draw.randn(3, 1)
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    return network, {"X": X, "y": y, "loss": HALF_SUM, "optimizer": SGD(learning_rate=0.1), "epochs": 10_000}


def single_layer() -> tuple[Network, dict[str, Any]]:
    """Return the first tutorial's neuron at its start, and its training."""
    network = Network([Dense(1, bias=False), Sigmoid()], n_inputs=3)
    network.named_parameters["0.weight"][...] = np.random.RandomState(1).rand(3, 1)
    X, y = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]), np.array([[0], [1], [1], [0]])
    return network, {"X": X, "y": y, "loss": HALF_SUM, "optimizer": SGD(learning_rate=1.0), "epochs": 10_000}


@pytest.mark.parametrize("tutorial", [xor, single_layer])
def test_the_tutorials_networks_train_bit_for_bit(plain: Plain, tmp_path: Path, tutorial: Any) -> None:
    network, given = tutorial()
    page = eject(network, tmp_path / "page.py", training=True, **given)
    train(network, **given, engine="numpy")
    for p, view in zip(plain(page, TRAINED), network.named_parameters.values(), strict=True):
        assert np.array_equal(p, view)
    assert np.array_equal(plain(page, "(train(), predict(X))[1]"), network.predict(given["X"]))
    after = eject(network, tmp_path / "after.py")
    assert np.array_equal(plain(after, "predict(X)", X=given["X"]), network.predict(given["X"]))


def test_the_page_for_xor_reads_like_the_tutorial(tmp_path: Path) -> None:
    network, given = xor()
    page = eject(network, tmp_path / "xor.py", training=True, **given)
    lines = page.splitlines()
    assert len(lines) <= LONGEST_XOR
    assert len([line for line in lines if line.strip()]) <= 70
    for line in (
        "    Z1 = X @ W1 + b1  # (n, 3)",
        "    A1 = sigmoid(Z1)  # (n, 3)",
        "    dZ1 = dA1 * sigmoid_slope(A1)  # (n, 3)",
        "    dW1 = X.T.dot(dZ1)  # (2, 3)",
        "    return a * (1.0 - a)",
    ):
        assert line in lines
    assert "unpack" not in page and "Philox" not in page, "what is not used is not carried along"


def test_a_page_runs_as_a_program_in_a_fresh_interpreter(tmp_path: Path) -> None:
    network, given = xor()
    eject(network, tmp_path / "xor.py", training=True, **given)
    done = run_as_program(tmp_path / "xor.py")
    assert done.returncode == 0, done.stderr
    history = train(network, **given, engine="numpy")
    last = f"epoch 10000: loss {history['loss'][-1]:.6f}\n"
    assert done.stdout.endswith(f"{last}{network.predict(given['X'])}\n")
    eject(network, tmp_path / "after.py")
    (tmp_path / "rows.csv").write_text("0,1\n1,1\n", encoding="utf-8")
    done = run_as_program(tmp_path / "after.py", str(tmp_path / "rows.csv"))
    assert done.stdout == f"{network.predict([[0, 1], [1, 1]])}\n"


def test_the_interpreter_of_the_tests_has_numpy_alone(tmp_path: Path) -> None:
    for name in ("pellucid", "polars", "sklearn"):
        (tmp_path / "page.py").write_text(f"import {name}\n", encoding="utf-8")
        assert "a page imported" in run_as_program(tmp_path / "page.py").stderr


def test_the_network_is_left_as_it_was(tmp_path: Path) -> None:
    network, given = xor()
    before = network.parameters.copy(), network.gradients.copy()
    eject(network, tmp_path / "xor.py", training=True, **given)
    assert np.array_equal(before[0], network.parameters) and np.array_equal(before[1], network.gradients)


def test_extreme_inputs_give_what_the_network_gives(plain: Plain, tmp_path: Path) -> None:
    X = np.array([[0.0, -0.0], [1e308, -1e308], [np.inf, 1.0], [np.nan, 1.0], [5e-324, 1e-300]])
    for index, name in enumerate(("sigmoid", "softmax", "gelu", "mish", "silu", "elu", "selu", "softplus", "relu")):
        network = Network([Dense(3), name], n_inputs=2, rng=1)
        page = eject(network, tmp_path / f"{index}.py")
        with np.errstate(all="ignore"):
            expected = network.predict(X)
        found = plain(page, "(np.seterr(all='ignore'), predict(X))[1]", X=X)
        assert np.array_equal(np.isnan(found), np.isnan(expected))
        finite = np.isfinite(expected)
        assert np.array_equal(found[~finite], expected[~finite], equal_nan=True)
        bound = rounding(2) * np.maximum(1, np.abs(expected[finite]))
        assert (np.abs(found[finite] - expected[finite]) <= bound).all()


def test_a_code_that_is_none_is_refused_by_the_page(plain: Plain, tmp_path: Path) -> None:
    from pellucid import Embedding

    page = eject(Network([Embedding(3, 2)], 1), tmp_path / "page.py")
    for code in (-1.0, 3.0, 0.5):
        with pytest.raises(Exception, match="whole numbers from 0 to 2"):
            plain(page, "predict(X)", X=[[code]])


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    network, _ = xor()
    path = tmp_path / "xor.py"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="the file exists"):
        eject(network, path)
    assert path.read_text(encoding="utf-8") == "mine"
    page = eject(network, path, overwrite=True)
    assert path.read_text(encoding="utf-8") == page
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_where_something_is_refused(tmp_path: Path) -> None:
    network, given = xor()
    with pytest.raises(OutputError, match="no folder"):
        eject(network, tmp_path / "nowhere" / "xor.py")
    with pytest.raises(OptionError):
        eject(network, tmp_path / "xor.py", training=True, **{**given, "loss": "nothing"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"callbacks": [print]}, "'callbacks'.*every step from the first|got 'callbacks'"),
        ({"engine": "native"}, "got 'engine'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "epochs got 0"),
        ({"loss": "squared"}, "loss got 'squared'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
        ({"schedules": {"weight_decay": "cosine"}}, "'weight_decay', which neither"),
        ({"y": [1, 2]}, "4 rows and y has 2"),
        ({"X": [[0, 0, 0]]}, "expects"),
        ({"X": [[0, 0], [0, np.nan], [1, 0], [1, 1]]}, "finite"),
        ({"order": lambda epoch: np.arange(1 + epoch % 2)}, "different lengths"),
        ({"optimizer": LBFGS(), "batch_size": 2}, "needs all rows"),
        ({"optimizer": LBFGS(), "average": 0.9}, "averaged weights"),
        ({"penalty": 0.1}, "penalty got 0.1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
    network, given = xor()
    with pytest.raises(ValueError, match=words):
        eject(network, tmp_path / "xor.py", training=True, **{**given, **arguments})
    assert not list(tmp_path.iterdir())


def test_models_that_cannot_be_ejected_are_refused(tmp_path: Path) -> None:
    network, given = xor()
    path = tmp_path / "page.py"
    with pytest.raises(OptionError, match="write training=True"):
        eject(network, path, **given)
    with pytest.raises(OptionError, match="needs X"):
        eject(network, path, training=True, loss="squared_error")
    with pytest.raises(OptionError, match="expects a Network"):
        eject("model", path)
    with pytest.raises(NotInitializedError, match="no weights yet"):
        eject(Network([Dense(1, weight_initializer="unit_variance")], 2), path)
    frozen = Network([Dense(1)], 2)
    frozen.learning_rate_factor[0] = 0
    for unfit, what in ((frozen, "single parameters"), (Network([Dense(1), BatchNorm()], 2), "running statistics")):
        with pytest.raises(OptionError, match=what):
            eject(unfit, path, training=True, **{**given, "optimizer": "lbfgs"})


def test_a_search_with_a_penalty_weights_and_a_schedule_is_followed(plain: Plain, tmp_path: Path) -> None:
    network = Network([Dense(5), "tanh", Dense(3)], 4, rng=2)
    given: dict[str, Any] = {
        "X": numbers(30, 4), "y": np.arange(30) % 3, "loss": CrossEntropy(), "optimizer": LBFGS(memory=3), "epochs": 12,
        "penalty": Penalty(l2=0.01), "sample_weight": np.arange(30) % 4, "schedules": {"learning_rate": OneCycle()},
    }  # fmt: skip
    page = eject(network, tmp_path / "page.py", training=True, **given)
    train(network, **given, engine="numpy")
    for p, view in zip(plain(page, TRAINED), network.named_parameters.values(), strict=True):
        assert np.abs(p - view).max() <= 12 * 20 * rounding(30, scale=float(np.abs(network.parameters).max()) * 100)


def test_a_page_without_chance_carries_no_generator(tmp_path: Path) -> None:
    X, y = numbers(8, 2), np.ones(8)
    with_chance = {"shuffled": ([Dense(1)], 4), "dropout": ([Dense(2), Dropout(0.5), Dense(1)], None)}
    for name, (layers, size) in with_chance.items():
        given = {"X": X, "y": y, "loss": Poisson(), "epochs": 2, "batch_size": size}
        page = eject(Network(layers, 2), tmp_path / f"{name}.py", training=True, **given)
        assert ("permutation" in page, "dropout_mask" in page) == (name == "shuffled", name == "dropout")
        assert "SEED = 0" in page
