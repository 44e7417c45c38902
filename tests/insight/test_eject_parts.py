"""Ejected pages against the library: every registered layer, loss, optimizer and schedule, alone and nested."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    LBFGS,
    SGD,
    AdamW,
    BatchNorm,
    Columns,
    Cosine,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Network,
    Penalty,
    Residual,
    Scale,
    SquaredError,
    train,
)
from pellucid.insight.eject.ejecting import page_of
from pellucid.insight.eject.layers import TEMPLATES
from pellucid.insight.eject.optimizers import RULES
from pellucid.layers import Layer
from pellucid.losses import Loss
from pellucid.optimizers import Optimizer, SearchingOptimizer
from pellucid.options import registered
from pellucid.random import Random
from pellucid.schedules import Schedule, WarmUp
from tests.contracts.examples import (
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    LayerExample,
    LossExample,
    OptimizerExample,
    ScheduleExample,
    enrolled,
    numbers,
)
from tests.insight.plain import TRAINED, Plain
from tests.tolerances import rounding, trajectory

DTYPES = ["float64", "float32"]
EPOCHS = 6
N_ROWS = 14


def at_odd_numbers(network: Network) -> Network:
    """Move parameters and buffers away from special values."""
    dtype = network.dtype
    network.parameters[...] += 0.3 * numbers(network.parameters.size, seed=8).astype(dtype)
    network.buffers[...] += (0.3 * np.abs(numbers(network.buffers.size, seed=9))).astype(dtype)
    return network


def tolerance(network: Network, n_steps: int) -> float:
    """Return how far two trainings may drift apart, relative to the largest weight."""
    ratio = np.finfo(network.dtype).eps / np.finfo(np.float64).eps
    return (
        trajectory(n_steps, max(N_ROWS, network.n_inputs)) * ratio * max(1.0, float(np.abs(network.parameters).max()))
    )


def check(plain: Plain, network: Network, X: Any, y: Any, **arguments: Any) -> None:
    """The page predicts as the network does, and trains to the same weights and buffers."""
    predicting = page_of(network, training=False, arguments={})
    outputs = network.predict(X)
    bound = rounding(64, network.dtype, scale=max(1.0, float(np.abs(outputs).max())))
    assert np.abs(plain(predicting, "predict(X)", X=X) - outputs).max() <= bound
    page = page_of(network, training=True, arguments={"X": X, "y": y, **arguments})
    n_steps = len(train(network, X, y, **arguments, engine="numpy")["loss"])
    found, after = plain(page, "(train(), PARAMETERS, predict(X))[1:]")
    for (name, view), p in zip(network.named_parameters.items(), found, strict=True):
        assert p.dtype == view.dtype
        assert np.abs(p - view).max(initial=0) <= tolerance(network, 3 * n_steps), name
    assert np.abs(after - network.predict(X)).max() <= 100 * tolerance(network, 3 * n_steps)


@pytest.mark.parametrize("family", [Layer, Optimizer], ids=lambda family: family.__name__)
def test_every_registered_class_has_a_template(family: type) -> None:
    templates: Any = {Layer: TEMPLATES, Optimizer: {**RULES, LBFGS: None}}[family]
    lacking = set(registered(family).values()) - set(templates)
    assert not lacking, f"pellucid eject cannot write {lacking}: add a template in pellucid/insight/eject/"


@pytest.mark.parametrize(
    ("holder", "dtype"),
    [("", "float64"), ("", "float32"), ("Chain", "float64"), ("Columns", "float64"), ("Residual", "float64")],
)
@pytest.mark.parametrize("example", enrolled(Layer))
def test_a_page_of_every_layer_predicts_and_trains(
    plain: Plain, example: LayerExample, holder: str, dtype: str
) -> None:
    if holder == "Residual" and example.codes:
        pytest.skip("codes cannot be added to")
    example = example.inside(holder) if holder else example
    layers = (
        [example.make(), "tanh", Dense(2)] if example.codes else [Dense(example.n_inputs), example.make(), Dense(2)]
    )
    network = Network(layers, example.n_inputs, rng=3, dtype=dtype).initialize(example.rows(N_ROWS, seed=21))
    network = at_odd_numbers(network)
    X, y = example.rows(N_ROWS), numbers(N_ROWS, 2, seed=4)
    check(plain, network, X, y, loss="squared_error", optimizer=SGD(learning_rate=0.01), epochs=EPOCHS, batch_size=5)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("example", enrolled(Loss))
def test_a_page_of_every_loss_trains(plain: Plain, example: LossExample, dtype: str, weighted: bool) -> None:
    network = at_odd_numbers(Network([Dense(4), "tanh", Dense(example.n_outputs)], 3, rng=1, dtype=dtype))
    weight = np.arange(N_ROWS) % 3 if weighted else None
    X, y = numbers(N_ROWS, 3), example.target(N_ROWS)
    check(
        plain,
        network,
        X,
        y,
        loss=example.make(),
        optimizer=SGD(learning_rate=0.02),
        epochs=EPOCHS,
        sample_weight=weight,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("example", enrolled(Optimizer))
def test_a_page_of_every_optimizer_trains(plain: Plain, example: OptimizerExample, dtype: str) -> None:
    network = at_odd_numbers(Network([Dense(4), "tanh", Dense(1)], 3, rng=1, dtype=dtype))
    optimizer = example.make()
    size = None if isinstance(optimizer, SearchingOptimizer) else 4
    X, y, penalty = numbers(N_ROWS, 3), numbers(N_ROWS, 1, seed=4), Penalty(l1=0.01, l2=0.1)
    given: dict[str, Any] = {"optimizer": optimizer, "epochs": EPOCHS, "batch_size": size, "penalty": penalty}
    check(plain, network, X, y, loss="squared_error", **given)


@pytest.mark.parametrize("example", enrolled(Schedule))
@pytest.mark.parametrize("total_epochs", [EPOCHS, 4, 20])
def test_a_page_of_every_schedule_trains(plain: Plain, example: ScheduleExample, total_epochs: int) -> None:
    network = at_odd_numbers(Network([Dense(4), Dropout(0.3), "tanh", Dense(1)], 3, rng=1))
    schedules = {"learning_rate": example.make(), "weight_decay": Cosine(flat=0.25), "dropout_rate": WarmUp()}
    check(
        plain, network, numbers(N_ROWS, 3), numbers(N_ROWS, 1, seed=4), loss="squared_error", epochs=EPOCHS,
        optimizer=AdamW(learning_rate=0.01), schedules=schedules, batch_size=5, total_epochs=total_epochs, rng=11,
    )  # fmt: skip


def nested() -> list[Any]:
    """Return layers of every kind in each other; the last column is a code."""
    inner = Residual([Dense(4), Columns({"a": (0, 3, [LayerNorm(), "gelu"]), "b": (1, 4, Dropout(0.2))}), Dense(3)])
    first = Columns({"numbers": (0, 3, [Scale(), inner, BatchNorm()]), "code": (3, 4, Embedding(5, 2))})
    return [first, Dense(6, parametrization="ntk"), "leaky_relu", Residual([Residual(["mish", Dense(6)])]), Dense(2)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_page_of_everything_at_once_trains(plain: Plain, dtype: str) -> None:
    network = at_odd_numbers(Network(nested(), 4, rng=2, dtype=dtype))
    network.views(network.learning_rate_factor)["1.weight"][...] = 0
    network.views(network.learning_rate_factor)["0.code.weight"][2] = 3
    network.views(network.weight_decay_factor)["1.bias"][...] = 0.5
    X = np.column_stack([numbers(N_ROWS, 3), Random(5).words(N_ROWS) % 5])
    check(
        plain, network, X, numbers(N_ROWS, 2, seed=4), loss="huber", optimizer=AdamW(learning_rate=0.01), epochs=EPOCHS,
        batch_size=4, schedules={"learning_rate": "cosine", "dropout_rate": "cosine"}, gradient_clip=0.5, average=0.9,
        penalty=Penalty(l2=0.1), sample_weight=np.arange(N_ROWS) % 4, rng=3,
    )  # fmt: skip


@pytest.mark.parametrize(
    "order",
    [
        np.arange(N_ROWS)[::-1],
        np.array([Random(epoch).permutation(N_ROWS) for epoch in range(EPOCHS)]),
        lambda epoch: np.array([epoch, 3, 3]),
    ],
    ids=["one", "for each epoch", "a function"],
)
@pytest.mark.parametrize("batch_size", [None, 2])
def test_an_explicit_order_is_kept(plain: Plain, order: Any, batch_size: int | None) -> None:
    network = Network([Dense(2), "tanh", Dense(1)], 3, rng=1)
    optimizer = SGD(learning_rate=0.05)
    X, y = numbers(N_ROWS, 3), numbers(N_ROWS, 1, seed=4)
    check(
        plain,
        network,
        X,
        y,
        loss="squared_error",
        optimizer=optimizer,
        epochs=EPOCHS,
        batch_size=batch_size,
        order=order,
    )


def test_weights_that_start_from_the_rows_do_so(plain: Plain) -> None:
    X, y = numbers(N_ROWS, 3), numbers(N_ROWS, 1)
    network = Network([Dense(4, weight_initializer="unit_variance"), "tanh", Dense(1)], 3)
    page = page_of(network, training=True, arguments={"X": X, "y": y, "loss": "squared_error", "epochs": 3})
    assert not network.initialized, "the network is left as it was"
    train(network, X, y, loss="squared_error", epochs=3, engine="numpy")
    for p, view in zip(plain(page, TRAINED), network.named_parameters.values(), strict=True):
        assert np.abs(p - view).max() <= tolerance(network, 3)


def test_large_arrays_come_back_bit_for_bit(plain: Plain) -> None:
    for dtype in DTYPES:
        network = Network([Dense(90), "relu", Dense(1)], 7, rng=1, dtype=dtype)
        page = page_of(network, training=False, arguments={})
        for symbol, view in zip(("W1", "b1", "W2", "b2"), network.named_parameters.values(), strict=True):
            found = plain(page, symbol)
            assert found.dtype == view.dtype and found.tobytes() == view.tobytes()


def test_small_numbers_are_written_so_that_they_read_back_the_same(plain: Plain) -> None:
    for dtype in DTYPES:
        network = Network([Dense(6)], 8, dtype=dtype)
        words = Random(3).words(54)
        bits = words if dtype == "float64" else (words >> np.uint64(32)).astype(np.uint32)
        values = bits.view(dtype)
        network.parameters[...] = np.where(np.isfinite(values), values, 1)
        network.parameters[:4] = [-0.0, 5e-324, np.finfo(dtype).max, np.finfo(dtype).tiny]
        page = page_of(network, training=False, arguments={})
        assert b"".join(w.tobytes() for w in plain(page, "[W1, b1]")) == network.parameters.tobytes()


def pages() -> Iterator[str]:
    """Yield pages with every layer, loss, optimizer and schedule."""
    X, y = numbers(N_ROWS, 3), numbers(N_ROWS, 1)
    given: dict[str, Any] = {"X": X, "y": y, "loss": "squared_error", "epochs": 2}
    for layer in (example for examples in LAYERS.values() for example in examples):
        network = Network([layer.make(), Dense(1)], layer.n_inputs, dtype="float32").initialize(layer.rows(N_ROWS))
        yield page_of(network, training=False, arguments={})
        yield page_of(network, training=True, arguments={**given, "X": layer.rows(N_ROWS), "batch_size": 4})
    for loss in (example for examples in LOSSES.values() for example in examples):
        network = Network([Dense(loss.n_outputs)], 3)
        yield page_of(network, training=True, arguments={**given, "loss": loss.make(), "y": loss.target(N_ROWS)})
    for optimizer in (example for examples in OPTIMIZERS.values() for example in examples):
        yield page_of(Network([Dense(1)], 3), training=True, arguments={**given, "optimizer": optimizer.make()})
    for schedule in (example for examples in SCHEDULES.values() for example in examples):
        schedules = {"learning_rate": schedule.make()}
        yield page_of(Network([Dense(1)], 3), training=True, arguments={**given, "schedules": schedules})
    X = np.column_stack([numbers(300, 3), np.arange(300) % 5])
    yield page_of(Network(nested(), 4), training=True, arguments={**given, "X": X, "y": numbers(300, 2)})


def test_pages_are_formatted(tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for number, page in enumerate(pages()):
        (tmp_path / f"{number}.py").write_text(page, encoding="utf-8")
    check_format = ["format", "--isolated", "--diff", "--line-length", "120", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "ruff", *check_format], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    names = ["check", "--isolated", "--select", "F", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "ruff", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_wrong_page_would_be_found(plain: Plain) -> None:
    network = Network([Dense(2), "tanh", Dense(1)], 3, rng=1)
    given: dict[str, Any] = {
        "X": numbers(N_ROWS, 3),
        "y": numbers(N_ROWS, 1),
        "loss": "squared_error",
        "epochs": EPOCHS,
    }
    page = page_of(network, training=True, arguments=given)
    train(network, **given, engine="numpy")
    for right, wrong in [("1.0 - a * a", "1.0 - a"), (" @ W2.T", " @ W2.T * 1.001"), ("p -= rate", "p += rate")]:
        assert page.count(right) == 1
        found = plain(page.replace(right, wrong), TRAINED)
        assert np.abs(found[0] - network.named_parameters["0.weight"]).max() > tolerance(network, 3 * EPOCHS)


def test_a_layer_without_a_template_is_refused() -> None:
    class Twice(Scale):
        """A layer of one's own."""

    with pytest.raises(ValueError, match=r"Twice.* has no template"):
        page_of(Network([Twice()], 2), training=False, arguments={})


def test_losses_and_optimizers_of_ones_own_are_refused() -> None:
    class Cubed(SquaredError):
        """A loss of one's own."""

        def value_and_gradient(self, *given: Any) -> Any:
            """Join the rows in another way."""
            return super().value_and_gradient(*given)

    class Slow(SGD):
        """An optimizer of one's own."""

    network = Network([Dense(1)], 3)
    given = {"X": numbers(4, 3), "y": numbers(4, 1)}
    with pytest.raises(ValueError, match="a way of its own"):
        page_of(network, training=True, arguments={**given, "loss": Cubed()})
    with pytest.raises(ValueError, match=r"Slow.* has no template"):
        page_of(network, training=True, arguments={**given, "loss": "squared_error", "optimizer": Slow()})
