"""How an estimator is trained: what is set aside, when it stops, what is kept, and that a seed says it all."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars
import pytest

from pellucid import EarlyStopping, TabularClassifier, TabularRegressor, TimeBudget
from pellucid.errors import DataError, OptionError, ShapeError, TargetError
from pellucid.estimators import recipe
from pellucid.estimators.cores import limited_cores
from pellucid.estimators.recipe import REFIT_BELOW, plan_training
from pellucid.training import Callback, Run

QUICK: dict[str, Any] = {"members": 1, "epochs": 4, "hidden_layer_sizes": (8,), "random_state": 0}


class Watcher(Callback):
    """Notes which hooks are called, and stops training in an epoch or at a step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.calls: list[str] = []
        self.last_epoch = self.last_step = 10**9
        self.steps = 0

    def begin(self, run: Run) -> None:
        self.calls.append("begin")

    def after_step(self, run: Run) -> None:
        self.steps += 1
        if self.steps >= self.last_step:
            run.stop("step")

    def after_epoch(self, run: Run) -> None:
        self.calls.append(f"epoch {run.epoch}")
        assert "validation_loss" in run.history.columns
        if run.epoch >= self.last_epoch:
            run.stop("epoch")

    def end(self, run: Run) -> None:
        self.calls.append("end")


def validation_loss(model: Any, X: Any, y: Any) -> float:
    """What the model's weights score on rows, computed anew."""
    outputs = model.network_.predict(model.encoder_.transform(X))
    target = model.loss_.check_target(model.target_.encode(y), model.network_.n_outputs, np.float32)
    return float(model.loss_.value_and_gradient(outputs, target)[0])


# -- rows to judge by --------------------------------------------------------------------------------------------------


def test_own_validation_rows_decide_and_no_row_is_set_aside(data: Any) -> None:
    table = polars.DataFrame(data.table)
    X, y, X_val, y_val = table[:40], data.number[:40], table[40:], data.number[40:]
    model = TabularRegressor(**{**QUICK, "epochs": 12}).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.plan_.n_rows == 40
    assert (model.plan_.refit, model.refitted_) == (False, False)
    losses = model.history_["validation_loss"]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))
    assert validation_loss(model, X_val, y_val) == pytest.approx(min(losses), rel=1e-6)
    assert model.target_.high == y.max()  # the range is that of the rows that train


def test_weights_of_validation_rows_are_used(data: Any) -> None:
    held = {"X_val": data.table, "y_val": data.number}
    weight = np.arange(60) < 30
    weighted = TabularRegressor(**QUICK).fit(data.table, data.number, **held, sample_weight_val=weight)
    table = polars.DataFrame(data.table)
    half = TabularRegressor(**QUICK).fit(data.table, data.number, X_val=table[:30], y_val=data.number[:30])
    assert weighted.history_["validation_loss"] == pytest.approx(half.history_["validation_loss"], rel=1e-5)


def test_wrong_use_of_validation_rows_is_refused(data: Any) -> None:
    table, y = data.table, data.classes
    model = TabularClassifier(**QUICK)
    for given in ({"X_val": table}, {"y_val": y}, {"sample_weight_val": np.ones(60)}):
        with pytest.raises(ShapeError, match="belong together"):
            model.fit(table, y, **given)
    with pytest.raises(ShapeError, match="X_val has 60 rows and y_val has 59"):
        model.fit(table, y, X_val=table, y_val=y[:-1])
    with pytest.raises(TargetError, match=r"row 0.*'violet' is no class that was learned"):
        model.fit(table, y, X_val=table, y_val=["violet"] * 60)
    with pytest.raises(DataError, match=r"no columns? '"):
        model.fit(table, y, X_val={"size": [1.0]}, y_val=["red"])
    with pytest.raises(DataError, match="X_val"):
        model.fit(table, y, X_val={name: [] for name in table}, y_val=[])


# -- the second training -----------------------------------------------------------------------------------------------


def test_a_small_table_is_trained_again_on_all_rows(data: Any) -> None:
    table = {**data.table, "only": [f"level {max(index, 1)}" for index in range(60)]}
    model = TabularRegressor(**QUICK, min_category_count=1).fit(table, data.number)
    assert (model.plan_.refit, model.refitted_) == (True, True)
    assert model.plan_.n_rows == 51
    assert "on all rows up to the best epoch" in model.plan_.reasons[-1]
    levels = {encoding.name: encoding.levels for encoding in model.encoder_.encodings if encoding.kind == "category"}
    assert len(levels["only"]) == 59  # also those of the rows that were set aside at first
    assert len(model.history_) == 4  # of the training that was judged


def test_a_large_table_is_trained_once(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan_training(REFIT_BELOW - 1).refit
    assert not plan_training(REFIT_BELOW).refit
    assert not plan_training(10, own_validation=True).refit
    monkeypatch.setattr(recipe, "REFIT_BELOW", 51)
    model = TabularRegressor(**QUICK).fit(data.table, data.number)
    assert not model.refitted_
    assert not any("again" in reason for reason in model.plan_.reasons)


def test_the_plan_gives_a_reason_for_each_choice(data: Any) -> None:
    model = TabularRegressor(random_state=0, members=1, hidden_layer_sizes=(4,), epochs=2).fit(data.table, data.number)
    assert [reason.split()[0] for reason in model.plan_.reasons] == ["batch_size", "a"]
    assert str(model.plan_.batch_size) in model.plan_.reasons[0]
    plan = plan_training(20_000)
    assert [reason.split()[0] for reason in plan.reasons] == ["batch_size", "epochs"]
    assert str(plan.epochs) in plan.reasons[1]
    assert plan_training(20_000, batch_size=7, epochs=3, own_validation=True).reasons == ()


def test_epochs_and_batch_size_are_heeded(data: Any) -> None:
    watcher = Watcher()
    model = TabularRegressor(**QUICK, batch_size=17, callbacks=[watcher]).fit(
        data.table, data.number, X_val=data.table, y_val=data.number
    )
    assert (model.plan_.batch_size, model.plan_.epochs) == (17, 4)
    assert watcher.steps == 4 * 4  # 60 rows in batches of 17
    assert len(model.history_) == 4


def test_the_history_has_its_columns(data: Any) -> None:
    history = TabularClassifier(**QUICK).fit(data.table, data.classes).history_
    names = {"epoch", "loss", "validation_loss", "learning_rate", "gradient_norm", "seconds"}
    assert set(history.columns) == names
    assert history["epoch"] == [1, 2, 3, 4]
    assert all(np.isfinite(history[name]).all() for name in names)
    assert history["learning_rate"] == sorted(history["learning_rate"], reverse=True)


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_patience_stops_training(data: Any) -> None:
    noise = np.random.default_rng(0).normal(size=60)
    model = TabularRegressor(random_state=0, members=1, epochs=200, patience=2, batch_size=8).fit(data.table, noise)
    assert model.history_.stopped_by.startswith("early stopping")
    assert len(model.history_) == model.best_epoch_ + 2 < 200
    assert model.refitted_  # to have waited is to be done
    patient = TabularRegressor(random_state=0, members=1, epochs=6, batch_size=8).fit(data.table, noise)
    assert (len(patient.history_), patient.history_.stopped_by) == (6, "")


def test_a_callback_that_stops_leaves_the_best_epoch_and_no_second_training(data: Any) -> None:
    watcher = Watcher()
    watcher.last_epoch = 3
    table = polars.DataFrame(data.table)
    model = TabularRegressor(**{**QUICK, "epochs": 50}, callbacks=[watcher]).fit(table, data.number)
    assert (len(model.history_), model.history_.stopped_by) == (3, "epoch")
    assert (model.plan_.refit, model.refitted_) == (True, False)
    assert watcher.calls == ["begin", "epoch 1", "epoch 2", "epoch 3", "end"]
    assert np.isfinite(model.predict(table)).all()
    watcher = Watcher()
    watcher.last_epoch = 3
    model = TabularRegressor(**{**QUICK, "epochs": 50, "learning_rate": 0.5}, callbacks=[watcher]).fit(
        table, data.number, X_val=table, y_val=data.number
    )
    losses = model.history_["validation_loss"]
    assert model.best_epoch_ == 1 + int(np.argmin(losses))
    assert validation_loss(model, table, data.number) == pytest.approx(min(losses), rel=1e-6)


def test_in_the_second_training_a_callback_sees_steps_only_and_can_stop_it(data: Any) -> None:
    watcher = Watcher()
    model = TabularRegressor(**QUICK, batch_size=17, callbacks=[watcher]).fit(data.table, data.number)
    assert watcher.calls == ["begin", "epoch 1", "epoch 2", "epoch 3", "epoch 4", "end"]
    first = 4 * 3  # 51 rows in batches of 17; then 60 rows to the best epoch
    assert watcher.steps == first + model.best_epoch_ * 4
    assert model.refitted_
    stopper = Watcher()
    stopper.last_step = first + 1
    stopped = TabularRegressor(**QUICK, batch_size=17, callbacks=[stopper]).fit(data.table, data.number)
    assert not stopped.refitted_
    alone = Watcher()
    alone.last_step = first
    once = TabularRegressor(**QUICK, batch_size=17, callbacks=[alone]).fit(data.table, data.number)
    np.testing.assert_array_equal(stopped.network_.parameters, once.network_.parameters)
    np.testing.assert_array_equal(stopped.predict(data.table), once.predict(data.table))


def test_callbacks_that_look_at_validation_losses_do_not_mind_the_second_training(data: Any) -> None:
    seen: list[float] = []
    callbacks = [
        EarlyStopping(patience=50),
        TimeBudget(1000.0),
        lambda run: seen.append(run.history["validation_loss"][-1]),
    ]
    model = TabularRegressor(**QUICK, callbacks=callbacks).fit(data.table, data.number)
    assert model.refitted_
    assert seen == model.history_["validation_loss"]


def test_an_interrupted_fit_leaves_no_model(data: Any) -> None:
    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    model = TabularRegressor(**QUICK, callbacks=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        model.fit(data.table, data.number)
    assert not hasattr(model, "network_")


@pytest.mark.parametrize("budget", [0.05, "0.05s", np.float64(0.05)])
def test_a_time_budget_is_kept(budget: Any, data: Any) -> None:
    began = time.perf_counter()
    model = TabularRegressor(random_state=0, members=1, epochs=100_000, time_budget=budget).fit(data.table, data.number)
    assert time.perf_counter() - began < 30  # 100,000 epochs take longer
    assert "time budget" in model.history_.stopped_by
    assert not model.refitted_
    assert np.isfinite(model.predict(data.table)).all()


def test_a_population_trains_fewer_epochs_than_are_allowed_where_a_time_budget_is_short(data: Any) -> None:
    began = time.perf_counter()
    model = TabularRegressor(random_state=0, epochs=100_000, time_budget=0.5).fit(data.table, data.number)
    assert time.perf_counter() - began < 30
    assert model.plan_.epochs <= 180
    assert TabularRegressor(random_state=0, epochs=3, time_budget=5).fit(data.table, data.number).plan_.epochs == 3


def test_a_time_budget_that_is_long_enough_changes_nothing(data: Any) -> None:
    plain = TabularRegressor(**QUICK).fit(data.table, data.number)
    timed = TabularRegressor(**QUICK, time_budget="1h").fit(data.table, data.number)
    np.testing.assert_array_equal(timed.network_.parameters, plain.network_.parameters)


def test_a_budget_over_before_training_still_gives_a_model(data: Any) -> None:
    model = TabularClassifier(random_state=0, members=1, time_budget=1e-9).fit(data.table, data.classes)
    assert "time budget" in model.history_.stopped_by
    assert 1 <= model.best_epoch_ <= len(model.history_) < model.plan_.epochs
    assert np.isfinite(model.predict_proba(data.table)).all()
    several = TabularClassifier(random_state=0, time_budget=1e-9).fit(data.table, data.classes)
    assert np.isfinite(several.predict_proba(data.table)).all()


# -- seeds -------------------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_bits_and_another_one_others(data: Any) -> None:
    def trained(seed: Any) -> Any:
        return TabularClassifier(**{**QUICK, "random_state": seed}).fit(data.table, data.classes)

    zero, one = trained(0), trained(1)
    np.testing.assert_array_equal(trained(0).network_.parameters, zero.network_.parameters)
    assert (one.network_.parameters != zero.network_.parameters).any()
    np.testing.assert_array_equal(trained(np.int64(1)).network_.parameters, one.network_.parameters)
    fresh, other = trained(None), trained(None)
    assert fresh.seed_ != other.seed_
    np.testing.assert_array_equal(trained(fresh.seed_).network_.parameters, fresh.network_.parameters)
    drawn = trained(np.random.RandomState(5))
    np.testing.assert_array_equal(trained(np.random.RandomState(5)).network_.parameters, drawn.network_.parameters)
    np.testing.assert_array_equal(trained(drawn.seed_).network_.parameters, drawn.network_.parameters)


def test_numpys_own_seed_plays_no_part(data: Any) -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = TabularClassifier(**QUICK).fit(data.table, data.classes)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    second = TabularClassifier(**QUICK).fit(data.table, data.classes)
    np.testing.assert_array_equal(first.network_.parameters, second.network_.parameters)


SCRIPT = """
import hashlib, numpy as np
from pellucid import TabularClassifier
rng = np.random.default_rng(0)
table = {"size": rng.normal(size=50), "city": [f"city {i}" for i in rng.integers(0, 20, 50)]}
model = TabularClassifier(members=2, epochs=3, random_state=3).fit(table, table["size"] > 0)
print(hashlib.sha256(model.network_.parameters.tobytes() + model.predict_proba(table).tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_another_process_gives_the_same_bits() -> None:
    found = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


# -- machine and terminal ----------------------------------------------------------------------------------------------


def limits() -> list[int]:
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("n_jobs", [1, 2, -1, -2, -1000, 2**32])
def test_n_jobs_limits_cores_while_it_works_and_not_after(n_jobs: int, data: Any) -> None:
    before = limits()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    meant = {1: 1, 2: min(2, cores), -1: cores, -2: max(1, cores - 1), -1000: 1, 2**32: cores}[n_jobs]
    within: dict[int, list[int]] = {}
    for number in (meant, n_jobs):
        model = TabularRegressor(**QUICK, n_jobs=number, callbacks=[lambda run, n=number: within.update({n: limits()})])
        model.fit(data.table, data.number).predict(data.table)
        assert limits() == before
    assert within[n_jobs] == within[meant]
    assert set(within[meant]) <= {meant}
    with pytest.raises(TargetError):
        model.fit(data.table, [None] * 60)
    assert limits() == before

    def fail(run: Run) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        TabularRegressor(**QUICK, n_jobs=n_jobs, callbacks=[fail]).fit(data.table, data.number)
    assert limits() == before


def test_nothing_is_printed_where_there_is_no_terminal(data: Any, capfd: pytest.CaptureFixture[str]) -> None:
    plain = TabularRegressor(**QUICK).fit(data.table, data.number)
    shown = TabularRegressor(**QUICK, verbose=True).fit(data.table, data.number)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    np.testing.assert_array_equal(shown.network_.parameters, plain.network_.parameters)


def test_a_callback_that_is_none_is_refused_before_training(data: Any) -> None:
    with pytest.raises(OptionError, match="callbacks got 'early'"):
        TabularRegressor(**QUICK, callbacks=["early"]).fit(data.table, data.number)


def test_threads_predict_the_same_bits_and_give_all_cores_back(data: Any) -> None:
    model = TabularRegressor(**QUICK).fit(data.table, data.number)
    before, expected = limits(), model.predict(data.table)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: model.predict(data.table), range(16)):
            np.testing.assert_array_equal(found, expected)
    assert limits() == before
    with ThreadPoolExecutor(1) as threads:  # a thread that comes after another can set the number, too
        assert set(threads.submit(_limits_inside).result()) == {1}


def _limits_inside() -> list[int]:
    with limited_cores(1):
        return limits()
