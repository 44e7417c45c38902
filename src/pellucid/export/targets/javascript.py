"""Export to one ES module of JavaScript without dependencies, for node and browsers, with types in a second file."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pellucid.errors import ProofError
from pellucid.export.graph import (
    Above,
    Activate,
    Affine,
    Blend,
    Cast,
    Circle,
    Clip,
    Code,
    Column,
    Complement,
    Curves,
    Days,
    Graph,
    GroupedAffine,
    Join,
    Largest,
    Lookup,
    Missing,
    Normalize,
    Operation,
    Scale,
    Select,
    Sign,
    Squeeze,
    Sum,
    Waves,
)
from pellucid.export.target import Program, Target, template
from pellucid.export.targets.python_program import LINE, SECONDS, narrowed
from pellucid.export.vectors import Vectors
from pellucid.layers.base import Array

MOST_EXACT = 2**53  # whole numbers up to it are exact in JavaScript

Constant = Callable[[Array], str]
Write = Callable[[Any, Constant], tuple[object, ...]]
"""From an operation, and what writes a constant, to what its function is told besides the values."""

FUNCTIONS: dict[type[Operation], tuple[str, Write]] = {
    Missing: ("missing", lambda o, c: ()),
    Squeeze: ("squeeze", lambda o, c: (o.center, o.scale)),
    Sign: ("sign", lambda o, c: ()),
    Days: ("days", lambda o, c: ()),
    Circle: ("circle", lambda o, c: (literal(o.period),)),
    Code: ("code", lambda o, c: ()),
    Lookup: ("lookup", lambda o, c: (c(o.table),)),
    Join: ("join", lambda o, c: ()),
    Select: ("select", lambda o, c: (o.start,)),
    Cast: ("cast", lambda o, c: ()),
    Affine: ("affine", lambda o, c: (c(o.weight), c(o.bias))),
    GroupedAffine: ("grouped_affine", lambda o, c: (c(o.weight), c(o.bias), len(o.weight))),
    Scale: ("scale", lambda o, c: (c(o.factor), c(o.shift))),
    Curves: ("curves", lambda o, c: (c(o.edges), c(o.knots), c(o.slopes))),
    Waves: ("waves", lambda o, c: (c(o.frequency), c(o.phase))),
    Normalize: ("normalize", lambda o, c: (o.epsilon,)),
    Activate: ("", lambda o, c: (o.parameter,) if o.parameter else ()),
    Blend: ("blend", lambda o, c: (c(o.blend),)),
    Sum: ("sum", lambda o, c: ()),
    Clip: ("clip", lambda o, c: (c(o.low), c(o.high))),
    Complement: ("complement", lambda o, c: ()),
    Largest: ("largest", lambda o, c: ()),
    Above: ("above", lambda o, c: (o.threshold,)),
}
TYPES = {
    "number": "number | bigint | string | null | undefined",
    "boolean": "boolean | number | string | null | undefined",
    "date": "Date | string | number | bigint | null | undefined",
    "category": "string | number | bigint | boolean | null | undefined",
    "vector": "ArrayLike<number>",
}


class JavaScript(Target):
    """A module in ``.js``, with types in ``.d.ts``: one row at a time, in arrays that are made once."""

    name = "javascript"
    suffix = ".js"
    types: ClassVar[str] = ".d.ts"
    precisions = ("double",)  # numbers of JavaScript are doubles
    operations = frozenset(FUNCTIONS)
    needs = "node, of Node.js"

    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the module and its types."""
        constants: list[str] = []

        def constant(array: Array) -> str:
            constants.append(f"const C{len(constants) + 1} = {_constant(array)};")
            return f"C{len(constants)}"

        values = {column.name: f"raw[{index}]" for index, column in enumerate(graph.columns)}
        scratch, calls, called = [], [], set[str]()
        for index, operation in enumerate(graph.operations, 1):
            function, told = FUNCTIONS[type(operation)]
            function = operation.function if isinstance(operation, Activate) else function
            inputs = [values[name] for name in operation.inputs]
            arguments = [*inputs, *told(operation, constant)]
            if isinstance(operation, Sum):
                arguments = [list(operation.weights), *inputs]
            if isinstance(operation, Code):
                constants.append(f"const L{index} = codes({literal(operation.levels)}, {literal(operation.missing)});")
                arguments.append(f"L{index}")
                called.add("codes")
            values[operation.output] = f"v{index}"
            scratch.append(f"const v{index} = new Float64Array({operation.size});")
            calls.append(f"  {function}({', '.join(map(str, [f'v{index}', *arguments]))});")
            called.add(function)
        frame, functions = template("javascript_frame.js"), template("javascript_functions.js")
        parts = [
            "\n".join(f"// {line}".rstrip() for line in _about(graph, stem, self.suffix)),
            "\n".join(
                [
                    f"/** The columns of a row. */\nexport const COLUMNS = {_columns(graph.columns)};\n",
                    f"/** What probabilities or numbers are of. */\nexport const LABELS = {_labels(graph)};\n",
                    f"const OUTPUTS = {literal([{'name': each.name, 'kind': each.kind} for each in graph.outputs])};",
                    f"const TOLERANCE = {vectors.tolerance!r};",
                    f"const USAGE = {literal(_usage(stem, self.suffix))};",
                ]
            ),
            *copied(functions, called),
            *_definitions(frame).values(),
            "\n".join(constants),
            f"const raw = [{', '.join(map(_raw, graph.columns))}];\n" + "\n".join(scratch),
            f"const results = [{', '.join(values[output.value] for output in graph.outputs)}];",
            "\n".join(["function compute() {", *calls, "}"]),
            f"function vectors() {{\n  return {_vectors(graph, vectors)};\n}}",
            "start();",
        ]
        text = "\n\n".join(part for part in parts if part) + "\n"
        return Program({f"{stem}{self.suffix}": text, f"{stem}{self.types}": _declarations(graph)})

    def runtime(self) -> str | None:
        """Node.js, where it is installed."""
        node = shutil.which("node")
        if node is None:
            return None
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=SECONDS)
        return f"Node.js {done.stdout.strip().removeprefix('v')}" if done.returncode == 0 else None

    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Run the self-test, and the rows through ``predictRows`` from another module.

        They run in a folder of their own, and as ``.mjs``: an older node, or a package.json in a folder above, might
        take ``.js`` for another kind of module.
        """
        with tempfile.TemporaryDirectory() as folder:
            program, caller, found = (Path(folder) / name for name in ("program.mjs", "caller.mjs", "found.json"))
            shutil.copy(path, program)
            caller.write_text(_caller(columns, found), encoding="utf-8")
            self._run([str(program), "--self-test"], path)
            self._run([str(caller)], path)
            rows = json.loads(found.read_text(encoding="utf-8"))
        labels = {json.dumps(_label(label)): index for index, label in enumerate(graph.outputs[0].labels)}
        outputs = {}
        for output in graph.outputs:
            values = [row[output.name] for row in rows]
            if output.kind == "label":
                values = [labels.get(json.dumps(value), -1) for value in values]
            outputs[output.name] = np.array(values, dtype=np.float64).reshape(len(rows), -1)
        return outputs

    def _run(self, words: list[str], path: Path) -> None:
        done = subprocess.run(
            [shutil.which("node") or "node", *words],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            encoding="utf-8",
            cwd=Path(words[0]).parent,
        )
        if done.returncode:
            said = done.stderr.strip() or done.stdout.strip() or "nothing"
            raise ProofError(f"{path.name}: it ended with exit code {done.returncode} and said: {said}")


class JavaScriptModule(JavaScript):
    """The same in ``.mjs``, which every version of node takes for an ES module, with types in ``.d.mts``."""

    name = "mjs"
    suffix = ".mjs"
    types = ".d.mts"


def literal(value: object) -> str:
    """Return JSON data, in which numbers may be NaN or infinite, as JavaScript that no page's markup can end."""
    return json.dumps(value).replace("</", "<\\/")


def copied(text: str, names: Iterable[str]) -> list[str]:
    """Return the sources of functions of a template, and of those that they call, in its order."""
    sources = _definitions(text)
    wanted, queue = set[str](), list(names)
    while queue:
        name = queue.pop()
        if name in sources and name not in wanted:
            wanted.add(name)
            queue += re.findall(r"\w+", sources[name])
    return [source for name, source in sources.items() if name in wanted]


def _definitions(text: str) -> dict[str, str]:
    pattern = r"^(?:(?://|/\*\*) [^\n]*\n)*(?:export )?(?:async )?function (\w+)\(.*?^\}$"
    return {match[1]: match[0] for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)}


def _about(graph: Graph, stem: str, suffix: str) -> list[str]:
    title = " ".join(graph.title.split())
    made = ", ".join(f"{name} {value}" for name, value in graph.metadata)
    return [f"{title}: raw row in, prediction out.", "", f"Written by Pellucid ({made}).", "", *_examples(stem, suffix)]


def _examples(stem: str, suffix: str) -> list[str]:
    name = json.dumps(f"./{' '.join(f'{stem}{suffix}'.split())}")
    return [
        f"import {{ predict }} from {name};   predict(row), an object by column, null where missing",
        f"node {name} ROWS.csv      prints a prediction for each row, columns found by name",
        f"node {name} --self-test   predicts the rows that are kept here, and compares",
    ]


def _usage(stem: str, suffix: str) -> str:
    return "\n".join(["usage:", *_examples(stem, suffix)[1:]])


def _columns(columns: Iterable[Column]) -> str:
    described = [{"name": each.name, "kind": each.kind, "size": each.size} for each in columns]
    return "[\n" + "".join(f"  {literal(each)},\n" for each in described) + "]"


def _label(label: object) -> object:
    """Return a label as JSON data: a number, true or false as itself, and anything else as text."""
    return label if isinstance(label, bool | int | float) and abs(label) <= MOST_EXACT else str(label)


def _labels(graph: Graph) -> str:
    return literal([_label(label) for label in graph.outputs[0].labels])


def _raw(column: Column) -> str:
    return '[""]' if column.kind == "category" else f"new Float64Array({column.size})"


def _constant(array: Array) -> str:
    kept = narrowed(array)
    data = np.ascontiguousarray(kept, dtype=kept.dtype.newbyteorder("<")).tobytes()
    text = base64.b64encode(data).decode()
    pieces = [text[start : start + LINE] for start in range(0, len(text), LINE)]
    lines = "\n".join(["", *pieces, ""]) if len(pieces) > 1 else text
    return f"constant(`{lines}`, {'Float32Array' if kept.dtype == np.float32 else 'Float64Array'})"


def _vectors(graph: Graph, vectors: Vectors) -> str:
    """Return the vectors as an object: by position of column and output, as names may be any text."""
    document = {
        "columns": [vectors.columns[column.name].tolist() for column in graph.columns],
        "outputs": [vectors.outputs[output.name].tolist() for output in graph.outputs],
        "units": {name: unit.tolist() for name, unit in vectors.unit.items()},
    }
    return literal(document)


def _caller(columns: Mapping[str, Array], found: Path) -> str:
    names = [f"[{literal(name)}, {literal(values.tolist())}]" for name, values in columns.items()]
    return f"""import {{ writeFileSync }} from "node:fs";
import {{ predictRows }} from "./program.mjs";

const columns = [{", ".join(names)}];
const rows = columns[0][1].map((_, row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
const text = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
writeFileSync({literal(found.name)}, JSON.stringify(predictRows(rows), text));
"""


def _declarations(graph: Graph) -> str:
    """Return what TypeScript wants to know."""
    labels = graph.outputs[0].labels
    kinds = {
        "label": " | ".join(dict.fromkeys(literal(_label(label)) for label in labels)),
        "labels": "boolean[]",
        "probabilities": "number[]",
        "numbers": "number" if len(labels) == 1 else "number[]",
    }
    rows = "".join(f"  {literal(column.name)}: {TYPES[column.kind]};\n" for column in graph.columns)
    outputs = "".join(f"  {literal(output.name)}: {kinds[output.kind]};\n" for output in graph.outputs)
    return f"""/** A raw row: a value for each column, null, undefined, NaN or empty text where it is missing. */
export interface Row {{
{rows}}}

/** What is predicted; arrays are in the order of LABELS. */
export interface Prediction {{
{outputs}}}

/** The columns of a row. */
export declare const COLUMNS: readonly {{ name: keyof Row; kind: string; size: number }}[];

/** What probabilities or numbers are of. */
export declare const LABELS: readonly {_element(labels)}[];

/** What is predicted for a row. */
export declare function predict(row: Row): Prediction;

/** What is predicted for each of several rows. */
export declare function predictRows(rows: Iterable<Row>): Prediction[];

/** The largest difference to what the model predicts for the rows that are kept here; an error if it is too large. */
export declare function selfTest(): number;
"""


def _element(labels: Iterable[object]) -> str:
    return f"({' | '.join(dict.fromkeys(literal(_label(label)) for label in labels))})"
