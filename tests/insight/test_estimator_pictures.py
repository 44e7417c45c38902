"""What a notebook and `LossCurveDisplay` show of fitted estimators: their real numbers, and nothing that could run."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pellucid import (
    LossCurveDisplay,
    MLPClassifier,
    MLPRegressor,
    TabularClassifier,
    TabularRegressor,
    load,
)
from pellucid.errors import OptionError
from pellucid.insight.pictures.curves import Curves, curves_of
from pellucid.insight.pictures.notebook import BOTTOM, LEFT, RIGHT, TOP, curves_svg, ticks

X = np.random.RandomState(0).normal(size=(120, 2))
CLASSES = np.array(["cold", "mild", "warm"])[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])]
NUMBER = X[:, 0] - X[:, 1]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def no_windows() -> Iterator[None]:
    matplotlib.use("agg")
    yield
    plt.close("all")


def fitted(cls: type, rows: Any = X, classes: Any = CLASSES, **options: Any) -> Any:
    """Return an estimator after a few epochs."""
    few = {"max_iter": 12} if cls.__name__.startswith("MLP") else {"epochs": 12, "members": 1}
    model = cls(hidden_layer_sizes=(8,), random_state=0, **{**few, **options})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, classes if cls.__name__.endswith("Classifier") else NUMBER)


ESTIMATORS = [MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor]


class Reader(HTMLParser):
    """Collects the tags of a page, each with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def added(model: Any) -> Reader:
    """Return what stands after scikit-learn's own HTML."""
    html = model._repr_html_()
    assert model._repr_mimebundle_()["text/html"].count("pellucid-fit") == html.count("pellucid-fit") > 1
    return Reader("<style>\n.pellucid-fit" + html.split("<style>\n.pellucid-fit", 1)[1])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_notebook_shows_parameters_layers_and_the_loss_curve(cls: type) -> None:
    model = fitted(cls)
    page = Reader(model._repr_html_())
    assert ("max_iter" if cls.__name__.startswith("MLP") else "epochs") in "".join(page.words)
    own = added(model)
    network, link = model._network_and_link()
    assert f"Network with {network.parameters.size:,} parameters" in own.words
    for layer, sizes, count in network.summary_rows():
        assert sizes in own.words
        assert f"{count:,}" in own.words
        assert any(type(layer).__name__ in word or repr(layer) in word for word in own.words)
    assert f"{link}: cold, mild, warm" in own.words or link == "identity"
    curves = curves_of(model)[0]
    lines = [attributes for tag, attributes in own.tags if tag == "polyline" and len(attributes["points"].split()) > 2]
    assert {line["class"] for line in lines} == set(curves.values)
    by_rows = {line["class"]: np.array([point.split(",") for point in line["points"].split()], float) for line in lines}
    for rows, values in curves.values.items():
        assert len(by_rows[rows]) == 12
        assert by_rows[rows][0, 0] == LEFT
        assert by_rows[rows][-1, 0] == RIGHT
        height = np.log10(values) if curves.scale == "log" else values
        slope, start = np.polyfit(height, by_rows[rows][:, 1], 1)
        assert slope < 0
        np.testing.assert_allclose(by_rows[rows][:, 1], start + slope * height, atol=0.11)  # written with one decimal


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_estimator_that_is_not_fitted_shows_what_scikit_learn_shows(cls: type) -> None:
    assert "pellucid-fit" not in cls()._repr_html_()
    assert "pellucid-fit" not in cls()._repr_mimebundle_()["text/html"]
    with config_context(display="text"):
        assert not hasattr(cls(), "_repr_html_")
        assert list(fitted(cls)._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_names_of_columns_and_classes_cannot_run(cls: type) -> None:
    table = pd.DataFrame(X, columns=[HOSTILE, "\"'><img src=x onerror=alert(2)>"])
    model = fitted(cls, table, np.where(CLASSES == "cold", HOSTILE, CLASSES))
    plain = Reader(fitted(cls)._repr_html_())
    page = Reader(model._repr_html_())
    for tag in ("script", "img"):
        assert [name for name, _ in page.tags].count(tag) == [name for name, _ in plain.tags].count(tag)
    own = added(model)
    assert not {"script", "img", "a", "link", "iframe"} & {tag for tag, _ in own.tags}
    for _, attributes in own.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("href", "src", "xlink:href")]
    assert any(HOSTILE in word for word in own.words)


def test_of_many_names_some_are_shown_and_long_ones_are_cut() -> None:
    names = ["x" * 31, *(f"column {number}" for number in range(11))]
    rows = pd.DataFrame(np.random.RandomState(0).normal(size=(120, 12)), columns=names)
    shown = next(word for word in added(fitted(MLPRegressor, rows)).words if word.startswith("columns of X"))
    assert shown == f"columns of X: {'x' * 29}…, {', '.join(names[1:8])}, … 4 more"


def test_training_without_epochs_shows_layers_alone() -> None:
    own = added(fitted(MLPRegressor, solver="lbfgs", max_iter=500))
    assert "svg" not in [tag for tag, _ in own.tags]
    assert "2 -> 8" in own.words


def test_a_score_has_a_panel_of_its_own_and_its_best_epoch_a_dot() -> None:
    model = fitted(MLPClassifier, early_stopping=True, learning_rate_init=0.02)
    own = added(model)
    assert [tag for tag, _ in own.tags].count("svg") == 2
    best = int(np.argmax(model.validation_scores_)) + 1
    assert f"epoch (best: {best})" in own.words
    (dot,) = [attributes for tag, attributes in own.tags if tag == "circle"]
    assert float(dot["cx"]) == pytest.approx(LEFT + (RIGHT - LEFT) * (best - 1) / 11, abs=0.05)
    assert float(dot["cy"]) == pytest.approx(TOP, abs=0.05)


def test_a_loaded_model_shows_itself_too(tmp_path: Any) -> None:
    for members in (1, 2):
        model = fitted(TabularClassifier, members=members)
        path = tmp_path / f"{members}.pellucid"
        model.save(path)
        assert added(load(path)).words == added(model).words


def points(svg: str) -> list[list[tuple[float, float]]]:
    found = [attributes["points"].split() for tag, attributes in Reader(svg).tags if tag == "polyline"]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line)] for line in found]


@pytest.mark.parametrize("values", [[math.nan] * 3, [2.0] * 3, [0.0] * 3, [1.0], [-1.0, math.inf, 3.0, 1e-300, 2.0]])
def test_curves_that_are_flat_short_or_not_finite_stay_inside(values: list[float]) -> None:
    svg = curves_svg(Curves("loss", {"training": np.array(values)}))
    assert "nan" not in svg
    assert "inf" not in svg
    dots = [attributes for tag, attributes in Reader(svg).tags if tag == "circle"]
    drawn = [point for line in points(svg)[:-1] for point in line]
    drawn += [(float(dot["cx"]), float(dot["cy"])) for dot in dots]
    assert len(drawn) == np.isfinite(values).sum()
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in drawn)


def test_many_epochs_make_a_short_line_that_keeps_the_spikes() -> None:
    values = np.ones(50_000)
    values[31_234], values[7] = 9.0, 0.5
    line = points(curves_svg(Curves("loss", {"training": values})))[0]
    assert len(line) <= 2 * (RIGHT - LEFT)
    assert min(y for _, y in line) == TOP
    assert line == sorted(line, key=lambda point: point[0])


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.83), (-3.0, 7e4), (0.2, 0.2001), (1e-9, 2e-9)])
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low <= tick <= high * (1 + 1e-12) for tick in found)
    step = found[1] - found[0]
    leading = step / 10 ** math.floor(math.log10(step) + 1e-6)
    assert min(abs(leading - digit) for digit in (1, 2, 5, 10)) < 1e-6
    assert ticks(0.02, 300, logarithmic=True) == pytest.approx([0.1, 1.0, 10.0, 100.0])


def lines_of(display: LossCurveDisplay) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata()) for line in display.lines_}


@pytest.mark.parametrize("cls", [TabularClassifier, TabularRegressor])
def test_the_display_of_a_tabular_estimator_is_its_history(cls: type) -> None:
    model = fitted(cls)
    display = LossCurveDisplay.from_estimator(model)
    lines = lines_of(display)
    assert set(lines) == {"training", "validation", f"best, epoch {model.best_epoch_}"}
    np.testing.assert_array_equal(lines["training"], model.history_["loss"])
    np.testing.assert_array_equal(lines["validation"], model.history_["validation_loss"])
    assert lines[f"best, epoch {model.best_epoch_}"][0] == min(model.history_["validation_loss"])
    assert display.figure_ is display.ax_.figure
    assert display.score_ax_ is None
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")


def test_the_display_of_a_population_is_its_ensembles_metric_at_each_rung() -> None:
    model = fitted(TabularClassifier, members=2, metric="accuracy")
    n_rungs = len(model.history_)
    display = LossCurveDisplay.from_estimator(model)
    assert set(lines_of(display)) == {"validation", f"best, rung {n_rungs}"}
    np.testing.assert_array_equal(lines_of(display)["validation"], model.history_["validation_loss"])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("rung", "accuracy")
    assert f"rung (best: {n_rungs})" in added(model).words


@pytest.mark.parametrize("module", [None, sklearn.neural_network], ids=["ours", "scikit-learn's"])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_display_of_an_mlp_is_its_loss_curve_and_scores(name: str, module: Any) -> None:
    model = fitted(getattr(module, name) if module else {cls.__name__: cls for cls in ESTIMATORS}[name])
    display = LossCurveDisplay.from_estimator(model)
    assert list(lines_of(display)) == ["training"]
    np.testing.assert_array_equal(lines_of(display)["training"], model.loss_curve_)
    stopping = fitted(type(model), classes=CLASSES == "warm", early_stopping=True)
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(stopping, ax=ax)
    assert display.ax_ is ax
    best = int(np.argmax(stopping.validation_scores_)) + 1
    losses = ["training"] if module else ["training", "validation"]
    lines = lines_of(display)
    assert list(lines) == [*losses, "validation score", f"best, epoch {best}"]
    np.testing.assert_array_equal(lines["validation score"], stopping.validation_scores_)
    if not module:
        np.testing.assert_array_equal(lines["validation"], stopping.validation_loss_curve_)
    assert display.score_ax_ is not None
    assert display.score_ax_.get_ylabel() == "validation score"
    assert [line.axes is display.score_ax_ for line in display.lines_] == [*([False] * len(losses)), True, True]
    assert len({(line.get_linestyle(), line.get_marker()) for line in display.lines_}) == len(lines)  # without color


def test_the_mark_is_the_epoch_whose_weights_were_kept() -> None:
    options: dict[str, Any] = {"max_iter": 60, "learning_rate_init": 0.02, "early_stopping": True}
    noise = np.random.RandomState(1).permutation(CLASSES)
    by_loss = fitted(MLPClassifier, X, noise, **options, monitor="loss")
    loss, score = curves_of(by_loss)
    assert score.best is None
    assert loss.best == int(np.argmin(by_loss.validation_loss_curve_))
    assert 0 < loss.best < len(by_loss.loss_curve_) - 1  # neither first nor last, so the mark says something
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        watched = MLPClassifier((8,), max_iter=12, random_state=0).fit(X, CLASSES, X_val=X[:40], y_val=CLASSES[:40])
    assert [curves.best for curves in curves_of(watched)] == [None, None]  # the last weights stay


def test_validation_that_began_later_stands_at_its_epochs() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MLPClassifier((8,), max_iter=5, warm_start=True, random_state=0).fit(X, CLASSES)
        model.fit(X, CLASSES, X_val=X[:40], y_val=CLASSES[:40])
    judged = curves_of(model)[0].values["validation"]
    assert np.isnan(judged[:5]).all()
    np.testing.assert_array_equal(judged[5:], model.validation_loss_curve_)
    assert "nan" not in curves_svg(curves_of(model)[0])


def test_several_estimators_share_axes_and_none_is_cut_off() -> None:
    first = LossCurveDisplay.from_estimator(fitted(TabularClassifier), name="table")
    high = fitted(MLPClassifier)
    high.loss_curve_ = [100.0 * loss for loss in high.loss_curve_]
    second = LossCurveDisplay.from_estimator(high, ax=first.ax_, name="drop-in")
    second.figure_.canvas.draw()
    assert first.ax_.get_ylim()[1] > max(high.loss_curve_)
    assert len({line.get_color() for line in [*first.lines_[:2], *second.lines_]}) == 3
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert labels[0] == "table: training"
    assert labels[-1] == "drop-in: training"


def test_what_has_no_curve_is_refused() -> None:
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(MLPClassifier())
    with pytest.raises(OptionError, match=r"MLPRegressor, which has no loss curve.*solver='adam'"):
        LossCurveDisplay.from_estimator(fitted(MLPRegressor, solver="lbfgs", max_iter=500))
    pipeline = make_pipeline(StandardScaler(), fitted(MLPRegressor)).fit
    with pytest.warns(ConvergenceWarning):
        whole = pipeline(X, NUMBER)
    with pytest.raises(OptionError, match=r"pipeline\[-1\]"):
        LossCurveDisplay.from_estimator(whole)
    assert LossCurveDisplay.from_estimator(whole[-1]).lines_


@pytest.mark.parametrize("rows", [X, pd.DataFrame(X, columns=["width", "height"])], ids=["array", "pandas"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_scikit_learns_decision_boundary_is_that_of_the_predictions(cls: type, rows: Any) -> None:
    model = fitted(cls, rows)
    display = DecisionBoundaryDisplay.from_estimator(model, rows, grid_resolution=7, response_method="predict")
    grid = np.c_[display.xx0.ravel(), display.xx1.ravel()]
    again = pd.DataFrame(grid, columns=rows.columns) if isinstance(rows, pd.DataFrame) else grid
    expected = model.predict(again)
    if hasattr(model, "classes_"):
        expected = np.searchsorted(model.classes_, expected)
    np.testing.assert_array_equal(display.response.ravel(), expected)
    assert len(np.unique(expected)) > 1
    assert display.ax_.get_xlabel() == ("width" if isinstance(rows, pd.DataFrame) else "")


@pytest.mark.parametrize("cls", [MLPClassifier, TabularClassifier])
def test_scikit_learns_decision_boundary_shows_probabilities(cls: type) -> None:
    two = fitted(cls, X, CLASSES == "warm")
    display = DecisionBoundaryDisplay.from_estimator(two, X, grid_resolution=5, response_method="predict_proba")
    grid = np.c_[display.xx0.ravel(), display.xx1.ravel()]
    np.testing.assert_array_equal(display.response.ravel(), two.predict_proba(grid)[:, 1])
    one = DecisionBoundaryDisplay.from_estimator(
        fitted(cls), X, grid_resolution=5, response_method="predict_proba", class_of_interest="mild"
    )
    np.testing.assert_array_equal(one.response.ravel(), fitted(cls).predict_proba(grid)[:, 1])
