"""What the two exports to Python share: a program of one call an operation, and the functions that it calls."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import tempfile
from abc import abstractmethod
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
from pellucid.export.vectors import Vectors
from pellucid.layers.base import Array
from pellucid.tabular.encodings import FIRST_LEVEL, MISSING

LINE = 100
SECONDS = 600  # that a program may take

Write = Callable[[Any, Callable[[str], str], Callable[[Any], str]], str]
"""From an operation, what writes a value, and what writes a constant, to the call."""

CALLS: dict[type[Operation], Write] = {
    Missing: lambda o, v, c: f"missing({v(o.x)})",
    Squeeze: lambda o, v, c: f"squeeze({v(o.x)}, {o.center!r}, {o.scale!r})",
    Sign: lambda o, v, c: f"sign({v(o.x)})",
    Days: lambda o, v, c: f"days({v(o.x)})",
    Circle: lambda o, v, c: f"circle({v(o.x)}, {o.period!r})",
    Code: lambda o, v, c: f"code({v(o.x)}, {c(_codes(o))})",
    Lookup: lambda o, v, c: f"lookup({v(o.x)}, {c(o.table)})",
    Join: lambda o, v, c: f"join({o.dtype!r}, {', '.join(map(v, o.parts))})",
    Select: lambda o, v, c: f"select({v(o.x)}, {o.start}, {o.size})",
    Cast: lambda o, v, c: f"cast({v(o.x)}, {o.dtype!r})",
    Affine: lambda o, v, c: f"affine({v(o.x)}, {c(o.weight)}, {c(o.bias)})",
    GroupedAffine: lambda o, v, c: f"grouped_affine({v(o.x)}, {c(o.weight)}, {c(o.bias)})",
    Scale: lambda o, v, c: f"scale({v(o.x)}, {c(o.factor)}, {c(o.shift)})",
    Curves: lambda o, v, c: f"curves({v(o.x)}, {c(o.edges)}, {c(o.knots)}, {c(o.slopes)})",
    Waves: lambda o, v, c: f"waves({v(o.x)}, {c(o.frequency)}, {c(o.phase)})",
    Normalize: lambda o, v, c: f"normalize({v(o.x)}, {o.epsilon!r})",
    Activate: lambda o, v, c: f"{o.function}({v(o.x)}{f', {o.parameter!r}' if o.parameter else ''})",
    Blend: lambda o, v, c: f"blend({v(o.x)}, {v(o.y)}, {c(o.blend)})",
    Sum: lambda o, v, c: f"total({list(o.weights)!r}, {', '.join(map(v, o.parts))})",
    Clip: lambda o, v, c: f"clip({v(o.x)}, {c(o.low)}, {c(o.high)})",
    Complement: lambda o, v, c: f"complement({v(o.x)})",
    Largest: lambda o, v, c: f"largest({v(o.x)})",
    Above: lambda o, v, c: f"above({v(o.x)}, {o.threshold!r})",
}


class PythonProgram(Target):
    """One file; ``functions`` names the template whose functions are copied into it, ``rows`` how it takes rows."""

    suffix = ".py"
    operations = frozenset(CALLS)
    needs = "a Python interpreter"
    functions: ClassVar[str]
    rows: ClassVar[str]
    wants: ClassVar[str]
    calls: ClassVar[Mapping[type[Operation], Write]] = CALLS

    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the one file."""
        constants: list[str] = []

        def constant(value: Array | dict[str, int]) -> str:
            code = self.constant(value) if isinstance(value, np.ndarray) else _dictionary(value)
            constants.append(f"C{len(constants) + 1} = {code}")
            return f"C{len(constants)}"

        raw = {column.name for column in graph.columns}

        def value(name: str) -> str:
            return f"columns[{name!r}]" if name in raw else name

        lines = [f"    {each.output} = {self.calls[type(each)](each, value, constant)}" for each in graph.operations]
        outputs = ", ".join(f"{output.name!r}: {value(output.value)}" for output in graph.outputs)
        called = [self.calls[type(each)](each, value, lambda value: "").partition("(")[0] for each in graph.operations]
        rows, frame, functions = template(self.rows), template("python_frame.py"), template(self.functions)
        parts = [
            f'"""{graph.title}: {self.wants}.\n\n{_usage(graph, stem)}"""',
            "\n".join(sorted({*_imports(rows), *_imports(frame), *_imports(functions)})),
            _assigned(
                COLUMNS={column.name: [column.kind, column.size] for column in graph.columns},
                OUTPUTS={output.name: [output.kind, list(output.labels)] for output in graph.outputs},
                TOLERANCE=vectors.tolerance,
            ),
            *copied(functions, called),
            *_definitions(rows).values(),
            *_definitions(frame).values(),
            "\n".join(["def compute(columns):", f'    """{self.computing}"""', *lines, f"    return {{{outputs}}}"]),
            "\n".join(constants),
            f"VECTORS = json.loads({_json(vectors)})",
            'if __name__ == "__main__":\n    sys.exit(main(sys.argv[1:]))',
        ]
        return Program({f"{stem}.py": "\n\n\n".join(part for part in parts if part) + "\n"})

    computing: ClassVar[str]

    @abstractmethod
    def constant(self, array: Array) -> str:
        """Return a constant as code."""

    def runtime(self) -> str | None:
        """This Python."""
        return f"Python {sys.version.split()[0]}"

    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Run the program in a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder) / "columns.json", Path(folder) / "outputs.json"
            given.write_text(json.dumps({name: values.tolist() for name, values in columns.items()}))
            self._run([str(path), "--self-test"], path)
            self._run([str(path), "--columns", str(given), str(found)], path)
            made = json.loads(found.read_text())
        return {name: np.array(values, dtype=np.float64) for name, values in made.items()}

    def _run(self, words: list[str], path: Path) -> None:
        command = [sys.executable, "-I", "-W", "error", *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ProofError(f"{path.name}: it was stopped after {SECONDS} seconds.") from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise ProofError(f"{path.name}: it ended with exit code {done.returncode} and said: {said}")


def copied(text: str, names: Iterable[str]) -> list[str]:
    """Return the sources of functions of a template, and of those that they call, in its order."""
    sources = _definitions(text)
    wanted, queue = set[str](), list(names)
    while queue:
        name = queue.pop()
        if name in sources and name not in wanted:
            wanted.add(name)
            queue += [node.id for node in ast.walk(ast.parse(sources[name])) if isinstance(node, ast.Name)]
    return [source for name, source in sources.items() if name in wanted]


def _definitions(text: str) -> dict[str, str]:
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in found}


def _imports(text: str) -> list[str]:
    return [ast.unparse(node) for node in ast.parse(text).body if isinstance(node, ast.Import)]


def _assigned(**values: Any) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in values.items())


def _codes(operation: Code) -> dict[str, int]:
    levels = {level: code for code, level in enumerate(operation.levels, start=FIRST_LEVEL)}
    return levels | dict.fromkeys(operation.missing, MISSING)


def _dictionary(codes: Mapping[str, int]) -> str:
    return "{\n" + "".join(f"    {text!r}: {code},\n" for text, code in codes.items()) + "}"


def _usage(graph: Graph, stem: str) -> str:
    made = ", ".join(f"{name} {value}" for name, value in graph.metadata)
    return (
        f"Written by Pellucid ({made}).\n\n"
        f"    python {stem}.py ROWS.csv      prints a prediction for each row, columns found by name\n"
        f"    python {stem}.py --self-test   predicts the rows that are kept here, and compares\n"
    )


def _json(vectors: Vectors) -> str:
    """Return the vectors as a Python literal of JSON text."""
    document = {
        "columns": {name: values.tolist() for name, values in vectors.columns.items()},
        "outputs": {name: values.tolist() for name, values in vectors.outputs.items()},
        "units": {name: values.tolist() for name, values in vectors.unit.items()},
    }
    text = json.dumps(document)
    pieces = [text[start : start + LINE] for start in range(0, len(text), LINE)]
    return "(\n" + "\n".join(f"    {piece!r}" for piece in pieces) + "\n)"


def narrowed(array: Array) -> Array:
    """Return the array as float32 where that changes no number, so that it takes half the space."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = array.astype(np.float32)
    return narrow if np.array_equal(narrow, array) else array


def base64_code(array: Array) -> str:
    """Return an array's bytes, lowest first, as lines of base64 text in brackets."""
    text = base64.b64encode(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()).decode()
    pieces = [text[start : start + LINE] for start in range(0, len(text), LINE)] or [""]
    return repr(pieces[0]) if len(pieces) == 1 else "(\n" + "\n".join(f"    {piece!r}" for piece in pieces) + "\n)"
