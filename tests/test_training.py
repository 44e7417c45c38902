"""The training loop: batches, orders, weights, schedules, clipping, averages, resuming, divergence, and its table."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError, ShapeError
from pellucid.layers import BatchNorm, Dense, Dropout, Layer, Scale
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Huber, Penalty, SquaredError
from pellucid.network import Network
from pellucid.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop, SearchingOptimizer
from pellucid.random import Purpose, Random
from pellucid.schedules import Cosine, Exponential, Schedule, WarmUp
from pellucid.training import R2, Accuracy, Callback, EarlyStopping, History, RootMeanSquaredError, Run, train
from tests.tolerances import rounding

X = Random(1).normal((20, 3))
Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
LOSS = SquaredError()


def network(*middle: Layer, seed: int = 0, dtype: str = "float64") -> Network:
    return Network([Dense(6), *middle, "tanh", Dense(2)], n_inputs=3, rng=seed, dtype=dtype)


class Seen(Callback):
    """Keep the weights, the rates and the number of steps as training goes."""

    def begin(self, run: Run) -> None:
        self.weights: list[Any] = []

    def after_step(self, run: Run) -> None:
        self.weights.append(run.network.parameters.copy())


class Listening(SGD):
    """An optimizer that notes the rates it is given, and the gradients."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rates: list[dict[str, Any]] = []
        self.gradients: list[Any] = []

    def step(self, parameters: Any, gradients: Any, state: Any, rates: Any = None) -> None:
        self.rates.append(dict(rates))
        self.gradients.append(gradients.copy())
        super().step(parameters, gradients, state, rates)


def test_training_lowers_the_loss_and_is_the_same_bits_again() -> None:
    first, second = network(Dropout(0.1)), network(Dropout(0.1))
    options: dict[str, Any] = {"loss": LOSS, "optimizer": "adam", "epochs": 30, "batch_size": 6, "rng": 3}
    history, again = train(first, X, Y, **options), train(second, X, Y, **options)
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert history["loss"] == again["loss"]
    assert history["loss"][-1] < history["loss"][0]
    other = network(Dropout(0.1))
    train(other, X, Y, **{**options, "rng": 4})
    assert (other.parameters != first.parameters).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop", "lbfgs"])
def test_a_network_keeps_its_dtype(dtype: str, optimizer: str) -> None:
    trained = network(BatchNorm(), dtype=dtype)
    given = trained.parameters
    weight = np.linspace(0.5, 1.5, 20)
    history = train(
        trained, X, Y, loss=LOSS, optimizer=optimizer, epochs=3, sample_weight=weight, penalty=Penalty(l2=0.01)
    )
    assert trained.parameters is given
    assert trained.parameters.dtype == trained.buffers.dtype == trained.gradients.dtype == dtype
    assert all(array.dtype == dtype for array in history.state.optimizer.values() if array.ndim)


def test_a_whole_table_batch_keeps_the_tables_order() -> None:
    ordered, explicit, shuffled = network(), network(), network()
    train(ordered, X, Y, loss=LOSS, epochs=3)
    train(explicit, X, Y, loss=LOSS, epochs=3, order=np.arange(20))
    np.testing.assert_array_equal(ordered.parameters, explicit.parameters)
    train(shuffled, X, Y, loss=LOSS, epochs=3, batch_size=19)
    assert (ordered.parameters != shuffled.parameters).any()


class Recording(Scale):
    """A layer that notes the rows of each step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.batches: list[Any] = []

    def forward(self, x: Any, *, training: bool = False, **how: Any) -> Any:
        if training:
            self.batches.append(x.copy())
        return super().forward(x, training=training, **how)


def test_every_epoch_is_a_new_permutation_of_the_rows() -> None:
    recording = Recording()
    rows = np.arange(20.0)[:, None]
    still = SGD(learning_rate=0.0)
    watched = Network([recording, Dense(1)], n_inputs=1)
    train(watched, rows, rows, loss=LOSS, optimizer=still, epochs=3, batch_size=6, rng=8)
    assert [len(batch) for batch in recording.batches] == [6, 6, 6, 2] * 3
    epochs = np.concatenate(recording.batches)[:, 0].reshape(3, 20)
    for epoch, visited in enumerate(epochs):
        np.testing.assert_array_equal(visited, Random(8, Purpose.SHUFFLE, step=epoch).permutation(20))
    assert len({tuple(visited) for visited in epochs}) == 3


def test_every_step_has_a_dropout_mask_of_its_own() -> None:
    recording, ones = Recording(), np.ones((40, 1))
    dropped = Network([Dropout(0.5), recording, Dense(1)], n_inputs=1)
    train(dropped, ones, ones, loss=LOSS, epochs=3, batch_size=20, rng=8)
    assert len({tuple(batch[:, 0]) for batch in recording.batches}) == 6


ORDER = np.stack([np.roll(np.arange(20)[::-1], 3 * epoch) for epoch in range(4)])


@pytest.mark.parametrize(
    "order", [ORDER, ORDER.tolist(), lambda epoch: ORDER[epoch]], ids=["array", "list", "function"]
)
def test_every_form_of_an_explicit_order_visits_the_same_rows(order: Any) -> None:
    by_hand, given = network(), network()
    optimizer = SGD(learning_rate=0.05)
    for rows in ORDER:
        for start in range(0, 20, 7):  # the last batch is smaller
            batch = rows[start : start + 7]
            by_hand.loss_and_gradient(X[batch], Y[batch], LOSS, training=True)
            optimizer.step(by_hand.parameters, by_hand.gradients, {})
    train(given, X, Y, loss=LOSS, optimizer=optimizer, epochs=4, batch_size=7, order=order, engine="numpy")
    np.testing.assert_array_equal(given.parameters, by_hand.parameters)


def test_an_order_may_leave_rows_out() -> None:
    some, sliced = network(), network()
    train(some, X, Y, loss=LOSS, epochs=2, order=[4, 2, 7])
    train(sliced, X[[4, 2, 7]], Y[[4, 2, 7]], loss=LOSS, epochs=2)
    np.testing.assert_array_equal(some.parameters, sliced.parameters)


def test_sample_weights_are_rows_given_more_than_once() -> None:
    times = np.arange(20) % 3
    weighted, repeated = network(), network()
    rows = np.repeat(np.arange(20), times)
    optimizer = SGD(learning_rate=0.1)
    one = train(weighted, X, Y, loss=LOSS, optimizer=optimizer, epochs=5, sample_weight=times)
    two = train(repeated, X[rows], Y[rows], loss=LOSS, optimizer=optimizer, epochs=5)
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=0, atol=1e-13)
    np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-12)


def test_a_batch_whose_weights_are_all_zero_is_no_step() -> None:
    weight = np.r_[np.zeros(10), np.ones(10)]
    seen = Seen()
    trained = network()
    start = trained.parameters.copy()
    train(
        trained, X, Y, loss=LOSS, epochs=1, batch_size=10, order=np.arange(20), sample_weight=weight, callbacks=[seen]
    )
    np.testing.assert_array_equal(seen.weights[0], start)
    assert (seen.weights[1] != start).any()


def test_the_loss_of_an_epoch_is_that_of_its_batches_together() -> None:
    still = network()
    history = train(
        still, X, Y, loss=LOSS, optimizer=SGD(learning_rate=0.0), epochs=1, batch_size=8, metrics=["rmse", "r2"]
    )
    value, _ = LOSS.value_and_gradient(still.predict(X), Y)
    assert history["loss"][0] == pytest.approx(value, rel=1e-13)
    assert history["rmse"][0] == pytest.approx(math.sqrt(value), rel=1e-13)
    weight = Random(5).uniform((20,))
    history = train(
        still, X, Y, loss=LOSS, optimizer=SGD(learning_rate=0.0), epochs=1, batch_size=8, sample_weight=weight
    )
    assert history["loss"][0] == pytest.approx(LOSS.value_and_gradient(still.predict(X), Y, weight)[0], rel=1e-13)


def test_schedules_drive_the_rates_by_name() -> None:
    listening = Listening(learning_rate=0.1)
    schedules: dict[str, Schedule] = {"learning_rate": Cosine(), "dropout_rate": Exponential(final=0.1)}
    trained = network(Dropout(0.5))
    history = train(trained, X, Y, loss=LOSS, optimizer=listening, epochs=4, batch_size=7, schedules=schedules)
    n_steps = 4 * 3  # the last batch of an epoch is smaller, and a step all the same
    for name, schedule in schedules.items():
        assert [rates[name] for rates in listening.rates] == [schedule.factor(step, n_steps) for step in range(n_steps)]
    assert history["learning_rate"] == [0.1 * Cosine().factor(step, n_steps) for step in (2, 5, 8, 11)]


def test_a_scheduled_dropout_rate_changes_the_masks() -> None:
    layer = Dropout(0.5)
    x, address = np.ones((4000, 1)), Random(2)
    for factor in (1.0, 0.4, 0.0):
        y, _ = layer.forward(x, training=True, rng=address, rates={"dropout_rate": factor})
        rate = 0.5 * factor
        assert (y == 0).mean() == pytest.approx(rate, abs=5 * math.sqrt(rate * (1 - rate) / 4000))
        assert y[y != 0] == pytest.approx(1 / (1 - rate))


def test_a_scheduled_weight_decay_pulls_on_weights_only() -> None:
    def shrunk(schedules: dict[str, Schedule]) -> Network:
        still = network()
        still.parameters[...] = 1.0
        target = still.predict(X)  # slopes of 0, so that only the decay moves
        optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
        train(still, X, target, loss=LOSS, optimizer=optimizer, epochs=1, schedules=schedules, engine="numpy")
        return still

    weights = network().weight_decay_factor == 1
    for schedules, factor in (({}, 1.0), ({"weight_decay": WarmUp(share=0.5)}, 0.5)):
        parameters = shrunk(schedules).parameters
        np.testing.assert_allclose(parameters[weights], 1 - 0.1 * 0.5 * factor, rtol=1e-15)
        np.testing.assert_array_equal(parameters[~weights], 1.0)


@pytest.mark.parametrize(
    ("name", "optimizer", "message"),
    [
        ("learning_rat", "sgd", "did you mean 'learning_rate'"),
        ("weight_decay", "sgd", r"which neither SGD\(\) nor the layers have; there are 'learning_rate'"),
        ("dropout_rate", "adamw", "there are 'learning_rate', 'weight_decay'"),
    ],
)
def test_a_schedule_that_drives_nothing_is_refused(name: str, optimizer: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        train(network(), X, Y, loss=LOSS, optimizer=optimizer, schedules={name: Cosine()})


def test_a_schedule_must_be_one() -> None:
    with pytest.raises(OptionError, match=r"schedules\['learning_rate'\] got 0.5 .* or a Schedule"):
        train(network(), X, Y, loss=LOSS, schedules={"learning_rate": 0.5})  # type: ignore[dict-item]


def test_names_stand_for_default_options() -> None:
    by_name, by_object = network(), network()
    train(by_name, X, Y, loss="huber", optimizer="adam", epochs=4, schedules={"learning_rate": "cosine"})
    train(by_object, X, Y, loss=Huber(), optimizer=Adam(), epochs=4, schedules={"learning_rate": Cosine()})
    np.testing.assert_array_equal(by_name.parameters, by_object.parameters)


def test_each_iteration_of_lbfgs_evaluates_the_objective_little_more_than_once() -> None:
    recording = Recording()
    train(network(recording), X, Y, loss=LOSS, optimizer="lbfgs", epochs=20)
    assert 20 < len(recording.batches) < 30  # one for the start, one for each step, and a few steps that search


def test_a_schedule_stays_at_its_end_when_training_goes_on() -> None:
    listening, trained = Listening(learning_rate=0.1), network()
    schedules = {"learning_rate": Cosine()}
    first = train(trained, X, Y, loss=LOSS, optimizer=listening, epochs=4, schedules=schedules)
    train(trained, X, Y, loss=LOSS, optimizer=listening, epochs=3, schedules=schedules, resume=first)
    assert [rates["learning_rate"] for rates in listening.rates[3:]] == [Cosine().factor(3, 4)] * 4


def test_gradient_clipping_shortens_long_gradients_only() -> None:
    free, clipped = Listening(), Listening()
    train(network(), X, 10 * Y, loss=LOSS, optimizer=free, epochs=1)
    norm = float(np.linalg.norm(free.gradients[0]))
    history = train(network(), X, 10 * Y, loss=LOSS, optimizer=clipped, epochs=1, gradient_clip=norm / 4)
    np.testing.assert_allclose(clipped.gradients[0], free.gradients[0] / 4, rtol=1e-13)
    assert history["gradient_norm"][0] == pytest.approx(norm / 4)
    loose = Listening()
    train(network(), X, 10 * Y, loss=LOSS, optimizer=loose, epochs=1, gradient_clip=2 * norm)
    np.testing.assert_array_equal(loose.gradients[0], free.gradients[0])


def test_frozen_weights_keep_their_bits_under_every_rule() -> None:
    for optimizer in ("sgd", "adam", "adamw", "rmsprop", "lbfgs"):
        trained = network()
        trained.views(trained.learning_rate_factor)["0.weight"][:, 1:] = 0.0
        before = trained.named_parameters["0.weight"].copy()
        train(trained, X, Y, loss=LOSS, optimizer=optimizer, epochs=3, penalty=Penalty(l2=0.1))
        moved = trained.named_parameters["0.weight"] != before
        assert moved[:, 0].all()
        assert not moved[:, 1:].any()


def test_the_average_follows_the_weights_and_is_used_at_the_end() -> None:
    seen, trained = Seen(), network()
    average = trained.parameters.copy()
    judged: list[Any] = []
    history = train(
        trained, X, Y, loss=LOSS, epochs=5, batch_size=5, average=0.7, X_val=X, y_val=Y,
        callbacks=[seen, lambda run: judged.append(run.network.parameters.copy())],
    )  # fmt: skip
    after_epoch = []
    for step, weights in enumerate(seen.weights):
        average += (1 - min(0.7, (1 + step) / (10 + step))) * (weights - average)
        if step % 4 == 3:
            after_epoch.append(average.copy())
    np.testing.assert_allclose(trained.parameters, average, rtol=1e-14)
    np.testing.assert_allclose(judged, after_epoch, rtol=1e-14)
    np.testing.assert_array_equal(history.state.parameters, seen.weights[-1])
    value, _ = LOSS.value_and_gradient(trained.predict(X), Y)
    assert history["validation_loss"][-1] == pytest.approx(value, rel=rounding(Y.size))


RESUMED: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: SGD(learning_rate=0.05),
    "nesterov": lambda: SGD(learning_rate=0.02, momentum=0.9, nesterov=True),
    "inside": lambda: SGD(learning_rate=0.02, momentum=0.9, rate="inside"),
    "rmsprop": RMSprop,
    "adam": lambda: Adam(learning_rate=0.01),
    "adamw": lambda: AdamW(learning_rate=0.01),
    "lbfgs": lambda: LBFGS(memory=3),
}


@pytest.mark.parametrize("average", [None, 0.9])
@pytest.mark.parametrize("name", RESUMED)
def test_n_epochs_and_n_more_are_two_n_bit_for_bit(name: str, average: float | None) -> None:
    optimizer = RESUMED[name]()
    whole_table = isinstance(optimizer, SearchingOptimizer)
    options: dict[str, Any] = {
        "loss": LOSS, "optimizer": optimizer, "batch_size": None if whole_table else 6, "rng": 9, "average": average,
        "X_val": X[:8], "y_val": Y[:8], "metrics": ["rmse"], "schedules": {"learning_rate": Cosine(final=0.1)},
        "total_epochs": 8, "penalty": Penalty(l2=0.001),
    }  # fmt: skip

    def start() -> tuple[Network, list[Callback]]:
        return network(BatchNorm(), Dropout(0.0 if whole_table else 0.2)), [EarlyStopping(patience=5, min_delta=1e-3)]

    whole, watchers = start()
    at_once = train(whole, X, Y, epochs=8, callbacks=watchers, **options)
    parts, watchers = start()
    history = train(parts, X, Y, epochs=4, callbacks=watchers, **options)
    parts.parameters[...] = 123.0  # what training needs is on the history, not left in the network or the callbacks
    parts.buffers[...] = 7.0
    history = train(parts, X, Y, epochs=4, callbacks=start()[1], resume=history, **options)

    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    np.testing.assert_array_equal(parts.buffers, whole.buffers)
    np.testing.assert_array_equal(history.state.parameters, at_once.state.parameters)
    assert len(history) == len(at_once)
    for column in ("epoch", "loss", "validation_loss", "rmse", "validation_rmse", "learning_rate", "gradient_norm"):
        assert history[column] == at_once[column], column
    assert (np.diff(history["seconds"]) > 0).all()


def test_resuming_does_not_change_the_history_that_it_resumes() -> None:
    trained = network()
    first = train(trained, X, Y, loss=LOSS, optimizer="adam", epochs=2)
    kept = first.state.optimizer["mean"].copy()
    train(trained, X, Y, loss=LOSS, optimizer="adam", epochs=2, resume=first)
    assert len(first) == 2
    assert first.state.epoch == 2
    np.testing.assert_array_equal(first.state.optimizer["mean"], kept)


def test_a_history_of_another_network_or_other_callbacks_is_refused() -> None:
    history = train(network(), X, Y, loss=LOSS, epochs=1)
    with pytest.raises(ShapeError, match="history of another network"):
        train(Network([Dense(2)], n_inputs=3), X, Y, loss=LOSS, resume=history)
    with pytest.raises(OptionError, match="resume has 0 callbacks and got 1"):
        train(network(), X, Y, loss=LOSS, resume=history, callbacks=[EarlyStopping(monitor="loss")])


def test_the_rows_are_not_changed() -> None:
    rows, target, weight = X.copy(), Y.copy(), np.ones(20)
    for array in (rows, target, weight):
        array.setflags(write=False)
    train(network(BatchNorm(), Dropout(0.2)), rows, target, loss=LOSS, epochs=2, batch_size=7, sample_weight=weight)


def test_training_initializes_from_the_rows_once() -> None:
    waiting = Network([Dense(4, weight_initializer="unit_variance"), "tanh", Dense(2)], n_inputs=3)
    by_hand = waiting.copy().initialize(X)
    still = SGD(learning_rate=0.0)
    train(waiting, X, Y, loss=LOSS, optimizer=still, epochs=1)
    np.testing.assert_array_equal(waiting.parameters, by_hand.parameters)
    waiting.parameters[...] = 0.5
    train(waiting, X, Y, loss=LOSS, optimizer=still, epochs=1)
    assert (waiting.parameters == 0.5).all()


def test_the_history_is_a_table() -> None:
    history = train(network(), X, Y, loss=LOSS, epochs=14, X_val=X, y_val=Y, metrics=[R2(), "rmse"])
    columns = [
        "epoch", "loss", "r2", "rmse", "validation_loss", "validation_r2", "validation_rmse", "learning_rate",
        "gradient_norm", "seconds",
    ]  # fmt: skip
    assert list(history.to_dict()) == columns
    assert history["epoch"] == list(range(1, 15))
    assert history[-1] == {name: history[name][-1] for name in columns}
    assert [row["loss"] for row in history] == history["loss"]
    assert len(history) == 14
    table = history.to_dict()
    table["loss"].append(0.0)
    assert len(history["loss"]) == 14
    lines = repr(history).splitlines()
    assert lines[0] == "History of 14 epochs"
    assert len(lines) == 2 + 5 + 1 + 5
    assert history.engine in ("native", "numpy")
    assert history.engine_reason
    assert train(network(), X, Y, loss=LOSS, epochs=1, engine="numpy").engine_reason == "asked for by name"
    with pytest.raises(OptionError, match="did you mean 'loss'"):
        history["los"]
    assert repr(History(history.state, "numpy", "")) == "History of 0 epochs"


def test_metrics_are_their_formulas() -> None:
    probabilities = np.array([[0.2], [0.7], [0.6], [0.5]])
    yes = np.array([[0.0], [1.0], [0.0], [0.0]])
    assert Accuracy().value(probabilities, yes) == 0.75
    assert Accuracy().value(probabilities, yes, np.array([1.0, 1.0, 4.0, 2.0])) == 0.5
    classes = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])
    assert Accuracy().value(classes, np.array([1, 2])) == 0.5
    assert Accuracy().value(classes, np.eye(3)[[1, 2]]) == 0.5
    labels = np.array([[0.9, 0.8, 0.1], [0.9, 0.1, 0.1]])
    assert Accuracy().value(labels, np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])) == 0.5
    predictions, target = np.array([[1.0], [3.0], [2.0]]), np.array([[1.0], [1.0], [4.0]])
    assert RootMeanSquaredError().value(predictions, target) == pytest.approx(math.sqrt(8 / 3))
    assert RootMeanSquaredError().value(predictions, target, np.array([2.0, 1.0, 1.0])) == pytest.approx(math.sqrt(2))
    assert R2().value(predictions, target) == pytest.approx(1 - 8 / 6)
    assert R2().value(target, target) == 1.0


def test_classification_end_to_end() -> None:
    inside = (np.square(X[:, :2]).sum(axis=1) < 1).astype(int)
    binary = Network([Dense(16), "tanh", Dense(1)], n_inputs=3, rng=1)
    history = train(
        binary,
        X,
        inside,
        loss=BinaryCrossEntropy(),
        optimizer=Adam(learning_rate=0.05),
        epochs=200,
        metrics=["accuracy"],
    )
    assert history["accuracy"][-1] == 1.0
    many = Network([Dense(16), "tanh", Dense(3)], n_inputs=3, rng=1)
    thirds = np.argmax(X, axis=1)
    history = train(
        many,
        X,
        thirds,
        loss=CrossEntropy(),
        optimizer=LBFGS(),
        epochs=60,
        metrics=["accuracy"],
        penalty=Penalty(l2=1e-4),
    )
    assert history["accuracy"][-1] == 1.0
    assert (np.diff(history["loss"]) <= 0).all()
