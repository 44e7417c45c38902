"""scikit-learn's own callbacks, which came with its 1.9, watch these estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid import TabularClassifier, TabularRegressor
from pellucid.errors import OptionError
from pellucid.estimators import MLPClassifier, MLPRegressor

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = pandas.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "b", "c"])
NUMBERS = (X["a"] - 2 * X["b"]).to_numpy()
WEIGHT = RNG.uniform(0.5, 3.0, 80)
TABULAR: dict[str, Any] = {"members": 1, "epochs": 5, "hidden_layer_sizes": (8,), "random_state": 0}
DROP_IN: dict[str, Any] = {"max_iter": 5, "hidden_layer_sizes": (8,), "random_state": 0}
ALL = [
    TabularClassifier(**TABULAR),
    TabularRegressor(**TABULAR),
    MLPClassifier(**DROP_IN),
    MLPRegressor(**DROP_IN),
    MLPRegressor(**DROP_IN, solver="lbfgs"),
    MLPClassifier(**DROP_IN, early_stopping=True),
]
EACH = pytest.mark.parametrize("estimator", ALL, ids=repr)


def target(estimator: Any) -> Any:
    return np.where(NUMBERS > 0, "up", "down") if is_classifier(estimator) else NUMBERS


class Recorder:
    """Notes what it is told of, and may ask for an end after some epochs."""

    def __init__(self, n_epochs: int = 1000) -> None:
        self.began: list[Any] = []
        self.ended: list[Any] = []
        self.copies: list[Any] = []
        self.is_set_up = False
        self.n_epochs = n_epochs

    def setup(self, estimator: Any, context: Any) -> None:
        self.is_set_up = True

    def teardown(self, estimator: Any, context: Any) -> None:
        self.is_set_up = False

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        assert self.is_set_up
        self.began.append(context)

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any = None) -> bool:
        self.ended.append(context)
        if context.max_subtasks == 0 and fitted_estimator is not None:
            self.copies.append(fitted_estimator)
        return len(self.copies) >= self.n_epochs


@EACH
def test_a_scoring_monitor_sees_the_score_of_each_epoch(estimator: Any) -> None:
    y, score = target(estimator), "neg_log_loss" if is_classifier(estimator) else "r2"
    monitor = callback.ScoringMonitor(scoring=score)
    watched = clone(estimator).set_callbacks(monitor).fit(X, y, sample_weight=WEIGHT)
    rows = monitor.get_logs().data
    tabular = isinstance(estimator, TabularClassifier | TabularRegressor)
    step = "step" if estimator.get_params().get("solver") == "lbfgs" else "epoch"
    scores = [row[score] for row in rows if row["task_name"] == step]
    assert len(scores) == (5 + watched.best_epoch_ if tabular else 5)
    assert len(set(scores)) > 1
    (last,) = [row[score] for row in rows if row["task_name"] == "fit"]
    assert last == get_scorer(score)(watched, X, y, sample_weight=WEIGHT)
    if not estimator.get_params().get("early_stopping"):
        assert scores[-1] == last
    unwatched = clone(estimator).fit(X, y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(watched.predict(X), unwatched.predict(X))


@EACH
def test_each_task_that_begins_ends_and_copies_are_their_own(estimator: Any) -> None:
    recorder = Recorder()
    clone(estimator).set_callbacks(recorder).fit(X, target(estimator))
    assert not recorder.is_set_up
    assert {id(context) for context in recorder.began} == {id(context) for context in recorder.ended}
    assert len(recorder.began) == len(recorder.ended)
    first, second = (copy.predict_proba(X) if is_classifier(copy) else copy.predict(X) for copy in recorder.copies[:2])
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("estimator", [each for each in ALL if "lbfgs" not in repr(each)], ids=repr)
def test_a_callback_may_end_training(estimator: Any) -> None:
    recorder = Recorder(n_epochs=2)
    fitted = clone(estimator).set_callbacks(recorder).fit(X, target(estimator))
    if isinstance(estimator, TabularClassifier | TabularRegressor):
        assert len(fitted.history_) == 2
        assert fitted.history_.stopped_by == "a callback of scikit-learn's"
        assert not fitted.refitted_
    else:
        assert fitted.n_iter_ == 2
        assert fitted.stopped_by_ == "a callback of scikit-learn's"


def test_a_population_is_one_task() -> None:
    recorder = Recorder()
    TabularClassifier(**{**TABULAR, "members": 2, "folds": 2}).set_callbacks(recorder).fit(X, NUMBERS > 0)
    assert not recorder.is_set_up
    assert {id(context) for context in recorder.began} == {id(context) for context in recorder.ended}
    assert [context.task_name for context in recorder.ended] == ["population", "fit"]


@EACH
def test_callbacks_are_torn_down_where_fit_fails(estimator: Any) -> None:
    recorder = Recorder()
    failing = clone(estimator).set_callbacks(recorder)
    with pytest.raises(ValueError, match=r"."):
        failing.fit(X, target(estimator)[:-1])
    assert not recorder.is_set_up
    with pytest.raises(OptionError):
        failing.set_params(random_state=-1).fit(X, target(estimator))


@EACH
def test_a_progress_bar_over_a_search_shows_the_epochs(estimator: Any, capsys: pytest.CaptureFixture[str]) -> None:
    y = target(estimator)
    bar = callback.ProgressBar(max_propagation_depth=None)
    pipeline = make_pipeline(StandardScaler(), clone(estimator))
    search = GridSearchCV(pipeline, {f"{pipeline.steps[-1][0]}__random_state": [0]}, cv=2, error_score="raise")
    search.set_callbacks(bar).fit(X, y)
    shown = capsys.readouterr().out
    assert f"{type(estimator).__name__} - fit" in shown
    assert "100%" in shown
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")
