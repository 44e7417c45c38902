"""A benchmark: Pellucid's table estimators beside scikit-learn, LightGBM and CatBoost, on real tables, on two threads.

Each run is a process of its own (`measured.py`) and one row of the results file; a run that has its row there is not
repeated. Splits and scores are those of the data folder's ``protocol.py``. The summary (`standings.py`) has recorded
figures of other methods beside them, where the data folder holds them in ``baselines.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from methods import LEAST_SECONDS, METHODS, THREADS
from standings import NUMBERS, Row, summary

from pellucid.errors import DataError, PellucidError, listed, near_miss

HERE = Path(__file__).resolve().parent
COLUMNS = ("table", "task", "seed", "method", "status", *NUMBERS, "budget_s", "version")
MAX_ROWS = 20_000  # of a training part, in the protocol; small tables come first
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Key = tuple[str, int, str]


def read_rows(path: Path) -> dict[Key, Row]:
    """Return the rows of a results file by table, seed and method; of a run that was repeated, the last one."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    if found and tuple(found[0]) != COLUMNS:
        raise DataError(f"{path} is not a file of results: its first line must be {','.join(COLUMNS)}")
    rows = [typed(row, (*NUMBERS, "budget_s")) for row in found]
    return {(row["table"], row["seed"], row["method"]): row for row in rows}


def read_recorded(path: Path) -> dict[Key, Row]:
    """Return the recorded rows that the data folder holds; none where there is no such file."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = [typed(row, (*NUMBERS, "base_rss_mb")) for row in csv.DictReader(file)]
    for row in rows:
        row["table"], row["method"] = row["dataset"], row["model"]
        if "peak_rss_mb" in row and "base_rss_mb" in row:
            row["peak_rss_mb"] -= row["base_rss_mb"]
    return {(row["table"], row["seed"], row["method"]): row for row in rows}


def typed(row: Mapping[str, str], numbers: Iterable[str]) -> Row:
    """Return a row with its numbers as numbers, without what is empty."""
    kinds = {"seed": int, **dict.fromkeys(numbers, float)}
    return {name: kinds.get(name, str)(text) for name, text in row.items() if text}


def append_row(path: Path, row: Row) -> None:
    """Add a row to the results file, making it and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()})


def budget_of(key: Key, rows: Mapping[Key, Row], recorded: Mapping[Key, Row]) -> str | None:
    """Return the seconds that a method may train, as text, or None; a factor is one of CatBoost's seconds.

    CatBoost's own run counts before a recorded one. Raises `DataError` where there is neither.
    """
    table, seed, method = key
    budget = METHODS[method].budget
    if not isinstance(budget, float):
        return budget
    for source in (rows, recorded):
        row = source.get((table, seed, "catboost"))
        if row is not None and row["status"] == "ok":
            return f"{max(LEAST_SECONDS, budget * row['fit_s']):.3f}s"
    raise DataError(f"{table}, seed {seed}, {method}: CatBoost has no run on these rows; add --methods catboost.")


def run_one(data: Path, key: Key, budget: str | None) -> Row:
    """Run a method in a process of its own and return its row, whose status says how it failed, if it did."""
    table, seed, method = key
    command = [sys.executable, str(HERE / "measured.py"), str(data), table, str(seed), method]
    threads = dict.fromkeys(THREAD_VARIABLES, str(THREADS))
    done = subprocess.run(
        command + ([] if budget is None else [budget]), env=os.environ | threads, capture_output=True, text=True
    )
    row: Row = {"table": table, "seed": seed, "method": method}
    if budget is not None:
        row["budget_s"] = float(budget.removesuffix("s"))
    if done.returncode == 0:
        return row | json.loads(done.stdout.splitlines()[-1])
    said = done.stderr.strip().splitlines()[-1:] if done.returncode > 0 else [f"ended by signal {-done.returncode}"]
    return row | {"status": f"failed: {''.join(said)}"}


def run_all(data: Path, keys: Iterable[Key], results: Path, recorded: Mapping[Key, Row]) -> list[str]:
    """Do every run that has no finished row yet, appending each as it ends; return a line for each that failed."""
    failures = []
    for key in keys:
        rows = read_rows(results)
        if key in rows and rows[key]["status"] == "ok":
            continue
        row = run_one(data, key, budget_of(key, rows, recorded))
        append_row(results, row)
        said = f"{key[0]}, seed {key[1]}, {key[2]}: "
        if row["status"] == "ok":
            scores = ", ".join(f"{name} {row[name]:.5g}" for name in NUMBERS if name in row)
            print(said + scores, flush=True)
        else:
            failures.append(said + row["status"])
            print(failures[-1], file=sys.stderr, flush=True)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and write the summary; return 0, 1 if a run failed, 2 if nothing could be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE / "../../shared/data", help="the folder of protocol.py")
    parser.add_argument("--tables", nargs="+", metavar="TABLE", help="default: all, small ones first")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED", help="default: 0 to 2")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    parser.add_argument("--results", type=Path, default=HERE / "results/tables.csv", help="a CSV file")
    parser.add_argument("--summary", action="store_true", help="run nothing; write the summary of what there is")
    asked = parser.parse_args(arguments)
    try:
        if not (asked.data / "protocol.py").is_file():
            raise DataError(f"no data: {asked.data} holds no protocol.py; name the folder that does with --data")
        manifest = {e["name"]: e for e in json.loads((asked.data / "public/manifest.json").read_text())["datasets"]}
        sizes = {name: min(entry["rows"], MAX_ROWS) * entry["columns"] for name, entry in manifest.items()}
        tables = list(dict.fromkeys(asked.tables or sorted(sizes, key=sizes.__getitem__)))
        for table in [table for table in tables if table not in manifest]:
            raise DataError(f"no table {table!r}; there are {listed(manifest, limit=60)}{near_miss(table, manifest)}")
        recorded = read_recorded(asked.data / "baselines.csv")
        methods = [method for method in METHODS if method in asked.methods]
        keys = [(table, seed, method) for table in tables for seed in asked.seeds for method in methods]
        failures = [] if asked.summary else run_all(asked.data, keys, asked.results, recorded)
        rows = {key: row for key, row in read_rows(asked.results).items() if key in keys}
    except PellucidError as error:
        print(error, file=sys.stderr)
        return 2
    command = " ".join(["python benchmarks/tables.py", *(sys.argv[1:] if arguments is None else arguments)])
    text = summary(rows, recorded, tables, asked.seeds, command)
    asked.results.with_suffix(".md").write_text(text)
    print(text, *failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
