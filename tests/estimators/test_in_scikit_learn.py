"""The estimators stand where scikit-learn's own do: in its pipelines, searches, calibrators and stacks."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from pellucid import TabularClassifier, TabularRegressor
from pellucid.estimators import MLPClassifier, MLPRegressor

TABULAR: dict[str, Any] = {"members": 2, "folds": 2, "epochs": 5, "hidden_layer_sizes": (8,), "random_state": 0}
DROP_IN: dict[str, Any] = {"max_iter": 5, "hidden_layer_sizes": (8,), "random_state": 0}
CLASSIFIERS = [TabularClassifier(**TABULAR), MLPClassifier(**DROP_IN)]
REGRESSORS = [TabularRegressor(**TABULAR), MLPRegressor(**DROP_IN)]
ALL = pytest.mark.parametrize("estimator", CLASSIFIERS + REGRESSORS, ids=lambda estimator: type(estimator).__name__)
FORMS = {
    "array": lambda table: table[["a", "b", "c"]].to_numpy(),
    "pandas": lambda table: table[["a", "b", "c"]].to_pandas(),
    "polars": lambda table: table[["a", "b", "c"]],
    "arrow": lambda table: table[["a", "b", "c"]].to_arrow(),
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
TABLE = polars.DataFrame(
    {**dict(zip("abc", RNG.normal(size=(3, 80)), strict=True)), "color": RNG.choice(["red", "green", "blue"], 80)}
)
X = TABLE[["a", "b", "c"]].to_numpy()
WEIGHT = RNG.uniform(0.5, 3.0, 80)


def target(estimator: Any) -> Any:
    numbers = X[:, 0] - 2 * X[:, 1] + (TABLE["color"] == "red").to_numpy()
    return np.where(numbers > 0, "up", "down") if is_classifier(estimator) else numbers


@ALL
@pytest.mark.parametrize("form", FORMS)
def test_tables_of_every_library_give_the_same_bits(estimator: Any, form: str) -> None:
    table, y = FORMS[form](TABLE), target(estimator)
    expected = clone(estimator).fit(X, y).predict(X)
    np.testing.assert_array_equal(clone(estimator).fit(table, y).predict(table), expected)


@ALL
@pytest.mark.parametrize("frames", ["default", "pandas", "polars"])
def test_in_a_pipeline_after_a_column_transformer(estimator: Any, frames: str) -> None:
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["a", "b", "c"]), ("color", OneHotEncoder(sparse_output=False), ["color"])]
    )
    table, y = TABLE.to_pandas(), target(estimator)
    pipeline = make_pipeline(columns, clone(estimator)).set_output(transform=frames)
    expected = clone(estimator).fit(encoded := clone(columns).fit_transform(table), y).predict(encoded)
    np.testing.assert_array_equal(pipeline.fit(table, y).predict(table), expected)
    names = ["numbers__a", "numbers__b", "numbers__c", "color__color_blue", "color__color_green", "color__color_red"]
    if frames == "default":
        assert not hasattr(pipeline[-1], "feature_names_in_")
    else:
        assert pipeline[-1].feature_names_in_.tolist() == names


@pytest.mark.parametrize("estimator", [CLASSIFIERS[0], REGRESSORS[0]], ids=["classifier", "regressor"])
def test_a_table_goes_through_search_and_scores_as_it_is(estimator: Any) -> None:
    y = target(estimator)
    for table in (TABLE, TABLE.to_pandas()):
        scores = cross_val_score(estimator, table, y, cv=2, error_score="raise")
        assert np.isfinite(scores).all()
        search = GridSearchCV(estimator, {"dropout": [0.0, 0.5]}, cv=2, error_score="raise").fit(table, y)
        assert search.best_estimator_.feature_names_in_.tolist() == ["a", "b", "c", "color"]


@pytest.mark.slow
@ALL
def test_scores_over_processes_are_those_of_one(estimator: Any) -> None:
    y = target(estimator)
    one, two = (cross_val_score(estimator, X, y, cv=3, n_jobs=n_jobs, error_score="raise") for n_jobs in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=["tabular", "drop-in"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_probabilities_are_calibrated_by_scikit_learn(estimator: Any, method: str) -> None:
    y = target(estimator)
    calibrated = CalibratedClassifierCV(estimator, method=method, cv=3).fit(X, y, sample_weight=WEIGHT)
    found = calibrated.predict_proba(X)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert calibrated.classes_.tolist() == ["down", "up"]
    inner = calibrated.calibrated_classifiers_[0].estimator
    assert not np.array_equal(found, inner.predict_proba(X))


@ALL
def test_in_a_stack(estimator: Any) -> None:
    classifies, y = is_classifier(estimator), target(estimator)
    stack = StackingClassifier if classifies else StackingRegressor
    last = LogisticRegression() if classifies else Ridge()
    fitted = stack([("net", estimator), ("line", clone(last))], final_estimator=last, cv=2).fit(X, y)
    assert fitted.predict(X).shape == (80,)
    alone = clone(estimator).fit(X, np.unique(y, return_inverse=True)[1] if classifies else y)
    np.testing.assert_array_equal(fitted.named_estimators_["net"].predict(X), alone.predict(X))


@ALL
def test_joblib_brings_a_fitted_estimator_back(estimator: Any, tmp_path: Any) -> None:
    fitted = clone(estimator).fit(TABLE[["a", "b", "c"]].to_pandas(), target(estimator))
    joblib.dump(fitted, tmp_path / "model.joblib")
    back = joblib.load(tmp_path / "model.joblib")
    assert back.feature_names_in_.tolist() == ["a", "b", "c"]
    frame = TABLE[["a", "b", "c"]].to_pandas()
    np.testing.assert_array_equal(back.predict(frame), fitted.predict(frame))


@ALL
def test_weights_are_routed_to_fit_and_score(estimator: Any) -> None:
    y, split = target(estimator), KFold(2)
    scorer = get_scorer("accuracy" if is_classifier(estimator) else "r2")
    with config_context(enable_metadata_routing=True):
        asking = clone(estimator).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=False)), ("net", asking)])
        search = GridSearchCV(
            pipeline,
            {"net__random_state": [0]},
            cv=split,
            scoring=scorer.set_score_request(sample_weight=True),
            error_score="raise",
        ).fit(X, y, sample_weight=WEIGHT)
        whole = pipeline.fit(X, y, sample_weight=WEIGHT).score(X, y, sample_weight=WEIGHT)
    scores = []
    for learn, judge in [*split.split(X), (slice(None), slice(None))]:
        scale = StandardScaler().fit(X[learn])
        by_hand = clone(estimator).fit(scale.transform(X[learn]), y[learn], sample_weight=WEIGHT[learn])
        scores.append(by_hand.score(scale.transform(X[judge]), y[judge], sample_weight=WEIGHT[judge]))
    *held, here = scores
    assert whole == here
    assert search.cv_results_["mean_test_score"].tolist() == [np.mean(held)]


@ALL
def test_weights_that_are_all_zero_are_refused(estimator: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)sample.weights? .*zero"):
        clone(estimator).fit(X, target(estimator), sample_weight=np.zeros(80))


@ALL
def test_tags_say_what_the_estimator_takes(estimator: Any) -> None:
    tags, y = get_tags(estimator), target(estimator)
    inputs = {
        "allow_nan": np.where(X > 1.0, np.nan, X),
        "string": np.where(X > 0, "much", "little").astype(object),
        "categorical": pandas.DataFrame({"color": pandas.Categorical(TABLE["color"].to_list())}),
        "sparse": scipy.sparse.csr_matrix(np.where(X > 0, X, 0.0)),
    }
    for tag, table in inputs.items():
        if getattr(tags.input_tags, tag):
            np.testing.assert_array_equal(clone(estimator).fit(table, y).predict(table[:5]).shape, (5,))
        else:
            with pytest.raises(ValueError):  # noqa: PT011 - the words are scikit-learn's
                clone(estimator).fit(table, y)
    several = (X > 0).astype(int) if is_classifier(estimator) else X
    assert tags.classifier_tags.multi_label if is_classifier(estimator) else tags.target_tags.multi_output
    assert clone(estimator).fit(X, several).predict(X).shape == (80, 3)
    assert tags.target_tags.required
    assert not tags.non_deterministic
