"""The two files of a program in C: its header, and its code with a main program that is compiled on request."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from pellucid.export.graph import Column, Graph, Output
from pellucid.export.target import template
from pellucid.export.targets.c.constants import LINE, filled, number
from pellucid.export.targets.c.functions import copied
from pellucid.export.targets.c.names import commented, identifiers, literal, quoted
from pellucid.export.targets.c.operations import Writer
from pellucid.export.vectors import Vectors

MEANINGS = {
    "number": "a number, NAN where missing",
    "boolean": "0 false, 1 true, NAN missing",
    "date": "microseconds since 1970-01-01 UTC, NAN where missing",
    "category": "text in UTF-8, NULL or empty where missing",
    "vector": "numbers, none of them missing",
}
DATES = """\
/* The date and time in UTC as a row holds it; NAN where there is no such day or time. */
double NAME_date(int year, int month, int day, int hour, int minute, double second);

"""


class CProgram:
    """Writes a graph, with names that begin with ``name``, into ``file``."""

    def __init__(self, graph: Graph, vectors: Vectors, name: str, file: str) -> None:
        self.graph, self.vectors, self.name, self.file = graph, vectors, name, quoted(file)[1:-1]
        self.members = identifiers((column.name for column in graph.columns), "column")
        self.results = identifiers((output.name for output in graph.outputs), "output")
        self.writer = Writer(graph, self.members)
        self.has_dates = any(column.kind == "date" for column in graph.columns)
        self.main = f"{name.upper()}_MAIN"

    def sizes(self) -> str:
        """Return how much memory constants and values take."""
        return (
            f"{self.writer.n_bytes:,} bytes of constants, {self.writer.storage.n_bytes:,} bytes of the stack for values"
        )

    def header(self) -> str:
        """Return the header."""
        name, guard = self.name, f"{self.name.upper()}_H"
        labels = self.graph.outputs[0].labels
        members = "\n".join(map(self._member, self.graph.columns))
        results = "\n".join(map(self._result, self.graph.outputs))
        dates = DATES.replace("NAME", name) if self.has_dates else ""
        return f"""\
/* {self.about()}

    {name}_row row = {{...}};
    {name}_prediction prediction;
    {name}_predict(&row, &prediction);

Nothing is allocated, and nothing kept between calls: any number of threads may predict.
{self.sizes()}. */

#ifndef {guard}
#define {guard}

#ifdef __cplusplus
extern "C" {{
#endif

typedef struct {{
{members}
}} {name}_row;

typedef struct {{
{results}
}} {name}_prediction;

{_listed(labels)}
extern const char *const {name}_labels[{len(labels)}];

void {name}_predict(const {name}_row *row, {name}_prediction *prediction);

{dates}#ifdef __cplusplus
}}
#endif

#endif
"""

    def source(self) -> str:
        """Return the code."""
        name, labels = self.name, self.graph.outputs[0].labels
        texts = filled(literal(str(label)) for label in labels)
        parts = [
            f"/* {self.about()}\n\nAs it is, it makes a function for other programs, declared in {name}.h. It makes a "
            "program of its own, which\nreads CSV text, with:\n\n"
            f"    cc -std=c99 -O3 -D{self.main} {self.file} -lm -o {name} */",
            f'#include "{name}.h"\n\n#include <math.h>\n#include <stddef.h>',
            "#include <string.h>" if self._has_levels() else "",
            f"const char *const {name}_labels[{len(labels)}] = {{\n{texts}\n}};",
            "struct level {\n    const char *text;\n    unsigned code;\n};" if self._has_levels() else "",
            *self.writer.definitions,
            *copied(self.writer.variants),
            self._predict(),
            _own(template("c_dates.c"), name) if self.has_dates else "",
            self._main(),
        ]
        return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"

    def about(self) -> str:
        """Return what begins both files' first comment."""
        made = ", ".join(f"{key} {value}" for key, value in self.graph.metadata)
        text = f"{quoted(self.graph.title)[1:-1]}: a program in C99. Written by Pellucid ({made})."
        return "\n".join(textwrap.wrap(commented(text), LINE - 3))

    def _has_levels(self) -> bool:
        return any(function == "code" for function, _, _ in self.writer.variants)

    def _member(self, column: Column) -> str:
        kind = "const char *" if column.kind == "category" else "double "
        size = f"[{column.size}]" if column.kind == "vector" else ""
        return f"    {kind}{self.members[column.name]}{size}; /* {quoted(column.name)}: {MEANINGS[column.kind]} */"

    def _result(self, output: Output) -> str:
        n, name = len(output.labels), self.results[output.name]
        if output.kind == "label":
            return f"    int {name}; /* the number of the most probable in {self.name}_labels */"
        if output.kind == "labels":
            return f"    int {name}[{n}]; /* 1 where the probability is above 0.5, else 0 */"
        if output.kind == "numbers" and n == 1:
            return f"    double {name};"
        return f"    double {name}[{n}]; /* in the order of {self.name}_labels */"

    def _predict(self) -> str:
        storage, lines = self.writer.storage, list(self.writer.statements)
        arrays = {"float floats": storage.sizes["float32"], "double doubles": storage.sizes["float64"]}
        declared = [f"{array}[{size}];" for array, size in arrays.items() if size]
        for output in self.graph.outputs:
            kind = "int" if output.kind in ("label", "labels") else "double"
            to, value = f"prediction->{self.results[output.name]}", self.writer.pointer(output.value)
            if len(self._places(output)) == 1 and not self._is_array(output):
                lines.append(f"{to} = ({kind}){self.writer.number(output.value)};")
                continue
            lines += [f"for (size_t i = 0; i < {len(output.labels)}; ++i)", f"    {to}[i] = ({kind})({value})[i];"]
        body = "\n".join(f"    {line}" for line in [*declared, *lines])
        return (
            f"void {self.name}_predict(const {self.name}_row *row, {self.name}_prediction *prediction)\n{{\n{body}\n}}"
        )

    @staticmethod
    def _is_array(output: Output) -> bool:
        return not (output.kind == "label" or (output.kind == "numbers" and len(output.labels) == 1))

    def _places(self, output: Output) -> list[str]:
        name = self.results[output.name]
        return [f"{name}[{index}]" for index in range(len(output.labels))] if self._is_array(output) else [name]

    def _main(self) -> str:
        name = self.name
        columns, results = [], []
        for column in self.graph.columns:
            member, kind = self.members[column.name], "n" if column.kind == "vector" else column.kind[0]
            places = {f"{column.name}[{i}]": f"{member}[{i}]" for i in range(column.size)}
            for heading, place in (places if column.kind == "vector" else {column.name: member}).items():
                columns.append(f"    {{{literal(heading)}, '{kind}', offsetof({name}_row, {place})}},")
        for output in self.graph.outputs:
            kind = {"label": "l", "labels": "i"}.get(output.kind, "n")
            units = self.vectors.unit[output.name].tolist() if output.kind == "numbers" else [0.0] * len(output.labels)
            for index, place in enumerate(self._places(output)):
                texts = literal(_heading(output, index)), f"'{kind}'", f"offsetof({name}_prediction, {place})"
                results.append(f"    {{{', '.join(texts)}, {number(units[index], 'double')}}},")
        tables = [
            "struct column {\n    const char *name;\n    char kind;\n    size_t place;\n};",
            "static const struct column columns[] = {\n" + "\n".join(columns) + "\n};",
            "static const struct {\n    const char *name;\n    char kind;\n    size_t place;\n    double unit;\n} "
            "results[] = {\n" + "\n".join(results) + "\n};",
            f"static const {name}_row test_rows[] = {{\n{self._rows()}\n}};",
            f"static const {name}_prediction test_predictions[] = {{\n{self._predictions()}\n}};",
            f"static const double tolerance = {number(self.vectors.tolerance, 'double')};",
        ]
        macro = f"#define {name}_dates\n\n" if self.has_dates else ""
        return "\n\n".join([f"#ifdef {self.main}\n", *tables, macro + _own(template("c_main.c"), name), "#endif"])

    def _rows(self) -> str:
        given = self.vectors.columns
        return _entries(
            [_constant(given[column.name][row], column.kind == "category") for column in self.graph.columns]
            for row in range(self.vectors.n_rows)
        )

    def _predictions(self) -> str:
        rows = []
        for row in range(self.vectors.n_rows):
            entries = []
            for output in self.graph.outputs:
                values = self.vectors.outputs[output.name][row].tolist()
                whole = output.kind in ("label", "labels")
                texts = [str(int(value)) if whole else number(value, "double") for value in values]
                entries.append(f"{{{', '.join(texts)}}}" if self._is_array(output) else texts[0])
            rows.append(entries)
        return _entries(rows)


def _constant(value: Any, is_text: bool) -> str:
    if is_text:
        return literal(value)
    if hasattr(value, "__len__"):
        return "{" + ", ".join(number(float(each), "double") for each in value) + "}"
    return number(float(value), "double")


def _entries(rows: Iterable[list[str]]) -> str:
    return "\n".join(f"    {{{', '.join(row)}}}," for row in rows)


def _listed(labels: tuple[Any, ...]) -> str:
    lines = [f"    {index}: {quoted(str(label))}" for index, label in enumerate(labels)]
    return "\n".join(["/* In UTF-8:", *lines, "*/"])


def _heading(output: Output, index: int) -> str:
    """Return the heading of a column of predictions."""
    if output.kind == "label":
        return output.name
    label = output.labels[index]
    if output.kind == "probabilities":
        return f"probability of {label}"
    return output.name if len(output.labels) == 1 else f"{output.name} of {label}"


def _own(text: str, name: str) -> str:
    """Return a template with the program's name in it."""
    return text.replace("NAME", name)
