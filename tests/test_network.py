"""The network: one vector under many names, initialization, shapes and their messages, copies, and random stacks."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.activations import ReLU, Sigmoid, Tanh
from pellucid.errors import DataError, LayerShapeError, NotInitializedError, OptionError, ShapeError
from pellucid.initializers import UnitVariance
from pellucid.insight import gradient_check
from pellucid.layers import BatchNorm, Chain, Columns, Dense, Dropout, Embedding, Layer, LayerNorm, Residual, Scale
from pellucid.losses import CrossEntropy, Huber, Loss, Penalty, SquaredError
from pellucid.network import Network
from pellucid.random import Purpose, Random
from tests.tolerances import rounding


def numbers(*shape: int, seed: int = 0) -> Any:
    return Random(seed).normal(shape)


def table_network(dtype: str = "float64") -> Network:
    """Return a network for two numbers and a code of four colors."""
    first = Columns({"numbers": (0, 2, [Dense(3), BatchNorm()]), "color": (2, 3, Embedding(4, 2))})
    return Network([first, Residual([Dense(5), "tanh", Dense(5)]), Dropout(0.2), Dense(2)], n_inputs=3, dtype=dtype)


def table_rows(n_rows: int = 6) -> Any:
    rows = numbers(n_rows, 3)
    rows[:, 2] = np.arange(n_rows) % 4
    return rows


def test_names_nest_in_the_order_of_the_layers() -> None:
    network = table_network()
    assert list(network.named_parameters) == [
        "0.numbers.0.weight", "0.numbers.0.bias", "0.numbers.1.scale", "0.numbers.1.shift", "0.color.weight",
        "1.0.weight", "1.0.bias", "1.2.weight", "1.2.bias", "3.weight", "3.bias",
    ]  # fmt: skip
    assert list(network.named_buffers) == ["0.numbers.1.mean", "0.numbers.1.variance"]
    assert list(network.named_gradients) == list(network.named_parameters)


def test_the_views_and_the_vector_are_one_memory() -> None:
    network = table_network()
    assert network.parameters.size == sum(view.size for view in network.named_parameters.values())
    assert network.parameters.flags.c_contiguous
    network.parameters[...] = np.arange(network.parameters.size)
    joined = np.concatenate([view.ravel() for view in network.named_parameters.values()])
    np.testing.assert_array_equal(joined, network.parameters)
    for name, view in network.named_parameters.items():
        view[...] = -1.0
        assert (network.views(network.parameters)[name] == -1).all()
    assert (network.parameters == -1).all()
    embedding = network.layers[0].children["color"]
    assert np.shares_memory(embedding.parameters["weight"], network.parameters)
    assert np.shares_memory(embedding.gradients["weight"], network.gradients)
    assert np.shares_memory(network.layers[0].children["numbers"].children["1"].buffers["mean"], network.buffers)
    with pytest.raises(TypeError):
        network.named_parameters["new"] = network.parameters  # type: ignore[index]


def test_views_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"got shape \(3,\); it expects \(13,\)"):
        Network([Dense(3), Sigmoid(), Dense(1)], n_inputs=2).views(np.zeros(3))


def test_only_weights_are_decayed_and_everything_learns() -> None:
    network = table_network()
    decayed = {name for name, view in network.views(network.weight_decay_factor).items() if view.all()}
    assert decayed == {name for name in network.named_parameters if name.endswith("weight")}
    assert set(network.weight_decay_factor) == {0.0, 1.0}
    assert (network.learning_rate_factor == 1).all()


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    def weights(rng: int) -> Any:
        return Network([Dense(3), Tanh(), Dense(1)], n_inputs=2, rng=rng).named_parameters

    for name in ("0.weight", "2.weight"):
        np.testing.assert_array_equal(weights(5)[name], weights(5)[name])
        assert (weights(5)[name] != weights(6)[name]).all()
    network = Network([Dense(4), Dense(4)], n_inputs=4, rng=5)
    assert (network.named_parameters["0.weight"] != network.named_parameters["1.weight"]).all()
    one = Network([Dense(1, weight_initializer="normal", bias_initializer="normal")], n_inputs=1)
    assert one.parameters[0] != one.parameters[1]
    before = network.parameters.copy()
    np.testing.assert_array_equal(network.initialize().parameters, before)
    assert (network.initialize(rng=6).named_parameters["0.weight"] != before[:16].reshape(4, 4)).all()


def test_float32_starts_from_the_rounded_weights_of_float64() -> None:
    double, single = table_network(), table_network("float32")
    np.testing.assert_array_equal(double.parameters.astype(np.float32), single.parameters)


OF_25_BITS = 2 * 2.0**-25 * 4 * 4
"""What z of deviation 1 may be off by: up to 4 products of at most 4, of two factors rounded to 25 bits each."""


def test_weights_from_rows_have_to_wait_for_them() -> None:
    network = Network([Dense(4, weight_initializer="unit_variance"), "tanh", Dense(1)], n_inputs=3)
    assert not network.initialized
    with pytest.raises(NotInitializedError, match=r"call network.initialize\(X\), or train"):
        network.predict(np.zeros((2, 3)))
    X = 50 * numbers(40, 3) + 7
    network.initialize(X)
    z = X @ network.named_parameters["0.weight"]
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=OF_25_BITS)
    with pytest.raises(DataError):
        network.initialize(np.ones((5, 3)))
    assert not network.initialized


def test_rows_go_no_further_than_the_last_layer_that_starts_from_them() -> None:
    seen = []

    def forward(layer: Layer, x: Any) -> Any:
        seen.append(layer)
        return layer.forward(x)[0]

    layers = [Dense(4), "tanh", Dense(3, weight_initializer=UnitVariance()), "tanh", Dense(2)]
    network = Network(layers, n_inputs=3).initialize(np.eye(3), forward=forward)
    assert seen == list(network.layers[:2])


def test_rows_reach_the_layers_that_start_from_them() -> None:
    network = Network([Dense(4), "tanh", Dense(3, weight_initializer=UnitVariance())], n_inputs=3, rng=2)
    X = numbers(30, 3)
    network.initialize(X)
    hidden, _ = Chain(network.layers[:2]).forward(X)
    np.testing.assert_allclose((hidden @ network.named_parameters["2.weight"]).std(axis=0), 1.0, rtol=OF_25_BITS)


def test_a_layer_has_one_place() -> None:
    dense = Dense(2)
    with pytest.raises(OptionError, match=r"Dense\(2\) stands in two places.*network\.copy\(\)"):
        Network([dense, Tanh(), dense], n_inputs=2)
    held = Dense(3)
    Network([Residual([held])], n_inputs=3)
    with pytest.raises(OptionError, match="stands in two places"):
        Network([held], n_inputs=3)
    tanh = Tanh()
    Network([Dense(2), tanh, Dense(2), tanh], n_inputs=2)  # no weights, no conflict


MESSAGES: list[tuple[list[Layer], str]] = [
    (
        [Dense(64), Dense(32, n_inputs=60)],
        r"layer 1: Dense\(32, n_inputs=60\) got an input of 64 columns; it expects 60\. Give the layer before it 60 "
        r"outputs, or write n_inputs=64 here.* \(layer 0 \(Dense\(64\)\) before it has 64",
    ),
    ([Dense(3, n_inputs=4)], r"layer 0: Dense\(3, n_inputs=4\) got an input of 2 columns.*\(the input has 2 columns"),
    ([Residual([Dense(5)])], r"end with Dense\(2\)"),
    ([Embedding(3, 2)], r"Use Columns to give each column of codes an Embedding"),
    ([Columns({"a": (0, 3, Scale())})], r"got an input of 2 columns; it expects 3\. Shorten the slices"),
    ([Dense(2), Chain([Dense(3), Dense(1, n_inputs=2)])], r"layer 1: layer 1: Dense\(1, n_inputs=2\)"),
]


@pytest.mark.parametrize(("layers", "message"), MESSAGES)
def test_layers_that_do_not_fit_say_which_and_how_to_fix_it(layers: list[Layer], message: str) -> None:
    with pytest.raises(LayerShapeError, match=message):
        Network(layers, n_inputs=2)


@pytest.mark.parametrize(
    ("shape", "fix"), [((3,), r"X\[None, :\]"), ((5, 2), "Give it 3 columns"), ((2, 3, 1), "Give it 3 columns")]
)
def test_rows_that_do_not_fit_say_how_to_fix_it(shape: tuple[int, ...], fix: str) -> None:
    network = Network([Dense(1)], n_inputs=3)
    with pytest.raises(ShapeError, match=fix):
        network.predict(np.zeros(shape))


def test_n_inputs_may_come_from_the_first_layer_but_not_from_nowhere() -> None:
    assert Network([Dense(2, n_inputs=3)]).n_inputs == 3
    with pytest.raises(OptionError, match=r"n_inputs got None.*n_inputs=2"):
        Network([Dense(2)])
    with pytest.raises(OptionError, match="n_inputs got 0"):
        Network([Dense(2)], n_inputs=0)


@pytest.mark.parametrize("dtype", ["int64", "float16", "complex128"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(OptionError, match="it expects 'float32' or 'float64'"):
        Network([Dense(1)], n_inputs=1, dtype=dtype)


def test_a_network_needs_a_layer_and_only_layers() -> None:
    with pytest.raises(OptionError, match="a list"):
        Network([], n_inputs=1)
    with pytest.raises(OptionError, match="layers got"):
        Network([np.zeros(3)], n_inputs=1)  # type: ignore[list-item]
    with pytest.raises(OptionError, match="did you mean 'sigmoid'"):
        Network(["sigmoidd"], n_inputs=1)


def test_prediction_in_blocks_is_prediction() -> None:
    network = table_network()
    X = table_rows(11)
    whole, blocks = network.predict(X), network.predict(X, block_rows=4)
    np.testing.assert_allclose(blocks, whole, rtol=0, atol=rounding(5, scale=float(np.abs(whole).max())))
    assert network.predict(X[:0]).shape == (0, 2)
    np.testing.assert_array_equal(network.forward(X)[0], whole)


def test_loss_and_gradient_add_the_penalty_on_weights_only() -> None:
    network, X, y = table_network(), table_rows(), numbers(6, 2, seed=1)
    plain, gradient = network.loss_and_gradient(X, y, SquaredError())
    assert gradient is network.gradients
    gradient = gradient.copy()
    value, _ = network.loss_and_gradient(X, y, SquaredError(), penalty=Penalty(l2=0.5))
    weights = network.parameters * network.weight_decay_factor
    assert value == pytest.approx(plain + 0.25 * (weights**2).sum(), rel=1e-14)
    np.testing.assert_allclose(network.gradients, gradient + 0.5 * weights, rtol=1e-13)
    with pytest.raises(ShapeError, match="X has 5 rows and y has 6"):
        network.loss_and_gradient(X[:5], y, SquaredError())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sample_weights_of_another_dtype_do_not_change_the_networks(dtype: str) -> None:
    network = table_network(dtype)
    weight = np.array([1.0, 2.0, 0.0, 1.0, 1.0, 0.5])
    network.loss_and_gradient(table_rows(), numbers(6, 2), SquaredError(), sample_weight=weight)
    assert network.gradients.dtype == dtype
    value, _ = network.loss_and_gradient(table_rows(), numbers(6, 2), SquaredError(), sample_weight=weight)
    kept = [0, 1, 1, 3, 4, 5]
    weight_one = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
    twice, _ = network.loss_and_gradient(
        table_rows()[kept], numbers(6, 2)[kept], SquaredError(), sample_weight=weight_one
    )
    assert value == pytest.approx(twice, rel=rounding(64, dtype))


def test_buffers_change_only_when_their_update_is_applied() -> None:
    network, X = Network([BatchNorm(momentum=0.25)], n_inputs=2), numbers(5, 2) * 3 + 1
    before = network.buffers.copy()
    _, cache = network.forward(X, training=True)
    np.testing.assert_array_equal(network.buffers, before)
    network.apply_buffer_updates(cache)
    np.testing.assert_allclose(network.named_buffers["0.mean"], 0.25 * X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(network.named_buffers["0.variance"], 0.75 + 0.25 * X.var(axis=0, ddof=1), rtol=1e-14)
    frozen = network.buffers.copy()
    _, cache = network.forward(X, training=False)
    network.apply_buffer_updates(cache)
    np.testing.assert_array_equal(network.buffers, frozen)


def test_dropout_keeps_the_expectation_and_has_a_mask_per_layer_and_step() -> None:
    network = Network([Dropout(0.3), Dropout(0.3)], n_inputs=4)
    X, address = np.ones((5000, 4)), Random(1, Purpose.DROPOUT)
    outputs, (first, second) = network.forward(X, training=True, rng=address)
    assert set(np.unique(outputs.round(9))) == {0.0, round(1 / 0.49, 9)}
    assert outputs.mean() == pytest.approx(1.0, abs=5 * np.sqrt((1 / 0.49 - 1) / X.size))
    assert (first != second).any()
    assert (network.forward(X, training=True, rng=address.at(step=1))[1][0] != first).any()
    np.testing.assert_array_equal(network.forward(X, rng=address)[0], X)


def test_a_copy_is_equal_and_apart() -> None:
    network = table_network()
    network.named_buffers["0.numbers.1.mean"][...] = 3.0
    network.learning_rate_factor[:4] = 0.0
    network.weight_decay_factor[:2] = 0.5
    twin = network.copy()
    for name in ("parameters", "buffers", "learning_rate_factor", "weight_decay_factor"):
        np.testing.assert_array_equal(getattr(twin, name), getattr(network, name))
        assert not np.shares_memory(getattr(twin, name), getattr(network, name))
    np.testing.assert_array_equal(twin.predict(table_rows()), network.predict(table_rows()))
    twin.parameters[...] = 0
    assert network.parameters.any()
    np.testing.assert_array_equal(twin.initialize().parameters, table_network().parameters)


def test_a_copy_waits_for_rows_as_long_as_the_network_does() -> None:
    network = Network([Dense(1, weight_initializer="unit_variance")], n_inputs=2, rng=3)
    assert not network.copy().initialized
    network.initialize(numbers(5, 2))
    np.testing.assert_array_equal(network.copy().predict(numbers(5, 2)), network.predict(numbers(5, 2)))
    np.testing.assert_array_equal(
        network.copy().initialize(numbers(9, 2)).parameters, network.initialize(numbers(9, 2)).parameters
    )


def test_the_configuration_survives_json() -> None:
    network = table_network("float32")
    again = Network.from_config(json.loads(json.dumps(network.to_config())))
    assert again.to_config() == network.to_config()
    assert again.dtype == np.float32
    assert list(again.named_parameters) == list(network.named_parameters)


def test_the_summary_counts_what_learns() -> None:
    lines = table_network().summary().splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "0", "1", "2", "3", "all"]
    counts = [int(line.split()[-1]) for line in lines[1:]]
    assert sum(counts[:-1]) == counts[-1] == table_network().parameters.size
    assert "3 -> 5" in lines[1]


def test_the_repr_says_how_to_build_it() -> None:
    network = Network([Dense(3), ReLU(), Dense(1)], n_inputs=2, dtype="float32")
    assert repr(network) == "Network([Dense(3), ReLU(), Dense(1)], n_inputs=2, dtype='float32')"
    assert repr(eval(repr(network))) == repr(network)


SMOOTH = ["tanh", "sigmoid", "gelu", "silu", "softplus", "mish", "softmax"]
width = st.integers(1, 4)
piece = st.one_of(
    width.map(lambda n: lambda: Dense(n)),
    width.map(lambda n: lambda: Dense(n, bias=False, parametrization="ntk", weight_initializer="normal")),
    st.sampled_from(SMOOTH).map(lambda name: lambda: Chain([name])),
    st.sampled_from([lambda: Scale(), lambda: LayerNorm(epsilon=0.1), lambda: BatchNorm(epsilon=0.1)]),
    st.floats(0.0, 0.8).map(lambda rate: lambda: Dropout(rate)),
)
stacks = st.lists(piece, min_size=1, max_size=4)


def built(stack: list[Any], n_inputs: int, seed: int, dtype: str = "float64") -> Network:
    """Return the stack, then the stack around a shortcut where its sizes allow, then an output layer of two."""
    layers = [make() for make in stack]
    size = Chain(layers).output_size(n_inputs)
    network = Network([*layers, Residual([make() for make in stack] + [Dense(size)]), Dense(2)], n_inputs, dtype=dtype)
    network.parameters[...] += 0.2 * numbers(network.parameters.size, seed=seed)
    return network


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    stack=stacks, n_inputs=width, n_rows=st.integers(1, 6), seed=st.integers(0, 99), training=st.booleans(),
    loss=st.sampled_from([SquaredError(), Huber(delta=50.0), CrossEntropy()]), weighted=st.booleans(),
)  # fmt: skip
def test_every_stack_passes_the_gradient_check(
    stack: list[Any], n_inputs: int, n_rows: int, seed: int, training: bool, loss: Loss, weighted: bool
) -> None:
    network = built(stack, n_inputs, seed)
    target = np.arange(n_rows) % 2 if isinstance(loss, CrossEntropy) else numbers(n_rows, 2, seed=seed)
    weight = Random(seed).uniform((n_rows,), 0.1, 1.0) if weighted else None
    X = numbers(n_rows, n_inputs, seed=seed + 1)
    verdict = gradient_check(network, loss, X, target, training=training, sample_weight=weight)
    assert verdict, repr(verdict)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(stack=stacks, n_inputs=width, n_rows=st.integers(0, 5), dtype=st.sampled_from(["float32", "float64"]))
def test_every_stack_keeps_its_dtype_and_copies_with_equal_bits(
    stack: list[Any], n_inputs: int, n_rows: int, dtype: str
) -> None:
    network, X = built(stack, n_inputs, 7, dtype), numbers(n_rows, n_inputs)
    outputs, cache = network.forward(X, training=True, rng=Random(3))
    assert outputs.dtype == dtype
    assert outputs.shape == (n_rows, 2)
    assert network.backward(outputs, cache).dtype == dtype
    assert network.gradients.dtype == dtype
    twin = network.copy()
    np.testing.assert_array_equal(twin.predict(X), network.predict(X))
    again, _ = twin.forward(X, training=True, rng=Random(3))
    np.testing.assert_array_equal(again, outputs)


def test_sample_weights_may_be_a_list_and_fit_the_rows() -> None:
    network = Network([Dense(2)], n_inputs=3)
    X, y = numbers(4, 3), numbers(4, 2)
    by_list, _ = network.loss_and_gradient(X, y, SquaredError(), sample_weight=[1, 2, 0, 1])
    by_array, _ = network.loss_and_gradient(X, y, SquaredError(), sample_weight=np.array([1.0, 2.0, 0.0, 1.0]))
    assert by_list == by_array
    with pytest.raises(ShapeError, match=r"sample_weight has shape \(3,\); it expects \(4,\)"):
        network.loss_and_gradient(X, y, SquaredError(), sample_weight=np.ones(3))


def test_rows_that_are_no_numbers_are_refused() -> None:
    for X in ([["a", "b", "c"]], [[1.0, 2.0, 3.0], [1.0]]):
        with pytest.raises(DataError, match=r"X \(list\) is no table of numbers"):
            Network([Dense(2)], n_inputs=3).predict(X)


@pytest.mark.parametrize(
    ("parts", "message"),
    [({}, "got no parts"), ({"a": ("0", 1, Dense(1))}, "0 <= start < stop"), ({"a": (2, 1, Dense(1))}, "part 'a' is")],
)
def test_columns_that_do_not_fit_are_refused(parts: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Columns(parts)


def test_an_embedding_cannot_start_from_rows() -> None:
    with pytest.raises(OptionError, match=r"weight_initializer got 'unit_variance'.*such as 'normal'"):
        Embedding(3, 2, weight_initializer="unit_variance")


def test_a_batch_of_one_row_leaves_the_running_variance() -> None:
    network = Network([BatchNorm(momentum=0.5)], n_inputs=2)
    _, cache = network.forward(np.array([[4.0, 8.0]]), training=True)
    network.apply_buffer_updates(cache)
    assert network.named_buffers["0.mean"].tolist() == [2.0, 4.0]
    assert network.named_buffers["0.variance"].tolist() == [1.0, 1.0]


def test_numpy_options_do_not_widen_float32() -> None:
    loss = Huber(delta=np.float64(1.5))
    assert (type(loss.delta), repr(loss)) == (float, "Huber(delta=1.5)")
    value, gradient = loss.value_and_gradient(np.zeros((2, 1), np.float32), np.ones((2, 1), np.float32))
    assert (value, gradient.dtype) == (0.5, np.float32)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copied_network_has_vectors_and_views_of_its_own(copied: Any) -> None:
    network = Network([Dense(3), BatchNorm(), Dense(1)], n_inputs=2, rng=5)
    twin = copied(network)
    assert twin.rng == network.rng
    np.testing.assert_array_equal(twin.parameters, network.parameters)
    twin.parameters[...] = 0
    assert not twin.named_parameters["0.weight"].any()  # still a view
    assert not twin.layers[0].parameters["weight"].any()
    assert network.parameters.any()
