"""Networks of a few numbers run on kernels of their own, with the same bits; Python is not asked between steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.engine.native import Library, library
from pellucid.engine.trainer import Epochs, Trainer
from pellucid.layers import Dense
from pellucid.losses import CrossEntropy, Loss, SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD, Adam, Optimizer
from pellucid.random import Random
from pellucid.training import Callback, History, Run, TimeBudget, train

LOADED = library()
pytestmark = pytest.mark.skipif(isinstance(LOADED, str), reason=f"native engine: {LOADED}")
INSTRUCTION_SETS = LOADED.instruction_sets if isinstance(LOADED, Library) else []

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
SIZES = [(1, 1, 1), (2, 3, 1), (2, 8, 1), (3, 5, 2), (5, 17, 4), (6, 3, 3, 3), (9, 1, 9)]


def trained(
    sizes: tuple[int, ...], n_rows: int, dtype: str, loss: Loss, optimizer: Optimizer, **options: Any
) -> tuple[Network, History]:
    hidden = [layer for size in sizes[1:-1] for layer in (Dense(size), "sigmoid")]
    network = Network([*hidden, Dense(sizes[-1])], n_inputs=sizes[0], rng=3, dtype=dtype)
    X, y = Random(1).normal((n_rows, sizes[0])), Random(2).normal((n_rows, sizes[-1]))
    target = np.arange(n_rows) % sizes[-1] if isinstance(loss, CrossEntropy) else y
    return network, train(network, X, target, loss=loss, optimizer=optimizer, rng=5, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_tiny_kernels_give_the_bits_of_the_others(
    sizes: tuple[int, ...], isa: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_ISA", isa)
    for n_rows, batch_size in ((1, None), (4, None), (7, 3), (40, 16)):
        for loss in (SquaredError(), *([CrossEntropy()] if sizes[-1] > 1 else [])):
            found = []
            for threads in ("1", "2"):  # where threads share the work, these kernels are not used
                monkeypatch.setenv("PELLUCID_THREADS", threads)
                network, history = trained(
                    sizes, n_rows, dtype, loss, Adam(), epochs=3, batch_size=batch_size, engine="native"
                )
                found.append([network.parameters, network.gradients, history["loss"], history["gradient_norm"]])
            for ours, others in zip(*found, strict=True):
                np.testing.assert_array_equal(ours, others)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_xor_equals_numpy(dtype: str) -> None:
    networks = [Network([Dense(3), "sigmoid", Dense(1)], n_inputs=2, rng=3, dtype=dtype) for _ in range(2)]
    histories = [
        train(network, *XOR, loss=SquaredError(), optimizer=SGD(learning_rate=0.1), epochs=50, engine=engine)
        for network, engine in zip(networks, ("native", "numpy"), strict=True)
    ]
    allowed = float(np.finfo(dtype).eps) * 50 * 16  # a step's sums have 4 terms; its slopes shrink errors, not enlarge
    np.testing.assert_allclose(networks[0].parameters, networks[1].parameters, rtol=0, atol=allowed)
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=0, atol=allowed)


class StopAfter(Callback):
    """Stops the run after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def after_step(self, run: Run) -> None:
        self.left -= 1
        if not self.left:
            run.stop("enough")


@pytest.mark.parametrize("n_steps", [2, 4])
@pytest.mark.parametrize("reduction", ["mean", "half_sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_an_epoch_is_that_of_its_steps_combined(reduction: str, weighted: bool, n_steps: int) -> None:
    weight = np.array([0.0, 0, 0, 2, 1, 0.5, 0, 3, 1, 1]) if weighted else np.ones(10)
    loss = SquaredError(reduction=reduction)  # type: ignore[arg-type]

    def run(rows: Any, *callbacks: Callback) -> list[float]:
        return trained(
            (2, 3, 1), 10, "float64", loss, SGD(learning_rate=0.0), epochs=1, batch_size=3, order=rows,
            sample_weight=weight, engine="native", callbacks=callbacks,
        )[1]["loss"]  # fmt: skip

    steps = [range(start, min(start + 3, 10)) for start in range(0, 3 * n_steps, 3)]
    losses = [run(rows)[0] for rows in steps]
    assert losses[0] == 0 if weighted else losses[0] > 0
    assert run(range(10), StopAfter(n_steps)) == [loss.combine(losses, [float(weight[rows].sum()) for rows in steps])]


def test_the_history_of_many_epochs_holds_numbers_of_python() -> None:
    _, history = trained((2, 3, 1), 4, "float32", SquaredError(), SGD(learning_rate=0.1), epochs=1000, engine="native")
    assert {name: {type(value) for value in column} for name, column in history.columns.items()} == {
        "epoch": {int}, "loss": {float}, "learning_rate": {float}, "gradient_norm": {float}, "seconds": {float}
    }  # fmt: skip
    assert history["epoch"] == list(range(1, 1001))
    assert (np.diff(history["seconds"]) > 0).all()
    assert history[-1]["loss"] == history["loss"][-1] < history["loss"][0]


def test_a_time_budget_costs_no_call_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    call = Trainer.train

    def counted(self: Trainer, *given: Any) -> Epochs:
        calls.append(given)
        return call(self, *given)

    class EachStep(Callback):
        def after_step(self, run: Run) -> None:
            pass

    monkeypatch.setattr(Trainer, "train", counted)
    options: dict[str, Any] = {"epochs": 2, "batch_size": 4, "engine": "native"}
    for watchers, expected in (([TimeBudget(3600)], 2), ([EachStep()], 20), ([TimeBudget(3600), EachStep()], 20)):
        calls.clear()
        trained((2, 3, 1), 40, "float32", SquaredError(), SGD(), callbacks=watchers, **options)
        assert len(calls) == expected
