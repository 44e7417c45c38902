"""Export to C99: a header and a source file that need <math.h>, <stddef.h> and <string.h> alone."""

from __future__ import annotations

import csv
import io
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pellucid.errors import OptionError, ProofError
from pellucid.export.graph import Code, Graph
from pellucid.export.target import Program, Target
from pellucid.export.targets.c.names import identifier
from pellucid.export.targets.c.operations import WRITERS
from pellucid.export.targets.c.program import CProgram
from pellucid.export.vectors import Vectors
from pellucid.layers.base import Array

FLAGS = ("-std=c99", "-O2")
SECONDS = 600  # that compiling, or a program, may take


class C(Target):
    """One row at a time, with all values on the stack."""

    name = "c"
    suffix = ".c"
    operations = frozenset(WRITERS)
    needs = "a C compiler: cc, gcc or clang, or the one that the variable CC names"

    def check(self, graph: Graph) -> None:
        """Refuse also texts with a zero byte, which ends a text in C."""
        super().check(graph)
        texts = {f"the column {column.name!r}": [column.name] for column in graph.columns}
        for each in graph.operations:
            if isinstance(each, Code):
                texts[f"a level of the column {each.x!r}"] = [*each.levels, *each.missing]
        for output in graph.outputs:
            texts[f"a label of {output.name}"] = [str(label) for label in output.labels]
        for owner, found in texts.items():
            if any("\0" in text for text in found):
                raise OptionError(f"export to c: {owner} has a zero byte, which ends a text in C; rename it.")

    def write(self, graph: Graph, vectors: Vectors, stem: str) -> Program:
        """Return the source file and the header."""
        name = identifier(stem, "model")
        program = CProgram(graph, vectors, name, f"{stem}.c")
        return Program({f"{stem}.c": program.source(), f"{name}.h": program.header()}, notes=(program.sizes(),))

    def runtime(self) -> str | None:
        """The compiler."""
        command = _compiler()
        if command is None:
            return None
        try:
            said = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=SECONDS)
        except OSError:
            return None
        return said.stdout.partition("\n")[0] if said.returncode == 0 else None

    def run(self, path: Path, graph: Graph, columns: Mapping[str, Array]) -> dict[str, Array]:
        """Compile the program with its main, and give it the rows as CSV text."""
        macro = f"{identifier(path.stem, 'model').upper()}_MAIN"
        with tempfile.TemporaryDirectory() as folder:
            program, rows = Path(folder) / "program", Path(folder) / "rows.csv"
            source = ["-x", "c", str(path), "-x", "none"]
            _run([*(_compiler() or ()), *FLAGS, f"-D{macro}", *source, "-o", str(program), "-lm"], path)
            _run([str(program), "--self-test"], path)
            write_rows(rows, graph, columns)
            said = _run([str(program), "--raw", str(rows)], path)
        found = np.array(list(csv.reader(io.StringIO(said, newline="")))[1:], dtype=np.float64)
        ends = np.cumsum([1 if output.kind == "label" else len(output.labels) for output in graph.outputs])
        parts = np.split(found, ends[:-1], axis=1)
        return {output.name: part for output, part in zip(graph.outputs, parts, strict=True)}


def _compiler() -> list[str] | None:
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    return next(([name] for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


def _run(command: list[str], path: Path) -> str:
    """Return what a command prints."""
    done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    if done.returncode:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["nothing"]
        said = next((line for line in lines if "error" in line), lines[-1])
        raise ProofError(f"{path.name}: {Path(command[0]).name} ended with exit code {done.returncode}, said: {said}")
    return done.stdout.decode(errors="replace")


def write_rows(path: Path, graph: Graph, columns: Mapping[str, Array]) -> None:
    """Write raw rows as CSV text, numbers as hexadecimal ones, of which no digit is lost."""
    table: dict[str, list[str]] = {}
    for column in graph.columns:
        values = columns[column.name].tolist()
        if column.kind == "category":
            table[column.name] = values
        elif column.kind == "vector":
            table |= {f"{column.name}[{i}]": [row[i].hex() for row in values] for i in range(column.size)}
        else:
            table[column.name] = [float(value).hex() for value in values]
    with open(path, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([list(table), *zip(*table.values(), strict=True)])
