"""The report: what it tells is what the library and scikit-learn find, and the page is one that stands by itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from pellucid import (
    TabularClassifier,
    TabularRegressor,
    calibration_curve,
    explain,
    partial_dependence,
    roc_curve,
)
from pellucid.errors import MissingColumnError, NotInitializedError, OutputError
from pellucid.insight.proportions import wilson
from pellucid.insight.report.intervals import bootstrapped_area
from pellucid.insight.report.quality import class_quality, number_quality
from tests.tolerances import rounding

QUICK: dict[str, Any] = {"members": 1, "epochs": 5, "hidden_layer_sizes": (8,), "random_state": 0}
VOID = {"meta", "br", "link", "hr", "img", "input"}
HOSTILE = '<script>alert("x")</script>$a$'


class Parsed(HTMLParser):
    """A page's tags, all closed in their order, its texts, and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def checked(page: str) -> Parsed:
    """The page parses, runs nothing, loads nothing, and is below 2 MB."""
    parsed = Parsed(page)
    assert "script" not in parsed.tags
    assert not {"link", "iframe", "img", "object", "embed", "base"} & set(parsed.tags)
    assert not re.findall(r"https?:|@import|//[a-z]", page.replace("//www.w3.org/1999/xlink", ""))
    assert all(value is None or value.startswith("#") for name, value in parsed.attributes if name.endswith("href"))
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "src"]
    assert all(place.startswith("#") for place in re.findall(r"url\(([^)]+)\)", page))
    assert len(page.encode()) < 2_000_000
    return parsed


def people(n_rows: int = 120) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    age = rng.integers(18, 80, n_rows)
    table = pl.DataFrame(
        {
            HOSTILE: [None if index % 9 == 0 else float(value) for index, value in enumerate(rng.normal(size=n_rows))],
            "age": age,
            "city": rng.choice(["Bern", "<b>Genf</b>", "東京"], n_rows).tolist(),
            "member": (rng.random(n_rows) < 0.5).tolist(),
            "since": [f"20{10 + index % 12}-03-0{1 + index % 9}" for index in range(n_rows)],
        }
    )
    return table, age


def test_figures_of_a_classifier_are_those_of_scikit_learn() -> None:
    table, age = people()
    y = np.where(age < 40, "<i>young</i>", "old")
    model = TabularClassifier(**{**QUICK, "epochs": 30}).fit(table[:80], y[:80])
    story = explain(model, table[80:], y[80:])
    probability, truth = model.predict_proba(table[80:])[:, list(model.classes_).index("old")], y[80:]
    quality = story.qualities[0]
    assert quality.event == "old"
    found = {estimate.name: estimate for estimate in quality.estimates}
    assert found["accuracy"].value == sklearn.metrics.accuracy_score(truth, model.predict(table[80:]))
    bound = rounding(len(truth), np.float64, 4)
    assert abs(found["AUROC"].value - sklearn.metrics.roc_auc_score(truth == "old", probability)) <= bound
    assert abs(found["log-loss"].value - sklearn.metrics.log_loss(truth == "old", probability)) <= bound
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in found.values())
    expected = sklearn.metrics.confusion_matrix(truth, model.predict(table[80:]), labels=list(model.classes_))
    assert np.array_equal(quality.confusion, expected)
    parsed = checked(story.html)
    for value in (f"{100 * found['accuracy'].value:.1f} %", f"{found['log-loss'].value:.4g}"):
        assert value in parsed.text
    assert HOSTILE in parsed.text
    assert "<i>young</i>" in parsed.text
    assert "<b>Genf</b>" in parsed.text
    worst = story.worst[0]
    losses = -np.log(np.where(truth == "old", probability, 1 - probability))
    assert worst.number == int(losses.argmax())


def test_figures_of_a_regressor_are_those_of_scikit_learn() -> None:
    table, age = people()
    y = age * 2.0 + 1
    model = TabularRegressor(**QUICK).fit(table[:80], y[:80])
    story = explain(model, table[80:], y[80:])
    prediction = model.predict(table[80:])
    rmse, mae, explained = story.qualities[0].estimates
    assert rmse.value == pytest.approx(sklearn.metrics.root_mean_squared_error(y[80:], prediction), rel=1e-12)
    assert mae.value == pytest.approx(sklearn.metrics.mean_absolute_error(y[80:], prediction), rel=1e-12)
    assert explained.value == pytest.approx(sklearn.metrics.r2_score(y[80:], prediction), rel=1e-12)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in (rmse, mae, explained))
    checked(story.html)


def test_a_population_is_told_with_its_members_and_the_coverage_of_its_sets() -> None:
    table, age = people()
    y = np.where(age < 40, "young", "old")
    model = TabularClassifier(members=2, folds=2, epochs=4, hidden_layer_sizes=(8,), random_state=0).fit(table, y)
    story = explain(model, table, y)
    right = model.predict_sets(table)[np.arange(len(y)), model.target_.encode(y)].mean()
    assert story.qualities[0].coverage.value == right  # type: ignore[union-attr]
    parsed = checked(story.html)
    assert "made it into the ensemble" in parsed.text
    assert "flatters" in parsed.text


def test_several_numbers_and_labels() -> None:
    table, age = people()
    numbers = np.stack([age * 2.0, 100.0 - age], axis=1)
    story = explain(TabularRegressor(**QUICK).fit(table, numbers), table, numbers)
    assert len(story.qualities) == 2
    checked(story.html)
    labels = np.stack([age < 40, age < 60], axis=1).astype(int)
    story = explain(TabularClassifier(**QUICK).fit(table, labels), table, labels)
    assert [quality.classes for quality in story.qualities] == [("no", "yes"), ("no", "yes")]
    checked(story.html)


def test_without_true_values_the_page_tells_what_can_be_told() -> None:
    table, age = people()
    for model, y in (
        (TabularClassifier(**QUICK), np.where(age < 40, "young", "old")),
        (TabularRegressor(**QUICK), age * 1.0),
    ):
        story = explain(model.fit(table, y), table)
        assert (story.qualities, story.importances, story.diagnosis, story.worst) == ((), None, None, ())
        assert story.dependences
        assert "cannot be told" in checked(story.html).text


def test_rows_without_a_true_value_are_predicted_and_not_judged() -> None:
    table, age = people()
    y = pl.Series([None if index % 4 == 0 else ("young" if value < 40 else "old") for index, value in enumerate(age)])
    known = np.flatnonzero(y.is_not_null().to_numpy())
    model = TabularClassifier(**QUICK).fit(table[known], y[known])
    story = explain(model, table, y)
    assert (story.n_rows, story.n_judged) == (120, 90)
    right = (model.predict(table[known]) == y[known].to_numpy()).mean()
    assert story.qualities[0].estimates[0].value == right
    assert all(row.number in known for row in story.worst)
    assert "30 of 120 rows have no true value" in checked(story.html).text


@pytest.mark.parametrize("task", ["classes", "numbers"])
def test_one_row(task: str) -> None:
    table, age = people()
    if task == "classes":
        y: Any = np.where(age < 40, "young", "old")
        model: Any = TabularClassifier(**QUICK).fit(table, y)
    else:
        y = age * 1.0
        model = TabularRegressor(**QUICK).fit(table, y)
    parsed = checked(explain(model, table[:1], y[:1]).html)
    assert "no interval" in parsed.text
    assert "nan" not in parsed.text.split()


def test_500_classes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 3))
    y = np.array([f"class {index % 500}" for index in range(1500)])
    story = explain(TabularClassifier(**{**QUICK, "epochs": 1}).fit(X, y), X, y)
    assert story.qualities[0].confusion.shape == (500, 500)
    checked(story.html)


def test_many_categories_and_classes_are_cut_and_that_is_said() -> None:
    towns = [f"town {index % 30:02d}" for index in range(360)]
    kinds = [f"kind {index % 12:02d}" for index in range(360)]
    table = {"town": towns, "size": [float(index % 12) for index in range(360)]}
    model = TabularClassifier(random_state=0, members=1, epochs=30).fit(table, kinds)
    story = explain(model, table, kinds)
    assert [len(each.curves) for each in story.dependences] == [4, 4]
    page = checked(story.html).text
    assert "dependence shows the most frequent: 10 of 30 of 'town'" in page
    assert "Dependence shows the 4 of 12 answers that are predicted most." in page
    assert "A picture of 12 classes would be too small to read." in page


def test_many_columns_are_screened_and_that_is_said() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1_500)).astype(np.float32)
    X[:, 700] *= 4
    y = X[:, 700] > 0
    model = TabularClassifier(**{**QUICK, "epochs": 3}).fit(X, y)
    story = explain(model, X, y)
    assert story.importances is not None
    assert len(story.importances.columns) == 8
    assert "The model uses 1,500 columns" in checked(story.html).text


def test_wilson_is_the_interval_of_the_score_test() -> None:
    for successes, n_rows in ((0, 7), (3, 11), (50, 50), (812, 1000)):
        for end in wilson(successes, n_rows):
            share, p = successes / n_rows, float(end)
            distance = n_rows * (share - p) ** 2
            assert distance == pytest.approx(1.959963984540054**2 * p * (1 - p), rel=1e-9, abs=1e-12)


def test_the_interval_of_an_area_is_that_of_drawing_rows_anew() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(150) < 0.4
    scores = np.round(truth + rng.normal(size=150), 1)  # with ties
    found = bootstrapped_area("AUROC", 0.0, scores[:, None], truth[:, None])
    areas = []
    for _ in range(2000):
        rows = rng.integers(0, 150, 150)
        areas.append(sklearn.metrics.roc_auc_score(truth[rows], scores[rows]))
    deviation = np.std(areas)
    assert abs(found.low - np.quantile(areas, 0.025)) < deviation / 4  # 5 standard errors of such a quantile
    assert abs(found.high - np.quantile(areas, 0.975)) < deviation / 4


def test_roc_curves_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth, scores = rng.random(80) < 0.5, np.round(rng.random(80), 1)
    false, true, _ = sklearn.metrics.roc_curve(truth, scores, drop_intermediate=False)
    found = roc_curve(scores, truth)
    assert np.array_equal(found[0], false)
    assert np.array_equal(found[1], true)


def test_a_calibrated_model_is_found_so_and_one_that_is_too_sure_is_found_out() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(4000)
    codes = (rng.random(4000) < p).astype(np.int64)
    honest = class_quality("y", ("no", "yes"), codes, np.stack([1 - p, p], axis=1))
    assert honest.is_calibrated
    odds = 3 * np.log(p / (1 - p))
    sure = 1 / (1 + np.exp(-odds))
    boastful = class_quality("y", ("no", "yes"), codes, np.stack([1 - sure, sure], axis=1))
    assert not boastful.is_calibrated
    assert boastful.confidence > boastful.estimates[0].value + 0.05
    assert calibration_curve(sure, codes == 1).error > 5 * honest.calibration.error


def test_a_broken_regressor_is_no_better_than_the_mean() -> None:
    truth = np.arange(40.0)
    found = number_quality("y", truth, truth[::-1].copy())
    assert found.estimates[2].value == -3
    assert found.estimates[2].high < 0


def test_partial_dependence_is_the_mean_of_predictions_with_the_column_set() -> None:
    table, age = people()
    model = TabularRegressor(**QUICK).fit(table, age * 1.0)
    found = partial_dependence(model, table, "city")
    for label, mean, share in zip(found.labels, found.means[:, 0], found.shares, strict=True):
        changed = table.with_columns(pl.lit(label).alias("city"))
        assert mean == pytest.approx(model.predict(changed).mean(), rel=1e-12)
        assert share == (table["city"] == label).mean()
    found = partial_dependence(model, table, "age")
    assert np.array_equal(found.deciles, np.quantile(age, np.arange(1, 10) / 10))
    with pytest.raises(MissingColumnError, match=r"'ag'.*did you mean 'age'"):
        partial_dependence(model, table, "ag")


def test_the_same_model_and_table_give_the_same_page() -> None:
    table, age = people()
    model = TabularRegressor(**QUICK).fit(table, age * 1.0)
    assert explain(model, table, age * 1.0).html == explain(model, table, age * 1.0).html


def test_errors(tmp_path: Any) -> None:
    with pytest.raises(NotInitializedError, match="after fit"):
        explain(TabularRegressor(), [[1.0]])
    table, age = people()
    model = TabularRegressor(**QUICK).fit(table, age * 1.0)
    with pytest.raises(MissingColumnError, match="'age'"):
        explain(model, table.drop("age"))
    story = explain(model, table)
    story.save(tmp_path / "page.html")
    with pytest.raises(OutputError, match="exists"):
        story.save(tmp_path / "page.html")
    story.save(tmp_path / "page.html", overwrite=True)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == story.html
