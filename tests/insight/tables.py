"""Tables for ejected estimators, with cells of every kind, and the comparison of a page with the library on them."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pellucid import Dense, TabularRegressor
from pellucid.insight.eject.ejecting import page_of
from pellucid.tabular import read_table
from tests.insight.plain import Plain
from tests.tolerances import rounding

N_FEATURES = 12
ODD_NUMBERS = ("", "1e308", "-1e308", "inf", "-inf", "nan", "0", "-0.0", " 7 ", "5e-324", "123456789012345678901")
ODD_TEXTS = ("", "never seen", "nan", " ", 'a "quoted", text', "Zürich 東京", "true", "3.0")
ODD_DATES = ("", "2024-02-29", "1969-12-31T23:59:59.999999", "0001-01-01", "9999-12-31 23:59", "2024-03-01T00:30+02:00")
ODD_FLAGS = ("", "true", "False", "TRUE")
ODD = {"number": ODD_NUMBERS, "category": ODD_TEXTS, "date": ODD_DATES, "boolean": ODD_FLAGS}


def text_of(table: pl.DataFrame) -> str:
    return table.write_csv()


def rows_of(text: str) -> list[dict[str, str]]:
    head, *rows = csv.reader(io.StringIO(text))
    return [dict(zip(head, row or [""], strict=True)) for row in rows]


def with_odd_rows(estimator: Any, text: str) -> str:
    """Return a CSV table with the first rows of another and rows of odd values."""
    given = rows_of(text)[:60]
    kinds = {encoding.name: encoding.kind for encoding in estimator.encoder_.encodings}
    odd = []
    for index in range(max(map(len, ODD.values()))):
        row = dict(given[index % len(given)])
        for name, kind in kinds.items():
            row[name] = ODD[kind][index % len(ODD[kind])]
        odd.append(row)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(given[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([*given, *odd])
    return out.getvalue()


def longest_sum(estimator: Any) -> int:
    """Return the number of terms of the longest sum in an estimator's networks."""
    layers = [layer for network in estimator.ensemble_.networks for layer in network.layers]
    return max(len(layer.parameters["weight"]) for layer in layers if isinstance(layer, Dense))


def check_prediction(plain: Plain, estimator: Any, text: str, folder: Path) -> str:
    """The page, which is returned, encodes and predicts as the library does from the same file."""
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    table = read_table(path, missing=estimator.missing, columns_as_text=estimator.encoder_.category_columns)
    page = page_of(estimator, training=False, arguments={})
    X = plain(page, "encode(read(path))", path=str(path))
    assert X.dtype == np.float32
    assert np.array_equal(X, estimator.encoder_.transform(table))
    found, expected = plain(page, "predict(read(path))", path=str(path)), estimator.predict(table)
    if isinstance(estimator, TabularRegressor):
        reach = float(np.max(estimator.target_.high - estimator.target_.low))
        assert np.abs(found - expected).max() <= rounding(longest_sum(estimator), np.float32, 16 * reach)
        return page
    odds = plain(page, "probabilities(read(path))", path=str(path))
    bound = rounding(longest_sum(estimator), np.float32, 16)
    assert np.abs(odds - estimator.predict_proba(table)).max() <= bound
    assert found.dtype == expected.dtype
    same = found == expected
    if not same.all():  # only where two classes are as good as equally likely
        best = np.sort(odds, axis=1)[:, -2:]
        assert (best[~same, 1] - best[~same, 0] <= 2 * bound).all()
    return page


def every_kind(n_rows: int = 90) -> pl.DataFrame:
    """Return a table with every kind of column, with holes and awkward names, and four targets."""
    rng = np.random.default_rng(1)
    size = rng.normal(size=n_rows)
    day = [datetime.date(2023, 1, 5) + datetime.timedelta(days=int(n)) for n in rng.integers(0, 900, n_rows)]
    moment = [datetime.datetime(2023, 1, 5) + datetime.timedelta(minutes=int(n)) for n in rng.integers(0, 9e6, n_rows)]
    old = rng.random(n_rows) < 0.4
    table = pl.DataFrame(
        {
            "size (m²)": [None if index % 9 == 4 else float(value) for index, value in enumerate(size)],
            "size-m": size * 3,
            "class": rng.choice(["ä", "b", 'c "d", e'], n_rows).tolist(),
            "city": [None if index % 11 == 5 else f"city {index % 12}" for index in range(n_rows)],
            "X": rng.choice(["yes", "no"], n_rows).tolist(),
            "old": [None if index % 7 == 1 else bool(flag) for index, flag in enumerate(old)],
            "new": (~old).tolist(),
            "day": [None if index % 13 == 6 else value for index, value in enumerate(day)],
            "moment": moment,
            "constant": [5] * n_rows,
            "columns": rng.integers(0, 4, n_rows),
            "np": rng.normal(size=n_rows),
        }
    )
    label = np.stack([size > 0, old], axis=1).astype(int)
    more = {"number": size * 5 + old, "another": size - 3 * old, "label 1": label[:, 0], "label 2": label[:, 1]}
    return table.with_columns([pl.Series(name, values) for name, values in more.items()])
