"""Native equals NumPy step for step, and its own bits whatever the threads, the instruction set and where it pauses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.activations import Activation
from pellucid.engine.native import Library, library, permutation
from pellucid.engine.predictor import Predictor
from pellucid.errors import DivergenceError, OptionError
from pellucid.layers import (
    ActivationLayer,
    BatchNorm,
    Columns,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    PeriodicEmbedding,
    PeriodicFeatures,
    PiecewiseLinearEmbedding,
    Residual,
    Scale,
)
from pellucid.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Penalty,
    Poisson,
    Quantile,
    SquaredError,
)
from pellucid.network import Network
from pellucid.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop
from pellucid.options import registered
from pellucid.random import Random
from pellucid.schedules import Cosine, WarmUp
from pellucid.training import History, train

LOADED = library()
pytestmark = pytest.mark.skipif(isinstance(LOADED, str), reason=f"native engine: {LOADED}")
INSTRUCTION_SETS = LOADED.instruction_sets if isinstance(LOADED, Library) else []

N_ROWS = 131
X = Random(1).normal((N_ROWS, 4))
X[:, 3] = np.arange(N_ROWS) % 5
NUMBERS = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
CODES = (np.arange(N_ROWS) * 7) % 3
WEIGHT = np.arange(N_ROWS) % 4 + 0.5
STEPS = (1, 2, 50)


def hidden(*middle: Any, n_outputs: int = 2) -> list[Any]:
    return [Dense(9), *middle, Dense(n_outputs)]


def tolerance(n_steps: int, dtype: str) -> float:
    """Each step adds the rounding of sums of 131 terms; 50 steps of descent amplify an early error about tenfold."""
    return float(np.finfo(dtype).eps) * (N_ROWS + 16) * 4 * n_steps


def trained(
    layers: Callable[[], list[Any]], engine: str, dtype: str, y: Any, **options: Any
) -> tuple[Network, History]:
    network = Network(layers(), n_inputs=4, rng=3, dtype=dtype)
    return network, train(network, X, y, rng=5, engine=engine, **options)


def compare(layers: Callable[[], list[Any]], dtype: str, y: Any, **options: Any) -> None:
    for n_steps in STEPS:
        epochs = {"epochs": n_steps} if "batch_size" not in options else {"epochs": -(-n_steps // 4)}
        native, history = trained(layers, "native", dtype, y, **{**options, **epochs})
        numpy, reference = trained(layers, "numpy", dtype, y, **{**options, **epochs})
        assert history.engine == "native"
        allowed = tolerance(history.state.step, dtype)
        scale = max(1.0, float(np.abs(numpy.parameters).max()))
        np.testing.assert_allclose(native.parameters, numpy.parameters, rtol=0, atol=allowed * scale)
        np.testing.assert_allclose(native.buffers, numpy.buffers, rtol=allowed, atol=allowed)
        np.testing.assert_allclose(history["loss"], reference["loss"], rtol=allowed * 4, atol=allowed)
        np.testing.assert_allclose(history["gradient_norm"], reference["gradient_norm"], rtol=0.01, atol=allowed * 50)
        assert history["epoch"] == reference["epoch"]
        assert history["learning_rate"] == pytest.approx(reference["learning_rate"], rel=1e-12)
        assert history.state.step == reference.state.step


DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


@DTYPES
@pytest.mark.parametrize("parametric", [False, True])
@pytest.mark.parametrize("name", sorted(cls.name for cls in registered(Activation).values()))  # type: ignore[type-abstract]
def test_every_activation(name: str, parametric: bool, dtype: str) -> None:
    compare(
        lambda: hidden(ActivationLayer(name, parametric=parametric)),
        dtype,
        NUMBERS,
        loss=SquaredError(),
        optimizer=SGD(learning_rate=0.02),
    )


LAYERS: dict[str, Callable[[], list[Any]]] = {
    "no bias": lambda: [Dense(5, bias=False), "tanh", Dense(2)],
    "ntk": lambda: [Dense(5, parametrization="ntk"), "tanh", Dense(2, parametrization="ntk")],
    "dropout": lambda: hidden(Dropout(0.3), "tanh"),
    "dropout first": lambda: [Dropout(0.2), *hidden("silu")],
    "scale": lambda: [Scale(), *hidden("tanh", Scale())],
    "layer norm": lambda: hidden(LayerNorm(), "tanh"),
    "batch norm": lambda: hidden(BatchNorm(), "tanh"),
    "batch norm first": lambda: [BatchNorm(momentum=0.3), *hidden("tanh")],
    "residual": lambda: hidden(Residual([Dense(7), "tanh", Dense(9)]), "tanh", Residual([LayerNorm(), Dropout(0.1)])),
    "ntk residual": lambda: hidden(Residual([Dense(9, parametrization="ntk")]), "tanh"),
    "chain": lambda: hidden([Dense(6), "gelu"], [["tanh"]]),
    "columns": lambda: [Columns({"a": (0, 3, [Scale(), Dense(3)]), "b": (1, 3, "tanh")}), *hidden("tanh")],
    "embedding": lambda: [
        Columns(
            {"x": (0, 3, [LayerNorm(), Scale()]), "code": (3, 4, Embedding(5, 3)), "again": (3, 4, Embedding(6, 2))}
        ),
        *hidden("tanh"),
    ],
    "periodic embedding": lambda: [PeriodicEmbedding(), *hidden("tanh")],
    "periodic embedding inside": lambda: hidden(PeriodicEmbedding(n_frequencies=5, n_outputs=7), "tanh"),
    "periodic embedding of columns": lambda: [
        Columns({"x": (0, 3, [Scale(), PeriodicEmbedding(deviation=1.0)]), "y": (1, 4, PeriodicEmbedding())}),
        *hidden("tanh"),
    ],
    "periodic features": lambda: [PeriodicFeatures(deviation=1.0), *hidden("tanh")],
    "periodic features inside": lambda: hidden(PeriodicFeatures(n_frequencies=5), "tanh"),
    "piecewise linear embedding": lambda: [PiecewiseLinearEmbedding(), *hidden("tanh")],
    "piecewise linear embedding inside": lambda: hidden(PiecewiseLinearEmbedding(5, n_bins=17), "tanh"),
    "piecewise linear embeddings of columns": lambda: [
        Columns(
            {
                "x": (0, 3, [Scale(), PiecewiseLinearEmbedding(33, n_bins=3)]),
                "codes": (1, 4, PiecewiseLinearEmbedding(1)),
            }
        ),
        *hidden("tanh"),
    ],
    "columns inside": lambda: hidden(Columns({"left": (0, 5, Dense(4)), "right": (3, 9, "silu")})),
    "softmax inside": lambda: hidden("softmax"),
    "wide": lambda: [Dense(70), "tanh", Dense(33), "relu", Dense(2)],
    "one": lambda: [Dense(1), "tanh", Dense(2)],
}


@DTYPES
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name: str, dtype: str) -> None:
    compare(LAYERS[name], dtype, NUMBERS, loss=SquaredError(), optimizer=SGD(learning_rate=0.02), batch_size=40)


DISTRIBUTIONS = np.abs(Random(4).normal((N_ROWS, 3)))
DISTRIBUTIONS /= DISTRIBUTIONS.sum(axis=1, keepdims=True)
LOSSES: list[tuple[Loss, Any, int]] = [
    (SquaredError(), NUMBERS, 2),
    (SquaredError(), NUMBERS[:, 0], 1),
    (SquaredError(reduction="half_sum"), NUMBERS, 2),
    (AbsoluteError(), NUMBERS, 2),
    (Huber(delta=0.4), NUMBERS, 2),
    (Quantile(levels=(0.1, 0.5, 0.95)), NUMBERS, 6),
    (Poisson(), CODES, 1),
    (BinaryCrossEntropy(), CODES == 1, 1),
    (BinaryCrossEntropy(), DISTRIBUTIONS, 3),
    (BinaryCrossEntropy(label_smoothing=0.1), CODES == 1, 1),
    (CrossEntropy(), CODES, 3),
    (CrossEntropy(label_smoothing=0.1), CODES, 3),
    (CrossEntropy(label_smoothing=0.2), DISTRIBUTIONS, 3),
    (CrossEntropy(), CODES, 20),
    (BinaryFocal(), CODES == 1, 1),
    (BinaryFocal(gamma=0.5), DISTRIBUTIONS, 3),
    (Focal(), CODES, 3),
    (Focal(gamma=0.5), CODES, 20),
]


@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", LOSSES, ids=lambda case: f"{case[0]!r}-{case[2]}")
def test_every_loss(case: tuple[Loss, Any, int], weighted: bool, dtype: str) -> None:
    loss, target, n_outputs = case
    rate = 1e-4 if getattr(loss, "reduction", "") == "half_sum" else 0.02
    compare(
        lambda: hidden("tanh", n_outputs=n_outputs),
        dtype,
        target,
        loss=loss,
        optimizer=SGD(learning_rate=rate),
        sample_weight=WEIGHT if weighted else None,
        batch_size=40,
    )


OPTIMIZERS: list[Optimizer] = [
    SGD(learning_rate=0.02),
    *(
        SGD(learning_rate=0.01, momentum=0.8, nesterov=nesterov, rate=rate)  # type: ignore[arg-type]
        for nesterov in (False, True)
        for rate in ("outside", "inside")
    ),
    Adam(learning_rate=0.005, epsilon=1e-3),
    Adam(learning_rate=0.005, epsilon=1e-3, correction="rate"),
    AdamW(learning_rate=0.005, epsilon=1e-3, weight_decay=0.1),
    RMSprop(learning_rate=0.002, epsilon=1e-2),
]


@DTYPES
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_every_optimizer(optimizer: Optimizer, dtype: str) -> None:
    def run(engine: str, n_steps: int) -> Network:
        network = Network(hidden("tanh"), n_inputs=4, rng=3, dtype=dtype)
        network.views(network.learning_rate_factor)["2.weight"][...] = 0.5
        network.views(network.learning_rate_factor)["0.bias"][...] = 0
        schedules: dict[str, Any] = {"learning_rate": Cosine()}
        if hasattr(optimizer, "weight_decay"):
            schedules["weight_decay"] = WarmUp()
        train(
            network,
            X,
            NUMBERS,
            loss=SquaredError(),
            optimizer=optimizer,
            epochs=n_steps,
            engine=engine,
            schedules=schedules,
            gradient_clip=0.5,
            average=0.9,
            penalty=Penalty(l1=0.001, l2=0.01),
        )
        return network

    for n_steps in STEPS:
        native, numpy = run("native", n_steps).parameters, run("numpy", n_steps).parameters
        np.testing.assert_allclose(native, numpy, rtol=0, atol=tolerance(n_steps, dtype))
    compare(lambda: hidden("tanh"), dtype, NUMBERS, loss=SquaredError(), optimizer=optimizer, batch_size=40)


@DTYPES
def test_lbfgs_drives_native_gradients(dtype: str) -> None:
    options: dict[str, Any] = {"loss": SquaredError(), "optimizer": LBFGS(), "epochs": 4, "penalty": Penalty(l2=0.01)}
    native, history = trained(lambda: hidden("tanh"), "native", dtype, NUMBERS, **options)
    numpy, reference = trained(lambda: hidden("tanh"), "numpy", dtype, NUMBERS, **options)
    assert history.engine == "native"
    np.testing.assert_allclose(history["loss"], reference["loss"], rtol=1000 * tolerance(1, dtype))
    np.testing.assert_allclose(native.parameters, numpy.parameters, atol=1000 * tolerance(1, dtype))


def everything() -> list[Any]:
    parts: dict[str, tuple[int, int, Layer]] = {
        "n": (0, 3, Scale()),
        "p": (0, 3, PeriodicEmbedding()),
        "q": (1, 4, PiecewiseLinearEmbedding(7, n_bins=20)),
        "c": (3, 4, Embedding(5, 3)),
    }
    return [
        Columns(parts),
        Dense(70, parametrization="ntk"),
        ActivationLayer("mish", parametric=True),
        Dropout(0.1),
        LayerNorm(),
        Residual([Dense(70), BatchNorm(), "gelu"]),
        Dense(3),
    ]


def digest(dtype: str = "float32", **options: Any) -> str:
    given: dict[str, Any] = {"epochs": 6, "batch_size": 40, **options}
    network, history = trained(
        everything, "native", dtype, CODES, loss=CrossEntropy(), optimizer=AdamW(), average=0.99, gradient_clip=0.7,
        schedules={"dropout_rate": Cosine(), "learning_rate": WarmUp()}, sample_weight=WEIGHT, **given,
    )  # fmt: skip
    figures = np.array([history["loss"], history["gradient_norm"]])
    return hashlib.sha256(network.parameters.tobytes() + network.buffers.tobytes() + figures.tobytes()).hexdigest()


@DTYPES
def test_the_same_bits_for_threads_instruction_sets_pauses_and_repeats(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digest(dtype)
    assert all(digest(dtype) == expected for _ in range(3))
    for threads in ("1", "2", "3"):
        for isa in INSTRUCTION_SETS:
            monkeypatch.setenv("PELLUCID_THREADS", threads)
            monkeypatch.setenv("PELLUCID_ISA", isa)
            assert digest(dtype) == expected
    monkeypatch.setenv("PELLUCID_THREADS", "1")
    monkeypatch.setenv("PELLUCID_CALL_SECONDS", "0")
    assert digest(dtype) == expected
    assert digest(dtype, callbacks=[lambda run: None]) == expected


def test_twice_five_epochs_are_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"loss": CrossEntropy(), "optimizer": Adam(), "batch_size": 40, "rng": 5}
    whole, halves = (Network(everything(), n_inputs=4, rng=3) for _ in range(2))
    train(whole, X, CODES, epochs=10, engine="native", **options)
    first = train(halves, X, CODES, epochs=5, total_epochs=10, engine="native", **options)
    train(halves, X, CODES, epochs=5, engine="native", resume=first, **options)
    np.testing.assert_array_equal(whole.parameters, halves.parameters)


@DTYPES
def test_the_predictor_gives_the_same_bits_row_by_row_and_equals_the_network(dtype: str) -> None:
    network, _ = trained(everything, "native", dtype, CODES, loss=CrossEntropy(), optimizer=Adam(), epochs=3)
    predictor = Predictor(network)
    outputs = predictor.predict(X)
    scale = float(np.abs(outputs).max())
    np.testing.assert_allclose(outputs, network.predict(X), rtol=0, atol=np.finfo(dtype).eps * 200 * scale)
    np.testing.assert_array_equal(outputs, [predictor.predict_one(row) for row in X])
    sevens = [predictor.predict(X[start : start + 7]) for start in range(0, N_ROWS, 7)]
    np.testing.assert_array_equal(outputs, np.concatenate(sevens))
    assert predictor.predict(X[:0]).shape == (0, 3)


def test_a_loss_that_is_not_finite_stops_at_its_step() -> None:
    messages = []
    for engine in ("native", "numpy"):
        network = Network(hidden("relu"), n_inputs=4, rng=3)
        optimizer = SGD(learning_rate=1e30)
        with pytest.raises(DivergenceError) as caught:
            train(network, X, NUMBERS, loss=SquaredError(), optimizer=optimizer, epochs=9, batch_size=40, engine=engine)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 64, 1000, 10_007])
def test_permutations_are_those_of_random(n: int) -> None:
    for rng in (Random(7), Random(2**64 - 1, layer=3, step=9)):
        np.testing.assert_array_equal(permutation(rng, n), rng.permutation(n))


class Unknown(Scale):
    """A layer that the engine does not know."""


def test_native_by_name_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network([Unknown(), Dense(2)], n_inputs=4)
    with pytest.raises(OptionError, match="Unknown"):
        train(network, X, NUMBERS, loss=SquaredError(), epochs=1, engine="native")
    history = train(network, X, NUMBERS, loss=SquaredError(), epochs=1)
    assert history.engine == "numpy" and "Unknown" in history.engine_reason
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    with pytest.raises(OptionError, match="PELLUCID_ENGINE"):
        train(Network([Dense(2)], n_inputs=4), X, NUMBERS, loss=SquaredError(), epochs=1, engine="native")
    assert os.environ["PELLUCID_ENGINE"] == "numpy"
