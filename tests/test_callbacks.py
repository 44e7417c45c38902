"""Callbacks: early stopping, the clock, the bar, any function, and an interrupted run."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from pellucid.errors import OptionError
from pellucid.layers import BatchNorm, Dense
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.optimizers import SGD
from pellucid.options import from_config, to_config
from pellucid.random import Random
from pellucid.training import Callback, EarlyStopping, History, ProgressBar, Run, TimeBudget, train

X = Random(1).normal((16, 2))
Y = X @ np.array([[1.0], [-2.0]]) + 0.5


class Fake(Callback):
    """Replace a column of the history by given figures and keep what each epoch's weights were."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.figures: list[float] = []
        self.column = "loss"
        self.weights: list[Any] = []

    def after_epoch(self, run: Run) -> None:
        run.history.columns.setdefault(self.column, [None] * (run.epoch - 1))
        run.history.columns[self.column] = [
            *run.history.columns[self.column][: run.epoch - 1],
            self.figures[run.epoch - 1],
        ]
        self.weights.append(run.network.parameters.copy())


def run_with(figures: list[float], stopping: EarlyStopping, column: str = "loss") -> tuple[Network, Fake, History]:
    fake = Fake()
    fake.figures, fake.column = figures, column
    network = Network([Dense(1)], n_inputs=2)
    history = train(network, X, Y, loss=SquaredError(), epochs=len(figures), callbacks=[fake, stopping], metrics=["r2"])
    return network, fake, history


@pytest.mark.parametrize(
    ("figures", "options", "best", "epochs"),
    [
        ([5, 4, 3, 4, 5, 6, 7], {"patience": 2}, 3, 5),
        ([5, 4, 3, 2, 1], {"patience": 2}, 5, 5),
        ([5, 6, 7, 4, 1], {"patience": 2}, 1, 3),
        ([5, 3, 3, 3, 3, 1], {"patience": 3}, 2, 5),
        ([5, 3, 3, 3, 3, 1], {"patience": 3, "last_of_ties": True}, 5, 5),
        ([5, 4.9, 4.8, 4.7, 1], {"patience": 3, "min_delta": 0.5}, 1, 4),
        ([5, 4.9, 4.4, 4.3, 1], {"patience": 3, "min_delta": 0.5}, 5, 5),
        ([1, 2, 3, 2, 2], {"patience": 2, "goal": "highest"}, 3, 5),
        ([float("nan"), 4, float("nan"), 3], {"patience": 2}, 4, 4),
    ],
)
def test_early_stopping_goes_back_to_the_best_epoch(
    figures: list[float], options: dict[str, Any], best: int, epochs: int
) -> None:
    stopping = EarlyStopping(monitor="loss", **options)
    network, fake, history = run_with(figures, stopping)
    assert len(history) == epochs
    assert stopping.state["best_epoch"] == best
    np.testing.assert_array_equal(network.parameters, fake.weights[best - 1])
    np.testing.assert_array_equal(history.state.parameters, fake.weights[-1])
    assert bool(history.stopped_by) == stopping.has_waited


def test_early_stopping_says_why_it_stopped() -> None:
    _, _, history = run_with([1, 2, 2, 9], EarlyStopping(monitor="loss", patience=2))
    assert history.stopped_by == "early stopping: loss did not improve for 2 epochs"
    assert "stopped by early stopping" in repr(history)


def test_the_metric_says_which_way_is_better() -> None:
    stopping = EarlyStopping(monitor="r2", patience=9)
    run_with([0.1, 0.9, 0.5], stopping, column="r2")
    assert stopping.state["best_epoch"] == 2
    with pytest.raises(OptionError, match="write goal='lowest' or 'highest'"):
        run_with([1.0, 2.0], EarlyStopping(monitor="gradient_norm"))


@pytest.mark.parametrize(
    ("monitor", "message"),
    [("validation_loss", "Pass X_val and y_val to train"), ("gradient_nrm", "did you mean 'gradient_norm'")],
)
def test_a_figure_that_is_not_recorded_is_refused(monitor: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        run_with([1.0], EarlyStopping(monitor=monitor))


def test_early_stopping_keeps_running_statistics_with_their_weights() -> None:
    network = Network([BatchNorm(), Dense(1)], n_inputs=2)
    kept: list[Any] = []
    stopping = EarlyStopping(monitor="loss", goal="highest", patience=3)  # the first epoch is the "best"
    train(
        network, X + 3, Y, loss=SquaredError(), optimizer=SGD(learning_rate=0.05), epochs=6,
        callbacks=[lambda run: kept.append((run.network.parameters.copy(), run.network.buffers.copy())), stopping],
    )  # fmt: skip
    np.testing.assert_array_equal(network.parameters, kept[0][0])
    np.testing.assert_array_equal(network.buffers, kept[0][1])
    assert (kept[-1][1] != kept[0][1]).any()


def test_one_object_serves_two_runs() -> None:
    stopping = EarlyStopping(monitor="loss", patience=2)
    first = run_with([1, 2, 3, 4], stopping)[2]
    second = run_with([1, 2, 3, 4], stopping)[2]
    assert len(first) == len(second) == 3


def test_the_time_budget_ends_training_at_a_step() -> None:
    network = Network([Dense(1)], n_inputs=2)

    class Slow(Callback):
        def after_step(self, run: Run) -> None:
            time.sleep(0.02)

    history = train(
        network, X, Y, loss=SquaredError(), epochs=10_000, batch_size=1, callbacks=[Slow(), TimeBudget(0.05)]
    )
    assert history.stopped_by == "the time budget of 0.05 s"
    assert len(history) == 1
    assert 2 <= history.state.step <= 4
    generous = train(network, X, Y, loss=SquaredError(), epochs=2, callbacks=[TimeBudget(60)])
    assert (len(generous), generous.stopped_by) == (2, "")


def test_any_function_is_a_callback() -> None:
    seen: list[int] = []

    def watch(run: Run) -> None:
        seen.append(run.epoch)
        assert run.epochs == 5
        if run.epoch == 3:
            run.stop("enough")
            run.stop("a later reason")

    history = train(Network([Dense(1)], n_inputs=2), X, Y, loss=SquaredError(), epochs=5, callbacks=[watch])
    assert seen == [1, 2, 3]
    assert history.stopped_by == "enough"


def test_the_hooks_are_called_in_turn() -> None:
    calls: list[str] = []

    class Diary(Callback):
        def begin(self, run: Run) -> None:
            calls.append("begin")

        def after_step(self, run: Run) -> None:
            calls.append("step")

        def after_epoch(self, run: Run) -> None:
            calls.append("epoch")

        def end(self, run: Run) -> None:
            calls.append("end")

    train(Network([Dense(1)], n_inputs=2), X, Y, loss=SquaredError(), epochs=2, batch_size=8, callbacks=[Diary()])
    assert calls == ["begin", *["step", "step", "epoch"] * 2, "end"]


@pytest.mark.parametrize("average", [None, 0.5])
def test_an_interrupted_run_leaves_the_best_weights(average: float | None) -> None:
    network, kept, ended = Network([BatchNorm(), Dense(1)], n_inputs=2), [], []

    class Watch(Callback):
        def after_epoch(self, run: Run) -> None:
            kept.append((run.history["loss"][-1], run.network.parameters.copy(), run.network.buffers.copy()))
            if run.epoch == 4:
                raise KeyboardInterrupt

        def end(self, run: Run) -> None:
            ended.append(run.history)

    with pytest.raises(KeyboardInterrupt):
        train(
            network, X, Y, loss=SquaredError(), epochs=9, average=average,
            callbacks=[EarlyStopping(monitor="loss", goal="highest"), Watch()],
        )  # fmt: skip
    _, parameters, buffers = max(kept, key=lambda row: row[0])
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.buffers, buffers)
    (history,) = ended
    assert len(history) == history.state.epoch == history.state.step == 4
    assert np.isfinite(network.predict(X)).all()
    go_on = train(network, X, Y, loss=SquaredError(), epochs=1, average=average)
    assert len(go_on) == 1


def test_the_progress_bar_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    train(Network([Dense(1)], n_inputs=2), X, Y, loss=SquaredError(), epochs=3, callbacks=[ProgressBar()])
    assert capfd.readouterr() == ("", "")


def test_the_progress_bar_shows_epochs_and_losses_on_a_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setenv("COLUMNS", "200")
    bar = ProgressBar(description="fitting")
    train(Network([Dense(1)], n_inputs=2), X, Y, loss=SquaredError(), epochs=3, X_val=X, y_val=Y, callbacks=[bar])
    out, shown = capfd.readouterr()
    assert out == ""
    assert "fitting" in shown
    assert "validation loss" in shown


def test_callbacks_travel_as_configuration() -> None:
    stopping = EarlyStopping(patience=7, last_of_ties=True)
    again = from_config(Callback, to_config(stopping))  # type: ignore[type-abstract]
    assert repr(again) == repr(stopping) == "EarlyStopping(patience=7, last_of_ties=True)"
    with pytest.raises(OptionError, match="patience got 0"):
        EarlyStopping(patience=0)
