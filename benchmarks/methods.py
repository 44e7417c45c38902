"""The methods that the benchmark on tables compares: how each prepares a frame, and its estimator, on two threads."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

THREADS = 2
LEAST_SECONDS = 1.0  # of a budget that is a multiple of CatBoost's time
HISTOGRAM_LEVELS = 255  # categories of a column that HistGradientBoosting takes as such


@dataclass(frozen=True)
class Method:
    """A method, by what makes its estimator for a task and a seed; the frame is prepared inside the measured time.

    budget : seconds of training as text, or the factor by which CatBoost's seconds on the same rows are multiplied
    package : whose version is kept
    """

    build: Callable[..., Any]
    package: str
    budget: str | float | None = None


def pellucid(task: str, seed: int, seconds: str | None = None, **options: Any) -> Any:
    """Return Pellucid's estimator; it takes the frame as it is, and all options but these have their defaults."""
    estimators = importlib.import_module("pellucid.estimators")
    made = estimators.TabularRegressor if task == "regression" else estimators.TabularClassifier
    return made(random_state=seed, n_jobs=THREADS, time_budget=seconds, **options)


def pellucid_single(task: str, seed: int) -> Any:
    """Return Pellucid's estimator of one early-stopped network."""
    return pellucid(task, seed, members=1)


def sk_mlp(task: str, seed: int) -> Any:
    """Return scikit-learn's default perceptron behind the preprocessing that favors it.

    Numbers: median and indicator for missing values, standardized. Categories: one-hot, missing as one of its own.
    """
    names = ("compose", "impute", "neural_network", "pipeline", "preprocessing")
    compose, impute, neural, pipeline, preprocessing = (importlib.import_module(f"sklearn.{name}") for name in names)
    imputer = impute.SimpleImputer(strategy="median", add_indicator=True)
    numbers = pipeline.make_pipeline(imputer, preprocessing.StandardScaler())
    categories = preprocessing.OneHotEncoder(handle_unknown="ignore")
    encoder = compose.make_column_transformer(
        (numbers, compose.make_column_selector(dtype_include="number")),
        (categories, compose.make_column_selector(dtype_exclude="number")),
    )
    if task != "regression":
        return pipeline.make_pipeline(encoder, neural.MLPClassifier(random_state=seed))
    regressor = pipeline.make_pipeline(encoder, neural.MLPRegressor(random_state=seed))
    return compose.TransformedTargetRegressor(regressor, transformer=preprocessing.StandardScaler())


class Prepared:
    """An estimator behind a function of the frame, with categories that the training rows say."""

    def __init__(self, estimator: Any, prepare: Callable[[Any, dict[str, Any]], Any]) -> None:
        self._estimator, self._prepare = estimator, prepare

    def fit(self, X: Any, y: Any) -> None:
        texts = X.select_dtypes(exclude="number").columns
        self._levels = {name: sorted(X[name].dropna().unique()) for name in texts}
        self._estimator.fit(self._prepare(X, self._levels), y)

    def predict(self, X: Any) -> Any:
        return self._estimator.predict(self._prepare(X, self._levels))

    def predict_proba(self, X: Any) -> Any:
        return self._estimator.predict_proba(self._prepare(X, self._levels))

    @property
    def classes_(self) -> Any:
        return self._estimator.classes_


def categorical(X: Any, levels: dict[str, Any], most: int | None = None) -> Any:
    """Return the frame with text as categories (as codes, where there are more than ``most``); new ones are missing."""
    pandas = importlib.import_module("pandas")
    known = {name: X[name].where(X[name].isin(found)) for name, found in levels.items()}
    made = {name: pandas.Categorical(known[name], categories=found) for name, found in levels.items()}
    codes = {n: pandas.Series(c.codes, X.index, float).where(c.codes >= 0) for n, c in made.items()}
    return X.assign(**{n: codes[n] if most and len(levels[n]) > most else made[n] for n in levels})


def hgb(task: str, seed: int) -> Any:
    """Return scikit-learn's histogram gradient boosting at its defaults; categories are its own."""
    ensemble = importlib.import_module("sklearn.ensemble")
    made = ensemble.HistGradientBoostingRegressor if task == "regression" else ensemble.HistGradientBoostingClassifier
    estimator = made(random_state=seed, categorical_features="from_dtype")
    return Prepared(estimator, lambda X, levels: categorical(X, levels, HISTOGRAM_LEVELS))


def lightgbm(task: str, seed: int) -> Any:
    """Return LightGBM at its defaults; categories are its own."""
    package = importlib.import_module("lightgbm")
    made = package.LGBMRegressor if task == "regression" else package.LGBMClassifier

    def numbered(X: Any, levels: dict[str, Any]) -> Any:  # it refuses names with JSON's signs
        return categorical(X, levels).set_axis(range(X.shape[1]), axis=1)

    return Prepared(made(random_state=seed, n_jobs=THREADS, verbose=-1), numbered)


class CatBoost(Prepared):
    """CatBoost is told which columns hold text; a missing one is a level."""

    def fit(self, X: Any, y: Any) -> None:
        self._estimator.set_params(cat_features=list(X.select_dtypes(exclude="number").columns))
        super().fit(X, y)


def catboost(task: str, seed: int) -> Any:
    """Return CatBoost at its defaults; categories are its own."""
    package = importlib.import_module("catboost")
    made = package.CatBoostRegressor if task == "regression" else package.CatBoostClassifier
    estimator = made(random_seed=seed, thread_count=THREADS, verbose=False, allow_writing_files=False)
    return CatBoost(estimator, lambda X, levels: X.assign(**{n: X[n].fillna("missing").astype(str) for n in levels}))


METHODS = {  # in the order in which they run: a multiple of CatBoost's time needs CatBoost's
    "sk_mlp": Method(sk_mlp, "sklearn"),
    "hgb": Method(hgb, "sklearn"),
    "lightgbm": Method(lightgbm, "lightgbm"),
    "catboost": Method(catboost, "catboost"),
    "pellucid": Method(pellucid, "pellucid"),
    "pellucid-single": Method(pellucid_single, "pellucid"),
    "pellucid-10s": Method(pellucid, "pellucid", "10s"),
    **{f"pellucid-{factor}x": Method(pellucid, "pellucid", float(factor)) for factor in (1, 2, 5)},
}
