"""Prediction time per row of each exported program, in its own runtime, beside the Python library's.

``python benchmarks/export.py [--rows N]`` trains on examples/penguins.csv a small network, a single one and a
population, exports them to every target that has a runtime here, and prints microseconds per row.

The programs in C, JavaScript, NumPy and ONNX are timed from raw columns in memory to predictions. Of a target without a
timer of its own the figure is the slope of the proof's run over the number of rows, which includes reading and writing
them as text.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pellucid import TabularClassifier
from pellucid.errors import OptionError
from pellucid.export import Graph, export, lower
from pellucid.export.target import Target
from pellucid.export.targets import TARGETS
from pellucid.export.targets.javascript import literal
from pellucid.export.vectors import rows_for
from pellucid.random import Random

TABLE = Path(__file__).parents[1] / "examples" / "penguins.csv"
REPEATS = 5
BY_TEXT = 200  # rows, where they are read and written as text
MODELS: dict[str, dict[str, Any]] = {
    "16 neurons": {"members": 1, "hidden_layer_sizes": (16,)},
    "one network": {"members": 1},
    "a population": {},
}

IN_C = """
#define _POSIX_C_SOURCE 199309L
#define {macro}_MAIN
#define main own_main
#include "{name}.c"
#undef main
#include <time.h>

int main(int n_words, char **words)
{{
    const long n = n_words > 1 ? atol(words[1]) : 0;
    const size_t n_rows = sizeof test_rows / sizeof *test_rows;
    volatile double sum = 0;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < n; ++i) {{
        {name}_prediction prediction;
        {name}_predict(test_rows + (size_t)i % n_rows, &prediction);
        sum += prediction.probabilities[0];
    }}
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.9g\\n", ((double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)) / (double)n);
    return 0;
}}
"""


IN_NODE = """
import {{ predict }} from "./program.mjs";

const columns = {columns};
const names = Object.keys(columns);
const rows = columns[names[0]].map((_, row) => Object.fromEntries(names.map((name) => [name, columns[name][row]])));
let least = Infinity;
for (let repeat = 0; repeat < {repeats}; repeat++) {{
    const start = performance.now();
    for (const row of rows) predict(row);
    least = Math.min(least, (performance.now() - start) / 1e3 / rows.length);
}}
console.log(least);
"""


def seconds(call: Callable[[], Any]) -> float:
    """Return the least of a few times that a call takes."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def in_c(path: Path, graph: Graph, columns: dict[str, Any], n: int) -> float:
    """Return the seconds per row of a program in C, one row after another, on its own test rows."""
    harness = path.with_name("harness.c")
    harness.write_text(IN_C.format(name=path.stem, macro=path.stem.upper()))
    program = path.with_suffix("")
    subprocess.run(["cc", "-std=c99", "-O3", str(harness), "-o", str(program), "-lm"], check=True)
    runs = [subprocess.run([str(program), str(n)], check=True, capture_output=True) for _ in range(REPEATS)]
    return min(float(run.stdout) for run in runs)


def in_python(path: Path, graph: Graph, columns: dict[str, Any], n: int) -> float:
    """Return the seconds per row of a program in Python, all rows at once."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = {name: values.reshape(n, -1) for name, values in columns.items()}
    return seconds(lambda: module.compute(given)) / n


def in_onnxruntime(path: Path, graph: Graph, columns: dict[str, Any], n: int) -> float:
    """Return the seconds per row of a file in ONNX, all rows at once."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {name: values.reshape(n, -1) for name, values in columns.items()}
    return seconds(lambda: session.run(None, given)) / n


def in_node(path: Path, graph: Graph, columns: dict[str, Any], n: int) -> float:
    """Return the seconds per row of a program in JavaScript, one row after another, once node has compiled it."""
    shutil.copy(path, path.with_name("program.mjs"))
    harness = path.with_name("harness.mjs")
    given = literal({name: values.tolist() for name, values in columns.items()})
    harness.write_text(IN_NODE.format(columns=given, repeats=REPEATS))
    return float(subprocess.run(["node", str(harness)], check=True, capture_output=True).stdout)


def by_slope(target: Target, path: Path, graph: Graph, columns: dict[str, Any], n: int) -> float:
    """Return the seconds per further row of the proof's run: of n rows, `BY_TEXT` at most, and of half of them."""
    n = min(n, BY_TEXT)
    columns = {name: values[:n] for name, values in columns.items()}
    half = {name: values[: n // 2] for name, values in columns.items()}
    times = [seconds(functools.partial(target.run, path, graph, rows)) for rows in (columns, half)]
    return (times[0] - times[1]) / (n - n // 2)


TIMERS = {"c": in_c, "javascript": in_node, "mjs": in_node, "numpy": in_python, "onnx": in_onnxruntime}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    n = parser.parse_args().rows
    table = pl.read_csv(TABLE)
    X, y = table.drop("species"), table["species"]
    print("| model | target | precision | file | µs per row | timed |\n|---|---|---|---|---|---|")
    for members, options in MODELS.items():
        model = TabularClassifier(random_state=0, **options).fit(X, y)
        given = pl.concat([X] * (n // len(X) + 1))[:n]
        for rows, timed in ((given, "all rows"), (X[:1], "one row")):
            per_row = seconds(functools.partial(model.predict, rows)) / len(rows)
            print(f"| {members} | (the library) | float | | {1e6 * per_row:.2f} | {timed} |")
        for target in (each() for each in TARGETS.values()):
            if target.runtime() is None:
                print(f"| {members} | {target.name} | not here: {target.needs} | | | |")
                continue
            for precision in target.precisions:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / f"model{target.suffix}"
                    try:
                        made = export(model, path, target=target.name, precision=precision)
                    except OptionError as error:
                        print(f"| {members} | {target.name} | {str(error).partition(', and')[0]} | | | |")
                        continue
                    graph = lower(model, precision=precision)
                    columns = rows_for(graph, n, Random(2))
                    columns = {name: np.asarray(values[-n:]) for name, values in columns.items()}
                    if target.name in TIMERS:
                        per_row = TIMERS[target.name](path, graph, columns, n)
                        timed = "all rows" if target.name == "numpy" else "one row after another"
                    else:
                        per_row, timed = by_slope(target, path, graph, columns, n), "with reading and writing text"
                    size = f"{made.n_bytes / 1e3:,.0f} kB"
                    print(f"| {members} | {target.name} | {precision} | {size} | {1e6 * per_row:.2f} | {timed} |")


if __name__ == "__main__":
    main()
