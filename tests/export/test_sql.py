"""Statements of SQL predict what their models predict, in SQLite and in DuckDB, from tables of several kinds."""

from __future__ import annotations

import dataclasses
import functools
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from pellucid import Dense, Network, TabularClassifier
from pellucid.errors import OptionError, ProofError
from pellucid.export import export, lower
from pellucid.export.graph import Affine
from pellucid.export.targets import sql
from pellucid.export.targets.sql import SQL, operations
from pellucid.export.targets.sql.statement import Statement, added, number
from tests.export import models

HOSTILE = ["e1", "level1", "input", "data", "select", "'; DROP TABLE data; --", '"', "\\", "%s", "?1", "NULL", "x.y"]


@pytest.mark.parametrize("kind", models.TARGETS)
def test_a_statement_predicts_what_its_estimator_predicts(kind: str, tmp_path: Path) -> None:
    made = export(models.fitted(kind), tmp_path / "model.sql")
    assert made.proof is not None and made.proof.tolerance == 1e-9 and made.proof.n_ties == 0
    assert "SQLite" in made.proof.runtime and "DuckDB" in made.proof.runtime
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.sql", "model_test.sql"]


def test_a_statement_predicts_what_a_population_predicts(tmp_path: Path) -> None:
    assert export(models.fitted("classes", "population"), tmp_path / "model.sql").proof is not None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", models.NETWORKS)
def test_a_statement_predicts_what_its_network_predicts(name: str, dtype: str, tmp_path: Path) -> None:
    made = export(models.network(name, dtype), tmp_path / "model.sql")
    assert made.proof is not None and made.proof.largest <= 1e-12


def test_a_statement_gives_the_ends_of_intervals(tmp_path: Path) -> None:
    made = export(models.fitted("number", "population"), tmp_path / "model.sql", coverage=0.8)
    assert made.proof is not None and list(made.proof.differences) == ["prediction", "low", "high"]


@functools.cache
def hostile() -> TabularClassifier:
    """Return a classifier of names that mean something to SQL."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {name: rng.normal(size=60).tolist() for name in HOSTILE}
    columns |= {name: (rng.random(60) < 0.5).tolist() for name in HOSTILE[-2:]}  # SQL has room for no more numbers
    columns["text"] = [HOSTILE[index] for index in rng.integers(0, len(HOSTILE), 60)]
    options: dict[str, Any] = {"epochs": 2, "hidden_layer_sizes": (4,), "members": 1, "random_state": 0}
    return TabularClassifier(**options).fit(columns, [HOSTILE[index % 8] for index in range(60)])


@pytest.mark.parametrize("model", [models.hostile, hostile])
def test_names_may_be_any_text(model: Callable[[], Any], tmp_path: Path) -> None:
    assert export(model(), tmp_path / 'it\'s a "model".sql').proof is not None


@functools.cache
def small() -> tuple[Any, str]:
    """Return a classifier, and its statement."""
    with tempfile.TemporaryDirectory() as folder:
        export(models.fitted("classes"), path := Path(folder) / "model.sql")
        return models.fitted("classes"), path.read_text(encoding="utf-8")


def check(rows: list[tuple[Any, ...]], table: pl.DataFrame) -> None:
    """Compare rows of a result with the model's own predictions."""
    model, _ = small()
    assert [row[0] for row in rows] == list(range(1, len(table) + 1))
    assert [row[-1] for row in rows] == model.predict(table).tolist()
    assert np.abs(np.array([row[-4:-1] for row in rows]) - model.predict_proba(table)).max() <= 1e-5


def test_sqlite_reads_a_table_of_text(tmp_path: Path) -> None:
    table = pl.DataFrame(models.table())
    (tmp_path / "rows.csv").write_text(table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S"))
    texts = pl.read_csv(tmp_path / "rows.csv", infer_schema=False).fill_null("")
    with sqlite3.connect(":memory:") as connection:
        connection.execute(
            f"CREATE TABLE data (note, {', '.join(f'{name} TEXT COLLATE NOCASE' for name in texts.columns)})"
        )
        connection.executemany(f"INSERT INTO data VALUES (1{', ?' * len(texts.columns)})", texts.rows())
        found = connection.execute(small()[1])
        assert [column[0] for column in found.description][:3] == ["pellucid_row", "note", "size"]
        check(found.fetchall(), table)


def test_duckdb_reads_a_frame_with_its_own_types() -> None:
    data = table = pl.DataFrame(models.table()).with_columns(pl.col("time").cast(pl.Datetime("us")))
    assert {pl.Boolean, pl.Date, pl.Datetime("us")} <= set(data.dtypes)
    with duckdb.connect() as connection:
        connection.register("frame", data.to_arrow())
        connection.execute("CREATE TABLE data AS SELECT * FROM frame")
        connection.execute("UPDATE data SET size = 'nan' WHERE size IS NULL")
        check(connection.execute(small()[1]).fetchall(), table)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-02-29T10:30:15.25+02:00", "2024-02-29 08:30:15.250000"),
        ("2024-02-29T10:30:15,25-0130", "2024-02-29T12:00:15.25"),
        ("2024-02-29 10:30Z", "2024-02-29T10:30:00"),
        ("1709202615250000", "2024-02-29T10:30:15.25"),
        ("-1000000", "1969-12-31 23:59:59"),
        ("0001-01-01", "0001-01-01T00:00"),
    ],
)
def test_moments_are_written_in_several_ways(text: str, same: str) -> None:
    row: dict[str, Any] = {"size": 0.5, "city": "city 1", "color": "red", "sex": "male", "old": True}
    row |= {"day": "2024-03-01", "time": None}
    columns = ", ".join(row)
    for connect in (sqlite3.connect, duckdb.connect):
        connection: Any = connect(":memory:")
        types = {"size": "DOUBLE", "old": "INTEGER"}
        declared = ", ".join(f"{name} {types.get(name, 'TEXT')}" for name in row)
        connection.execute(f"CREATE TABLE data ({declared})")
        for given in (text, same):
            values = [given if name == "time" else value for name, value in row.items()]
            connection.execute(f"INSERT INTO data ({columns}) VALUES ({', '.join('?' * len(row))})", values)
        one, other = connection.execute(small()[1]).fetchall()
        assert np.abs(np.subtract(one[-4:-1], other[-4:-1])).max() <= 1e-12
        connection.close()


def test_a_table_that_lacks_a_column_is_an_error() -> None:
    for connect, error in ((sqlite3.connect, sqlite3.OperationalError), (duckdb.connect, duckdb.BinderException)):
        connection: Any = connect(":memory:")
        connection.execute("CREATE TABLE data (size DOUBLE)")
        with pytest.raises(error, match="city"):
            connection.execute(small()[1])
        connection.close()


@pytest.mark.parametrize("mistake", ["transposed", "off by one", "swapped"])
def test_a_mistake_fails_the_proof_and_leaves_nothing(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, label = operations.write.dispatch(Affine), sql._label

    def transposed(o: Affine, s: Statement, x: operations.Terms) -> operations.Terms:
        return right(dataclasses.replace(o, weight=o.weight.T.reshape(o.weight.shape)), s, x)

    if mistake == "transposed":
        operations.write.register(Affine, transposed)
    elif mistake == "off by one":
        monkeypatch.setattr(operations, "FIRST_LEVEL", 1)
    else:
        monkeypatch.setattr(sql, "_label", lambda each: label({"yes": "no", "no": "yes"}[each]))
    try:
        with pytest.raises(ProofError, match=r"model\.sql: "):
            export(models.fitted("binary"), tmp_path / "model.sql")
    finally:
        operations.write.register(Affine, right)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("binary", "THEN 'no' WHEN 1 THEN 'yes'", "THEN 'yes' WHEN 1 THEN 'no'"), ("labels", "> 0.5e0", "> 0e0")],
)
def test_a_statement_with_other_labels_fails_its_self_test(kind: str, right: str, wrong: str, tmp_path: Path) -> None:
    path, test = tmp_path / "model.sql", tmp_path / "model_test.sql"
    export(models.fitted(kind), path)
    assert path.read_text().count(right) == test.read_text().count(right) > 0
    test.write_text(test.read_text().replace(right, wrong))
    graph = lower(models.fitted(kind), precision="double")
    with pytest.raises(ProofError, match=r"model\.sql: its self-test in SQLite [\d.]+ finds differences of inf"):
        SQL().run(path, graph, {})


def test_what_sql_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refused(model: Any, message: str) -> None:
        with pytest.raises(OptionError, match=message):
            export(model, tmp_path / "model.sql")

    large = Network([Dense(200), Dense(200), Dense(1)], n_inputs=3)
    large.initialize()
    refused(large, "41,201 numbers, and sql takes at most 20,000")
    wide = Network([Dense(2001, bias=False)], n_inputs=2)
    wide.initialize()
    refused(wide, "2,002 numbers side by side, and SQLite takes at most 2,000")
    options: dict[str, Any] = {"epochs": 1, "hidden_layer_sizes": (2,), "members": 1, "random_state": 0}
    rng = np.random.default_rng(0)
    cases = {"Size": rng.normal(size=40).tolist(), "size": rng.normal(size=40).tolist()}
    refused(TabularClassifier(**options).fit(cases, [0, 1] * 20), "'Size', 'size' differ in nothing but")
    refused(TabularClassifier(**options).fit({"a": cases["size"]}, ["a\0b", "c"] * 20), "NUL")
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_it_is_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SQL, "_engines", lambda self: {})
    assert export(models.fitted("binary"), tmp_path / "model.sql").proof is None
    with pytest.raises(ProofError, match="DuckDB"):
        export(models.fitted("binary"), tmp_path / "other.sql", require_proof=True)


def test_long_sums_are_shallow() -> None:
    """1,500 inputs make a sum that SQLite would refuse as one chain."""
    with sqlite3.connect(":memory:") as connection:
        parts = [number(1.0)] * 1500
        assert connection.execute(f"SELECT {added(parts)}").fetchone() == (1500.0,)
        with pytest.raises(sqlite3.OperationalError, match="tree is too large"):
            connection.execute(f"SELECT {' + '.join(parts)}")


def test_each_expression_is_written_once() -> None:
    """As many columns are computed as the operation has numbers: nothing is written out again."""
    graph = lower(models.network("wide", "float64"))
    statement = Statement()
    made = operations.write(graph.operations[0], statement, [statement.add(f"x{j}", (), raw=True) for j in range(9)])
    assert len(made) == 7 and [len(level) for level in statement.levels] == [9, 7]
