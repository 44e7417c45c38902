"""Export to SQL: one SELECT over a table of raw columns, which SQLite and DuckDB run unchanged, and a test of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import OptionError, ProofError
from pellucid.export.graph import Code, Column, Graph, Output
from pellucid.export.target import Program, Target
from pellucid.export.targets.sql.operations import OPERATIONS, write
from pellucid.export.targets.sql.raw import names, read
from pellucid.export.targets.sql.statement import INPUT, ROW, Statement, Term, number, quoted, text_literal
from pellucid.export.vectors import TIED, Vectors
from pellucid.layers.base import Array

TABLE = "data"
TEST_ROW = "pellucid_test_row"
MOST_COLUMNS = 2000  # of SQLite, in a table or a result
AGREEMENT = 1e-9

Values = dict[str, list[Term]]


class SQL(Target):
    """A statement in ``.sql``: common table expressions, each of which computes once what the next ones use."""

    name = "sql"
    suffix = ".sql"
    precisions = ("double",)
    operations = OPERATIONS
    most_constants = 20_000
    needs = "SQLite 3.35 with its mathematical functions, or DuckDB"

    def check(self, graph: Graph) -> None:
        """Also refuse names that SQL cannot tell apart, and levels that are wider than SQLite takes."""
        super().check(graph)
        columns = [name for column in graph.columns for name in names(column)]
        alike = Counter(name.casefold() for name in columns)
        same = [name for name in columns if alike[name.casefold()] > 1]
        if same:
            raise OptionError(
                f"export to sql: the columns {', '.join(map(repr, same))} differ in nothing but upper and lower case, "
                "which SQL does not tell apart; rename one and train again."
            )
        for text in [*columns, *_texts(graph)]:
            if "\0" in text:
                raise OptionError(f"export to sql: {text!r} holds a NUL, which no text of SQL can.")
        widest = max(map(len, _statement(graph)[0].columns()), default=0)
        if widest > MOST_COLUMNS:
            raise OptionError(
                f"export to sql: the model computes {widest:,} numbers side by side, and SQLite takes at most "
                f"{MOST_COLUMNS:,}: train one with fewer members or hidden neurons, or choose another target."
            )

    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the statement, and in a second file one that runs it on the test vectors."""
        statement, values = _statement(graph)
        tables = [
            f"{INPUT} AS MATERIALIZED (\n  SELECT row_number() OVER () AS {ROW}, {TABLE}.*\n  FROM {TABLE}\n)",
            *statement.tables(),
        ]
        last = f"level{len(statement.levels)}" if statement.levels else INPUT
        join = f"FROM {INPUT} JOIN {last} USING ({ROW})"
        values = {name: [_qualified(term, last) for term in terms] for name, terms in values.items()}
        predictions = ",\n  ".join(_predictions(graph, values))
        about = [
            f"{' '.join(graph.title.split())}: raw rows in, predictions out, in SQLite (3.35 or later) and DuckDB.",
            "",
            f"Written by Pellucid ({', '.join(f'{name} {value}' for name, value in graph.metadata)}).",
            "",
            f"The rows are those of a table or view called {TABLE}, with these columns and any others:",
            "",
            *(f"    {' '.join(column.name.split())}: {_wanted(column)}" for column in graph.columns),
            "",
            f"To take them from elsewhere, let it begin with: WITH {TABLE} AS (SELECT ... FROM ...), {INPUT} AS ...",
        ]
        text = "\n".join(f"-- {line}".rstrip() for line in about)
        text += f"\nWITH\n{_listed(tables)}\nSELECT\n  {INPUT}.*,\n  {predictions}\n{join}\nORDER BY {INPUT}.{ROW};\n"
        test = _test(graph, vectors, values, tables, join)
        return Program({f"{stem}{self.suffix}": text, f"{stem}_test{self.suffix}": test})

    def runtime(self) -> str | None:
        """SQLite as this Python has it, and DuckDB where it is installed."""
        return ", ".join(self._engines()) or None

    def _engines(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with closing(sqlite3.connect(":memory:")) as connection:
            try:
                connection.execute("WITH a AS MATERIALIZED (SELECT atanh(0.5)) SELECT * FROM a")
                found[f"SQLite {sqlite3.sqlite_version}"] = sqlite3.connect
            except sqlite3.OperationalError:
                pass
        if find_spec("duckdb"):
            import duckdb

            found[f"DuckDB {duckdb.__version__}"] = duckdb.connect
        return found

    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Run the test and the statement in each engine there is; they must agree, too."""
        found = {}
        for engine, connect in self._engines().items():
            try:
                with closing(connect(":memory:")) as connection:
                    self._self_test(path, connection, engine)
                    found[engine] = _outputs(connection, path, graph, columns, dated="DuckDB" in engine)
            except Exception as error:
                if isinstance(error, ProofError):
                    raise
                raise ProofError(f"{path.name}: {engine} said: {error}") from error
        first, *others = found.values()
        for output in graph.outputs:
            for other in others:
                off = np.abs(first[output.name] - other[output.name]) / (1 + np.abs(first[output.name]))
                if output.kind in ("numbers", "probabilities") and not off.max(initial=0.0) <= AGREEMENT:
                    raise ProofError(f"{path.name}: {' and '.join(found)} differ by {off.max():.3g} in {output.name}.")
        return first

    def _self_test(self, path: Path, connection: Any, engine: str) -> None:
        test = path.with_name(f"{path.stem}_test{self.suffix}").read_bytes().decode()
        tolerance, *differences = connection.execute(test).fetchone()
        if not all(difference <= tolerance for difference in differences):
            raise ProofError(f"{path.name}: its self-test in {engine} finds differences of {max(differences):.3g}.")


def _texts(graph: Graph) -> list[str]:
    codes = [each for each in graph.operations if isinstance(each, Code)]
    labels = [str(label) for output in graph.outputs for label in output.labels]
    return [*labels, *(text for code in codes for text in (*code.levels, *code.missing))]


def _wanted(column: Column) -> str:
    """Return what a column of the table holds."""
    return {
        "number": "numbers",
        "boolean": "true and false, as a BOOLEAN, 1 and 0, or text",
        "date": "a DATE, a TIMESTAMP, ISO 8601 text, or whole microseconds since 1970-01-01",
        "category": "text or numbers; empty text and NULL are missing",
        "vector": f"numbers, in columns {', '.join(names(column)[:3])}{', ...' if column.size > 3 else ''}",
    }[column.kind]


def _statement(graph: Graph) -> tuple[Statement, Values]:
    statement = Statement()
    values: Values = {column.name: read(statement, column) for column in graph.columns}
    for operation in graph.operations:
        values[operation.output] = write(operation, statement, *(values[name] for name in operation.inputs))
    for output in graph.outputs:
        statement.keep(values[output.value])
    return statement, values


def _qualified(term: Term, table: str) -> Term:
    """Return a column with its table's name before it: a column of the rows may have the same."""
    return Term(f"{table}.{term}", term.level) if term.level else term


def _predictions(graph: Graph, values: Values) -> list[str]:
    """Return what is selected, with the names that other programs print."""
    found = []
    for output in graph.outputs:
        terms = values[output.value]
        if output.kind == "label":
            found.append(f"{_named(output, terms[0])} AS {quoted(output.name)}")
        else:
            found += [
                f"{term} AS {quoted(heading(output, label))}" for term, label in zip(terms, output.labels, strict=True)
            ]
    return found


def heading(output: Output, label: object) -> str:
    """Return the name of an output's column."""
    if output.kind == "probabilities":
        return f"probability of {label}"
    return output.name if len(output.labels) == 1 else f"{output.name} of {label}"


def _label(label: object) -> str:
    if isinstance(label, bool):
        return str(label).upper()
    if isinstance(label, int):
        return str(label)
    return number(label) if isinstance(label, float) else text_literal(str(label))


def _named(output: Output, term: Term) -> str:
    """Return the label whose number is the term's."""
    cases = " ".join(f"WHEN {index} THEN {_label(label)}" for index, label in enumerate(output.labels))
    return f"CASE {term} {cases} END"


def _test(graph: Graph, vectors: Vectors, values: Values, tables: list[str], join: str) -> str:
    """Return the statement over the vectors: the tolerance, then the largest difference of each output's column.

    Another label is infinitely far, and any is right where two are as good as equal.
    """
    given = [name for column in graph.columns for name in names(column)]
    stored = [_stored(column.kind, vectors.columns[column.name]) for column in graph.columns]
    rows = [[_cell(cell) for part in stored for cell in part[row]] for row in range(vectors.n_rows)]
    expected: list[list[str]] = []
    differences: list[str] = []
    for output in graph.outputs:
        for index, term in enumerate(values[output.value]):
            own = f"expected.e{len(expected) + 1}"
            if output.kind in ("label", "labels"):
                found = _named(output, term) if output.kind == "label" else term
                off = f"CASE WHEN {own} IS NULL OR {found} = {own} THEN 0e0 ELSE 9e999 END"
                name = output.name if output.kind == "label" else heading(output, output.labels[index])
                differences.append(f"max({off}) AS {quoted(name)}")
                codes = vectors.outputs[output.name][:, index]
                expected.append([_expected_label(output, code) for code in codes.tolist()])
                continue
            unit = f"({number(vectors.unit[output.name][index])} + abs({own}))" if output.kind == "numbers" else "1e0"
            off = f"CASE WHEN {term} = {own} THEN 0e0 ELSE coalesce(abs({term} - {own}), 9e999) / {unit} END"
            differences.append(f"max({off}) AS {quoted(heading(output, output.labels[index]))}")
            expected.append([number(value) for value in vectors.outputs[output.name][:, index]])
    made = [list(cells) for cells in zip(*expected, strict=True)]
    columns = ", ".join(f"e{index}" for index in range(1, len(expected) + 1))
    with_data = [
        f"{TABLE}({', '.join(map(quoted, [TEST_ROW, *given]))}) AS (\n  VALUES\n{_rows(rows)}\n)",
        f"expected({TEST_ROW}, {columns}) AS (\n  VALUES\n{_rows(made)}\n)",
    ]
    selected = ",\n  ".join([f"{number(vectors.tolerance)} AS tolerance", *differences])
    return (
        "-- The largest differences to what the model predicts for the rows below; none may be above the tolerance.\n"
        f"WITH\n{_listed([*with_data, *tables])}\nSELECT\n  {selected}\n{join} JOIN expected USING ({TEST_ROW});\n"
    )


def _expected_label(output: Output, code: float) -> str:
    if code == TIED:
        return "NULL"
    return _label(output.labels[int(code)] if output.kind == "label" else int(code))


def _listed(tables: list[str]) -> str:
    return ",\n".join(tables)


def _cell(value: float | str | None) -> str:
    if isinstance(value, str):
        return text_literal(value)
    return "NULL" if value is None else number(value)


def _rows(rows: list[list[str]]) -> str:
    return ",\n".join(f"    ({', '.join([str(index), *cells])})" for index, cells in enumerate(rows))


def _outputs(
    connection: Any, path: Path, graph: Graph, columns: Mapping[str, Array], *, dated: bool
) -> dict[str, Array]:
    """Return what the statement makes of rows in a table of the kinds that they are."""
    types = {"category": "TEXT", "date": "TIMESTAMP" if dated else "TEXT"}
    given = [(name, types.get(column.kind, "DOUBLE")) for column in graph.columns for name in names(column)]
    connection.execute(f"CREATE TABLE {TABLE} ({', '.join(f'{quoted(name)} {kind}' for name, kind in given)})")
    parts = [_stored(column.kind, columns[column.name]) for column in graph.columns]
    rows = [[cell for part in parts for cell in part[row]] for row in range(len(parts[0]))]
    connection.executemany(f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(given))})", rows)
    made = connection.execute(path.read_bytes().decode()).fetchall()
    found, start = {}, 1 + len(given)
    for output in graph.outputs:
        size = 1 if output.kind == "label" else len(output.labels)
        values = [list(row[start : start + size]) for row in made]
        start += size
        if output.kind == "label":
            labels = list(output.labels)
            values = [[labels.index(label) if label in labels else -1] for (label,) in values]
        found[output.name] = np.array(values, dtype=np.float64).reshape(len(rows), size)
    return found


def _stored(kind: str, values: Array) -> list[list[Any]]:
    if kind == "date":
        moments = [None if np.isnan(value) else str(np.datetime64(int(value), "us")) for value in values.tolist()]
        return [[moment] for moment in moments]
    cells = values.reshape(len(values), -1).tolist()
    return [[None if cell != cell else cell for cell in row] for row in cells]
