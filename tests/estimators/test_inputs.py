"""The same table gives the same predictions in whatever form it comes, and a wrong one is refused by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
from sklearn.exceptions import DataConversionWarning

from pellucid import TabularClassifier, TabularRegressor, load
from pellucid.errors import DataError, MissingColumnError, PellucidError, ShapeError
from pellucid.tabular import CellError


def as_pandas(table: dict[str, list[Any]]) -> Any:
    return pandas.DataFrame(table, index=range(7, 7 + len(next(iter(table.values())))))


@pytest.fixture(scope="module")
def model(data: Any, quick: Any) -> Any:
    return TabularClassifier(**quick).fit(data.table, data.classes)


FORMS = [
    as_pandas,
    polars.DataFrame,
    lambda table: polars.DataFrame(table).lazy(),
    lambda t: polars.DataFrame(t).to_arrow(),
]


@pytest.mark.parametrize("form", FORMS, ids=["pandas", "polars", "lazy", "arrow"])
def test_every_table_gives_the_same_bits(data: Any, model: Any, form: Any, quick: Any) -> None:
    other = TabularClassifier(**quick).fit(form(data.table), data.classes)
    expected = model.predict_proba(data.table)
    np.testing.assert_array_equal(other.predict_proba(form(data.table)), expected)
    np.testing.assert_array_equal(model.predict_proba(form(data.table)), expected)


def test_arrays_and_lists_of_rows_give_the_same_bits_as_a_table(data: Any, quick: Any) -> None:
    columns = list(data.table.values())
    rows = [list(row) for row in zip(*columns, strict=True)]
    array = np.empty((len(rows), len(columns)), dtype=object)
    array[:] = rows
    named = {f"x{index}": column for index, column in enumerate(columns)}
    expected = TabularRegressor(**quick).fit(named, data.number).predict(named)
    for form in (rows, array):
        model = TabularRegressor(**quick).fit(form, data.number)
        np.testing.assert_array_equal(model.predict(form), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, bool, object])
def test_arrays_of_any_numbers(dtype: Any, quick: Any) -> None:
    X = np.random.default_rng(0).integers(0, 2, (40, 3))
    y = X[:, 0] * 2.0 + X[:, 1]
    expected = TabularRegressor(**quick).fit(X.astype(float), y).predict(X.astype(float))
    found = TabularRegressor(**quick).fit(X.astype(dtype), y).predict(X.astype(dtype))
    if dtype is bool:  # truth values are -1 and +1, not numbers that are scaled
        assert found.shape == expected.shape
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", [list, np.array, pandas.Series, polars.Series, tuple])
def test_targets_of_any_form(data: Any, model: Any, form: Any, quick: Any) -> None:
    other = TabularClassifier(**quick).fit(data.table, form(data.classes))
    np.testing.assert_array_equal(other.predict(data.table), model.predict(data.table))


def test_classes_in_a_column_of_two_dimensions_are_taken_with_a_warning(data: Any, model: Any, quick: Any) -> None:
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        other = TabularClassifier(**quick).fit(data.table, np.array(data.classes)[:, None])
    np.testing.assert_array_equal(other.predict(data.table), model.predict(data.table))


def test_column_order_and_extra_columns_make_no_difference(data: Any, model: Any) -> None:
    shuffled = {"extra": ["?"] * 60, **dict(reversed(data.table.items())), "more": range(60)}
    np.testing.assert_array_equal(model.predict_proba(shuffled), model.predict_proba(data.table))


def test_row_order_and_split_of_rows_make_no_difference(data: Any, model: Any) -> None:
    """The rows are independent; BLAS may sum in another order for another number of rows."""
    table = polars.DataFrame(data.table)
    whole = model.predict_proba(table)
    order = np.random.default_rng(1).permutation(60)
    np.testing.assert_allclose(model.predict_proba(table[order]), whole[order], rtol=0, atol=1e-5)
    one_by_one = np.concatenate([model.predict_proba(table[index : index + 1]) for index in range(60)])
    np.testing.assert_allclose(one_by_one, whole, rtol=0, atol=1e-5)


def test_probabilities_add_up_to_one(data: Any, model: Any, quick: Any) -> None:
    for target in (data.classes, data.binary):
        found = TabularClassifier(**quick).fit(data.table, target).predict_proba(data.table)
        assert ((found >= 0) & (found <= 1)).all()
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=4 * np.finfo(float).eps)


@pytest.mark.parametrize("form", FORMS, ids=["pandas", "polars", "lazy", "arrow"])
def test_a_column_out_of_its_place_is_named(data: Any, form: Any, quick: Any) -> None:
    """A dict has its columns by name; a DataFrame, which may have lost its names on the way, by place too."""
    model = TabularRegressor(**quick).fit(form(data.table), data.number)
    names = ["size", "color", "city", "old", "day"]
    with pytest.raises(DataError, match="'color' stands where fit had 'city'"):
        model.predict(form({name: data.table[name] for name in names}))
    further = form({"before": [1] * 60, **data.table, "after": [2] * 60})
    np.testing.assert_array_equal(model.predict(further), model.predict(data.table))


def test_names_on_one_side_alone_are_warned_about_and_columns_taken_by_place(data: Any, quick: Any) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    named = TabularRegressor(**quick).fit(frame, data.number)
    unnamed = TabularRegressor(**quick).fit(X, data.number)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TabularRegressor was fitted with"):
        np.testing.assert_array_equal(named.predict(X), named.predict(frame))
    with pytest.warns(UserWarning, match="X has feature names, but TabularRegressor was fitted without"):
        np.testing.assert_array_equal(unnamed.predict(frame), unnamed.predict(X))
    np.testing.assert_array_equal(unnamed.predict(pandas.DataFrame(X)), unnamed.predict(X))  # 0, 1, 2 are no names


@pytest.mark.parametrize("path", [False, True], ids=["fitted", "loaded"])
def test_names_are_kept_where_they_are_text(data: Any, path: bool, tmp_path: Any, quick: Any) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))

    def names(table: Any) -> list[str] | None:
        model = TabularRegressor(**quick).fit(table, data.number)
        if path:
            model.save(tmp_path / "model.pellucid", overwrite=True)
            model = load(tmp_path / "model.pellucid")
        assert model.n_features_in_ == 2
        return model.feature_names_in_.tolist() if hasattr(model, "feature_names_in_") else None

    for form in FORMS:
        assert names(form({"b": X[:, 0], "a": X[:, 1]})) == ["b", "a"]
    assert names({"b": X[:, 0], "a": X[:, 1]}) == ["b", "a"]
    for table in (X, X.tolist(), scipy.sparse.csr_matrix(X), pandas.DataFrame(X)):
        assert names(table) is None
    with pytest.raises(DataError, match="the name of column 1 is no text"):
        names(pandas.DataFrame(X, columns=["a", 1]))


def test_columns_declared_as_categories_are_categories(data: Any, quick: Any) -> None:
    codes = [str(index % 3) for index in range(60)]
    expected = None
    for table in (
        pandas.DataFrame({"code": pandas.Categorical(codes)}),
        pandas.DataFrame({"code": pandas.Categorical([int(code) for code in codes])}),
        polars.DataFrame({"code": polars.Series(codes, dtype=polars.Categorical)}),
        polars.DataFrame({"code": polars.Series(codes, dtype=polars.Enum(["2", "1", "0"]))}),
        polars.DataFrame({"code": polars.Series(codes, dtype=polars.Categorical)}).to_arrow(),
    ):
        model = TabularRegressor(**quick).fit(table, data.number)
        assert [column.kind for column in model.encoder_.columns] == ["category"]
        expected = model.predict({"code": codes}) if expected is None else expected
        np.testing.assert_array_equal(model.predict(table), expected)
    as_number = TabularRegressor(**quick, kinds={"code": "number"}).fit(table, data.number)
    assert [column.kind for column in as_number.encoder_.columns] == ["number"]


def test_a_lacking_column_is_named(data: Any, model: Any) -> None:
    lacking = {name: column for name, column in data.table.items() if name != "color"}
    with pytest.raises(MissingColumnError, match=r"'color'.*did you mean 'colour'"):
        model.predict({**lacking, "colour": data.table["color"]})


def test_an_array_of_another_width_is_refused(quick: Any) -> None:
    model = TabularRegressor(**quick).fit(np.eye(10)[:, :3], np.arange(10.0))
    for width in (2, 4):
        with pytest.raises(ShapeError, match=f"{width} features.*expecting 3"):
            model.predict(np.ones((5, width)))
    with pytest.raises(ShapeError, match="two dimensions"):
        model.predict(np.ones(3))


def test_unseen_levels_and_holes_where_none_were_are_predicted(data: Any, model: Any) -> None:
    n_rows = 4
    table = {
        "size": [1e308, np.inf, -np.inf, np.nan],
        "city": ["city never seen", "", None, "city 1"],
        "color": [None, "violet", "", "red"],
        "old": [None, True, False, None],
        "day": ["1800-01-01", None, "2200-12-31", ""],
    }
    found = model.predict_proba(table)
    assert found.shape == (n_rows, 3)
    assert np.isfinite(found).all()
    nothing = model.predict_proba({name: [None] * 2 for name in table})
    assert np.isfinite(nothing).all()
    np.testing.assert_array_equal(nothing[0], nothing[1])


def test_a_cell_of_another_kind_is_named(data: Any, model: Any) -> None:
    with pytest.raises(CellError, match=r"'size', row 2.*'big'"):
        model.predict({**data.table, "size": ["1", "2", "big"] * 20})


def test_numbers_where_words_were_fitted_are_refused(data: Any, model: Any, quick: Any) -> None:
    with pytest.raises(DataError, match=r"column 'color' holds numbers \(Int64\), such as 7; .*'blue', 'green', 'red'"):
        model.predict({**data.table, "color": [7] * 60})
    assert np.isfinite(model.predict_proba({**data.table, "color": [np.nan] * 60})).all()  # all are missing
    codes = TabularClassifier(**quick).fit({"zip": ["B7", "97", "A1"] * 20}, data.classes)
    assert codes.predict({"zip": [97, 11]}).shape == (2,)


@pytest.mark.parametrize(("task", "shape"), [("classes", (0, 3)), ("binary", (0, 2)), ("labels", (0, 3))])
def test_no_rows_give_no_predictions(data: Any, task: str, shape: Any, quick: Any) -> None:
    model = TabularClassifier(**quick).fit(data.table, getattr(data, task))
    for table in ({name: [] for name in data.table}, polars.DataFrame(data.table)[:0], as_pandas(data.table)[:0]):
        assert model.predict_proba(table).shape == shape
        assert model.predict(table).shape == (shape if task == "labels" else (0,))
    if task == "classes":
        assert model.predict(table).dtype == model.classes_.dtype


@pytest.mark.parametrize(("task", "shape"), [("number", (0,)), ("numbers", (0, 2))])
def test_no_rows_give_no_numbers(data: Any, task: str, shape: Any, quick: Any) -> None:
    model = TabularRegressor(**quick).fit(data.table, getattr(data, task))
    assert model.predict({name: [] for name in data.table}).shape == shape
    array_model = TabularRegressor(**quick).fit(np.eye(10)[:, :3], np.arange(10.0))
    assert array_model.predict(np.empty((0, 3))).shape == (0,)


def test_kinds_and_missing_texts_are_heeded(data: Any, quick: Any) -> None:
    table = {**data.table, "zip": [["0101", "0102", "n/a"][index % 3] for index in range(60)]}
    with pytest.raises(CellError, match="'n/a'"):
        TabularRegressor(**quick).fit(table, data.number)
    as_number = TabularRegressor(**quick, missing=("n/a",)).fit(table, data.number)
    assert {column.name: column.kind for column in as_number.encoder_.columns}["zip"] == "number"
    assert "zip is missing" in as_number.encoder_.feature_names
    assert np.isfinite(as_number.predict(table)).all()
    as_category = TabularRegressor(**quick, kinds={"zip": "category"}).fit(table, data.number)
    assert "zip=0101" in as_category.encoder_.feature_names
    with pytest.raises(MissingColumnError, match=r"'zap'.*did you mean 'zip'"):
        TabularRegressor(**quick, kinds={"zap": "category"}).fit(table, data.number)


@pytest.mark.parametrize("seed", range(6))
def test_the_split_decides_neither_what_a_column_holds_nor_how_rows_are_counted(
    data: Any, seed: int, quick: Any
) -> None:
    """29 numbers among 60 texts are the minority in the table, and the majority in some parts of it."""
    options = {**quick, "random_state": seed, "epochs": 1}
    table = {**data.table, "code": ["1"] * 29 + ["z"] * 31}
    model = TabularRegressor(**options).fit(table, data.number)
    assert {column.name: column.kind for column in model.encoder_.columns}["code"] == "category"
    with pytest.raises(CellError, match=r"row 57 .*'\?'"):
        TabularRegressor(**options).fit({**data.table, "code": ["1"] * 57 + ["?"] + ["1"] * 2}, data.number)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"a": []},
        {"a": [None] * 60},
        {"a": [""] * 60},
        np.empty((60, 0)),
        np.ones(60),
        np.ones((60, 2), dtype=complex),
        "table.csv",
        None,
        {"a": [[1]] * 60},
        {"a": [1] * 60, "b": [1] * 59},
        [[1]] * 59 + [[1, 2]],
    ],
)
def test_what_is_no_table_is_refused(data: Any, table: Any, quick: Any) -> None:
    with pytest.raises(PellucidError):
        TabularRegressor(**quick).fit(table, data.number)


def test_a_column_name_that_occurs_twice_is_refused(data: Any, quick: Any) -> None:
    with pytest.raises(DataError, match="2 columns are called 'a'"):
        TabularRegressor(**quick).fit(pandas.DataFrame(np.ones((60, 2)), columns=["a", "a"]), data.number)


def test_predict_from_many_threads_gives_the_same_bits(data: Any, model: Any) -> None:
    table = polars.DataFrame(data.table)
    expected = model.predict_proba(table)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict_proba(table), range(40)):
            np.testing.assert_array_equal(found, expected)


def test_the_table_is_left_as_it_was(data: Any, quick: Any) -> None:
    frame = as_pandas(data.table)
    before = frame.copy(deep=True)
    TabularRegressor(**quick).fit(frame, data.number).predict(frame)
    pandas.testing.assert_frame_equal(frame, before)
