"""What every layer must do, as functions that raise AssertionError for the contract tests and their own tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.insight import gradient_check, trace
from pellucid.layers import Dense, Layer, Scale
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.random import Purpose, Random
from tests.contracts.examples import LayerExample, numbers
from tests.contracts.ledger_checks import check_differences as check_differences_of
from tests.contracts.ledger_checks import check_entries, explained
from tests.tolerances import STEP, difference, rounding

MASK = Random(11, Purpose.DROPOUT)
N_ROWS = 7


def bound(example: LayerExample, dtype: Any = np.float64) -> tuple[Network, Layer]:
    """Return the layer with a network of its own, with parameters and buffers at no special values."""
    network = Network([example.make()], example.n_inputs, rng=3, dtype=dtype)
    if not network.initialized:
        network.initialize(example.rows(N_ROWS, seed=21))
    network.parameters[...] += 0.3 * numbers(network.parameters.size, seed=8).astype(dtype)
    network.buffers[...] += (0.3 * np.abs(numbers(network.buffers.size, seed=9))).astype(dtype)
    return network, network.layers[0]


def check_gradient(example: LayerExample, training: bool) -> None:
    """The slopes equal central differences of Σ dy y, element by element and along a random direction."""
    network, layer = bound(example)
    x = example.rows(N_ROWS)
    y, cache = layer.forward(x, training=training, rng=MASK)
    dy = numbers(*y.shape, seed=10)
    dx = layer.backward(dy, cache)
    assert dx is not None
    slopes = np.concatenate([dx.ravel(), network.gradients])

    free = np.ones_like(x, dtype=bool)
    free[:, list(example.codes)] = False  # a code has no neighbors to difference with, so its slope is 0
    assert (dx[~free] == 0).all()
    moves = np.concatenate([free.ravel(), np.ones(network.parameters.size, dtype=bool)])
    start = np.concatenate([x.ravel(), network.parameters])

    def value(point: Any) -> Any:
        network.parameters[...] = point[x.size :]
        return (layer.forward(point[: x.size].reshape(x.shape), training=training, rng=MASK)[0] * dy).sum()

    def slope(direction: Any) -> Any:
        return (value(start + STEP * direction) - value(start - STEP * direction)) / (2 * STEP)

    scale = float(np.abs(y * dy).sum() + np.abs(slopes).max())
    for index in np.flatnonzero(moves):
        assert abs(slopes[index] - slope(np.eye(1, start.size, index)[0])) <= difference(scale), f"element {index}"
    direction = numbers(start.size, seed=12) * moves
    direction /= max(float(np.linalg.norm(direction)), 1.0)
    assert abs(slopes @ direction - slope(direction)) <= difference(scale), "random direction"


def check_gradient_in_network(example: LayerExample, training: bool) -> None:
    """Between other layers and under a loss, the gradient check passes."""
    layers = [example.make(), Dense(2)] if example.codes else [Dense(example.n_inputs), example.make(), Dense(2)]
    network = Network(layers, example.n_inputs, rng=3)
    network.initialize(example.rows(N_ROWS, seed=21))
    network.parameters[...] += 0.3 * numbers(network.parameters.size, seed=8)
    verdict = gradient_check(
        network, SquaredError(), example.rows(N_ROWS), numbers(N_ROWS, 2, seed=13), training=training
    )
    assert verdict, repr(verdict)


def check_shapes(example: LayerExample, n_rows: int) -> None:
    """Outputs, slopes and gradients have the declared shapes and are finite, also for no rows and for one."""
    network, layer = bound(example)
    x = example.rows(n_rows)
    for training in (False, True):
        y, cache = layer.forward(x, training=training, rng=MASK)
        assert y.shape == (n_rows, layer.output_size(example.n_inputs))
        network.gradients[...] = np.nan
        dx = layer.backward(np.ones_like(y), cache)
        assert dx is not None
        assert dx.shape == x.shape
        assert np.isfinite(y).all()
        assert np.isfinite(dx).all()
        assert np.isfinite(network.gradients).all()
        assert n_rows or (network.gradients == 0).all()
        for name, value in layer.buffer_updates(cache).items():
            assert np.isfinite(value).all()
            assert value.shape == network.named_buffers[f"0.{name}"].shape


def check_dtype(example: LayerExample) -> None:
    """float32 and float64 stay what they are, and agree as far as float32 goes."""
    found: dict[str, list[Any]] = {}
    for dtype in (np.float32, np.float64):
        network, layer = bound(example, dtype)
        for training in (False, True):
            y, cache = layer.forward(example.rows(N_ROWS).astype(dtype), training=training, rng=MASK)
            dx = layer.backward(numbers(*y.shape, seed=10).astype(dtype), cache)
            assert dx is not None
            arrays = [y, dx, *layer.gradients.values(), *layer.buffer_updates(cache).values()]
            assert all(array.dtype == dtype for array in arrays), [array.dtype for array in arrays]
            found.setdefault(np.dtype(dtype).name, []).extend([*arrays, network.gradients.copy()])
    for single, double in zip(found["float32"], found["float64"], strict=True):
        scale = 8 * max(
            1.0, float(np.abs(double).max(initial=0))
        )  # 8: what intermediate numbers may exceed the result by
        np.testing.assert_allclose(single, double, rtol=0, atol=rounding(N_ROWS * example.n_inputs, np.float32, scale))


def check_purity(example: LayerExample) -> None:
    """Nothing given is changed, two calls give the same bits, the layer keeps nothing, gradients are overwritten."""
    network, layer = bound(example)
    x, other = example.rows(N_ROWS), example.rows(N_ROWS + 2, seed=20)
    for training in (False, True):
        before = [network.parameters.copy(), network.buffers.copy(), x.copy()]
        y, cache = layer.forward(x, training=training, rng=MASK)
        dy = numbers(*y.shape, seed=10)
        x.setflags(write=False)
        dy.setflags(write=False)
        first = y.copy()
        dx = layer.backward(dy, cache)
        assert dx is not None
        slopes = [dx.copy(), network.gradients.copy()]
        again, _ = layer.forward(x, training=training, rng=MASK)
        layer.forward(other, training=training, rng=MASK)  # must not disturb the cache of x
        network.gradients[...] = np.nan
        dx_again = layer.backward(dy, cache)
        for old, new in zip(
            [*before, first, *slopes],
            [network.parameters, network.buffers, x, again, dx_again, network.gradients],
            strict=True,
        ):
            np.testing.assert_array_equal(old, new)
        network.gradients[...] = np.nan
        layer.backward(dy, cache, input_gradient=False)
        np.testing.assert_array_equal(network.gradients, slopes[1])


def check_one_forward_path(example: LayerExample) -> None:
    """Prediction is `forward` with training=False: no randomness, and each row by itself."""
    network, layer = bound(example)
    x = example.rows(N_ROWS)
    y, _ = layer.forward(x, training=False, rng=MASK)
    np.testing.assert_array_equal(y, network.predict(x))
    np.testing.assert_array_equal(y, layer.forward(x)[0])
    scale = max(1.0, float(np.abs(y).max()))
    np.testing.assert_allclose(network.predict(x[2:3]), y[2:3], rtol=0, atol=rounding(x.size, scale=scale))


def check_ledger(example: LayerExample, training: bool, dtype: Any = np.float64) -> None:
    """The layer explains itself: each number of its passage follows from the numbers that its formula names."""
    network, _ = bound(example, dtype)
    entries, given = explained(network, example.rows(N_ROWS).astype(dtype), training, MASK)
    assert len(entries) >= 2 + len(network.named_parameters)
    check_entries(entries, given, drawn="Kκωλδμζπσχψθ", dtype=dtype)


def check_differences(example: LayerExample) -> None:
    """In a trace, beside every slope stands its finite difference: of what enters, of what is inside, of parameters."""
    before = [Scale()] if example.codes else [Dense(example.n_inputs), "tanh"]
    network = Network([*before, example.make(), Dense(2)], example.n_inputs, rng=3)
    network.parameters[...] += 0.3 * numbers(network.parameters.size, seed=8) * (not example.codes)
    found = trace(network, example.rows(N_ROWS), numbers(N_ROWS, 2, seed=13), loss=SquaredError())
    assert check_differences_of(found, codes=bool(example.codes)) > 0


CHECKS = {
    "gradient": lambda example: check_gradient(example, training=False),
    "gradient, training": lambda example: check_gradient(example, training=True),
    "gradient in a network": lambda example: check_gradient_in_network(example, training=False),
    "gradient in a network, training": lambda example: check_gradient_in_network(example, training=True),
    "no rows": lambda example: check_shapes(example, 0),
    "one row": lambda example: check_shapes(example, 1),
    "rows": lambda example: check_shapes(example, N_ROWS),
    "dtype": check_dtype,
    "purity": check_purity,
    "one forward path": check_one_forward_path,
    "differences": check_differences,
    "ledger": lambda example: check_ledger(example, training=False),
    "ledger, training": lambda example: check_ledger(example, training=True),
    "ledger, float32": lambda example: check_ledger(example, training=True, dtype=np.float32),
}
