"""A benchmark: Pellucid's table estimators beside scikit-learn's multilayer perceptron, on real tables, in one run.

Each finished run is one row of the results file, and a run that has its row is not repeated. Splits and scores are
those of the data folder's ``protocol.py``; seconds are wall-clock, of one process with its default threads.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import DataError, PellucidError, listed, near_miss

NUMBERS = ("auroc", "log_loss", "accuracy", "rmse", "r2", "fit_seconds", "predict_seconds")
COLUMNS = ("table", "task", "method", "seed", *NUMBERS, "version")
OURS, PEER = "pellucid", "sklearn"
METRICS = {"binary": ("auroc",), "multiclass": ("log_loss", "accuracy"), "regression": ("rmse",)}  # primary one first
LOSSES = ("log_loss", "rmse")  # the lower, the better
BAD_RELATIVE, BAD_ABSOLUTE = 0.03, 0.01  # worse by more is a bad loss: relative to the peer's loss, or as a share
Row = dict[str, Any]  # by column; a metric that the task does not have is left out


def pellucid_estimator(task: str, seed: int) -> Any:
    """Return Pellucid's estimator with all options at their defaults; it takes the frame as it is."""
    estimators = importlib.import_module("pellucid.estimators")
    return (estimators.TabularRegressor if task == "regression" else estimators.TabularClassifier)(random_state=seed)


def sklearn_estimator(task: str, seed: int) -> Any:
    """Return scikit-learn's default perceptron behind the preprocessing that favors it.

    Numbers: median and indicator for missing values, standardized. Categories: one-hot, missing as one of its own.
    """
    names = ("compose", "impute", "neural_network", "pipeline", "preprocessing")
    compose, impute, neural, pipeline, preprocessing = (importlib.import_module(f"sklearn.{name}") for name in names)
    imputer = impute.SimpleImputer(strategy="median", add_indicator=True)
    numbers = pipeline.make_pipeline(imputer, preprocessing.StandardScaler())
    categories = preprocessing.OneHotEncoder(handle_unknown="ignore")
    encoder = compose.make_column_transformer(
        (numbers, compose.make_column_selector(dtype_include="number")),
        (categories, compose.make_column_selector(dtype_exclude="number")),
    )
    if task != "regression":
        return pipeline.make_pipeline(encoder, neural.MLPClassifier(random_state=seed))
    regressor = pipeline.make_pipeline(encoder, neural.MLPRegressor(random_state=seed))
    return compose.TransformedTargetRegressor(regressor, transformer=preprocessing.StandardScaler())


METHODS: dict[str, Callable[[str, int], Any]] = {OURS: pellucid_estimator, PEER: sklearn_estimator}


def load_protocol(data: Path) -> Any:
    """Import ``protocol.py`` from the data folder."""
    spec = importlib.util.spec_from_file_location("protocol", path := data / "protocol.py")
    if not path.is_file() or spec is None or spec.loader is None:
        raise DataError(f"no data: {path} does not exist; name the folder that holds protocol.py with --data")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def read_rows(results: Path) -> list[Row]:
    """Return the rows of a results file; one that does not exist yet has none."""
    if not results.exists():
        return []
    rows = list(csv.DictReader(results.read_text().splitlines()))
    if rows and tuple(rows[0]) != COLUMNS:
        raise DataError(f"{results} is not a file of results: its first line must be {','.join(COLUMNS)}")
    kinds: dict[str, Callable[[str], Any]] = {"seed": int, **dict.fromkeys(NUMBERS, float)}
    return [{name: kinds.get(name, str)(text) for name, text in row.items() if text} for row in rows]


def write_rows(results: Path, rows: Iterable[Row], mode: str = "a") -> None:
    """Append rows to a results file (or, with mode ``"w"``, replace it), making it and its folder if need be."""
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open(mode, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if file.tell() == 0:
            writer.writeheader()
        writer.writerows(rows)


def evaluate(protocol: Any, method: str, task: str, seed: int, train: tuple[Any, Any], test: tuple[Any, Any]) -> Row:
    """Fit one method on the training part; return its scores on the test part, and its seconds."""
    estimator, classify = METHODS[method](task, seed), task != "regression"
    with warnings.catch_warnings():
        if method == PEER:  # to stop after 200 epochs is its default, and the default is what is measured
            warnings.simplefilter("ignore", importlib.import_module("sklearn.exceptions").ConvergenceWarning)
        start = time.perf_counter()
        estimator.fit(*train)
        fitted = time.perf_counter()
    predictions = estimator.predict_proba(test[0]) if classify else estimator.predict(test[0])
    predicted = time.perf_counter()
    scores: Row = protocol.score(task, test[1], predictions, estimator.classes_ if classify else None)
    return scores | {"fit_seconds": fitted - start, "predict_seconds": predicted - fitted}


def measure(protocol: Any, tables: list[str], seeds: list[int], methods: list[str], results: Path) -> list[str]:
    """Do every run that has no row yet, appending each as it ends; return a line for each run that failed."""
    done, failures = {(row["table"], row["seed"], row["method"]) for row in read_rows(results)}, []
    for table in tables:
        left = {seed: [method for method in methods if (table, seed, method) not in done] for seed in seeds}
        if not any(left.values()):
            continue
        X, y, task = protocol.load(protocol.ROOT / "public", table)
        for seed, train, test in protocol.splits(X, y, task, seeds=[seed for seed in left if left[seed]]):
            parts = (X.iloc[train], y.iloc[train]), (X.iloc[test], y.iloc[test])
            for method in left[seed]:
                run = f"{table}, seed {seed}, {method}: "
                try:
                    scores = evaluate(protocol, method, task, seed, *parts)
                except Exception as error:  # must not cost a night's other runs: it is shown, and the command fails
                    failures.append(f"{run}failed, {type(error).__name__}: {error}")
                    print(failures[-1], flush=True)
                    continue
                key = {"table": table, "task": task, "method": method, "seed": seed}
                write_rows(results, [key | scores | {"version": importlib.import_module(method).__version__}])
                shown = ", ".join(f"{metric} {digits(scores[metric])}" for metric in METRICS[task])
                print(f"{run}{shown}, fit {scores['fit_seconds']:.2f} s", flush=True)
    return failures


@dataclass(frozen=True)
class Comparison:
    """Both methods on one table, over the seeds that both have; positive differences are better for Pellucid.

    Where one method has no run, the verdict is ``"-"``, differences are NaN, and the other's means are over its seeds.
    """

    table: str
    task: str
    seeds: int
    means: dict[str, list[float]]  # by metric, and "fit_seconds": (ours, peer)
    difference: float
    standard_error: float
    verdict: str


def paired_difference(metric: str, ours: Sequence[float], peer: Sequence[float]) -> tuple[float, float]:
    """Return the mean of the differences by seed, positive where ours is better, and its standard error."""
    differences = [b - a if metric in LOSSES else a - b for a, b in zip(ours, peer, strict=True)]
    spread = statistics.stdev(differences) if len(differences) > 1 else 0.0  # unknown: excuses nothing
    return statistics.fmean(differences), spread / math.sqrt(len(differences))


def is_bad_loss(metric: str, ours: Sequence[float], peer: Sequence[float]) -> bool:
    """Tell whether ours is worse by more than the metric's limit and by more than two paired standard errors."""
    difference, standard_error = paired_difference(metric, ours, peer)
    limit = BAD_RELATIVE * statistics.fmean(peer) if metric in LOSSES else BAD_ABSOLUTE
    return -difference > max(limit, 2 * standard_error)


def compare(rows: Sequence[Row]) -> Comparison:
    """Compare the two methods on the rows of one table.

    The verdict is ``"better"`` (the mean of the primary metric), ``"level"`` (equal, or worse by at most one paired
    standard error), ``"worse"``, or ``"bad loss"`` (`is_bad_loss` in any metric of the task).
    """
    table, task = rows[0]["table"], rows[0]["task"]
    runs = [{row["seed"]: row for row in rows if row["method"] == method} for method in (OURS, PEER)]
    both = runs[0].keys() & runs[1].keys()
    names = (*METRICS[task], "fit_seconds")
    values = {name: [[run[seed][name] for seed in sorted(both or run)] for run in runs] for name in names}
    means = {name: [statistics.fmean(v or [math.nan]) for v in pair] for name, pair in values.items()}
    if not both:
        return Comparison(table, task, max(map(len, runs)), means, math.nan, math.nan, "-")
    difference, standard_error = paired_difference(names[0], *values[names[0]])
    verdict = "better" if difference > 0 else "level" if difference >= -standard_error else "worse"
    if any(is_bad_loss(metric, *values[metric]) for metric in METRICS[task]):
        verdict = "bad loss"
    return Comparison(table, task, len(both), means, difference, standard_error, verdict)


def totals(comparisons: Iterable[Comparison]) -> str:
    """Return the line that counts the tables on which both methods have runs."""
    paired = [c for c in comparisons if c.verdict != "-"]
    better, level = sum(c.difference >= 0 for c in paired), sum(c.difference >= -c.standard_error for c in paired)
    return (
        f"better or equal on mean: {better} of {len(paired)}; level (within one paired standard error): "
        f"{level} of {len(paired)}; bad losses: {sum(c.verdict == 'bad loss' for c in paired)}"
    )


def report(comparisons: Iterable[Comparison]) -> str:
    """Return the comparisons as aligned text, a line for each table and for each further metric of its task."""
    titles = ["table", "verdict", "metric", "seeds", OURS, PEER, "difference", "std. error", "relative"]
    lines = [[*titles, f"{OURS} s", f"{PEER} s", "s ratio"]]
    for c in comparisons:
        (metric, *others), (ours, peer) = METRICS[c.task], c.means["fit_seconds"]
        error = digits(c.standard_error if c.seeds > 1 else math.nan)
        relative = digits(100 * c.difference / (c.means[metric][1] or math.nan), "+") + " %" * (c.verdict != "-")
        cells = [digits(c.difference, "+"), error, relative, *map(digits, (ours, peer, ours / peer))]
        lines.append([c.table, c.verdict, metric, str(c.seeds), *map(digits, c.means[metric]), *cells])
        lines += [["", "", other, "", *map(digits, c.means[other]), *[""] * len(cells)] for other in others]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map("{:{}{}}".format, line, "<<<>>>>>>>>>", widths)).rstrip() for line in lines)


def digits(number: float, sign: str = "") -> str:
    return "-" if math.isnan(number) else f"{number:{sign}.{'0f' if abs(number) >= 1000 else '4g'}}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and print the comparison; return 0, 1 if a run failed, 2 if nothing could be run."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=here / "../../shared/data", help="the folder of protocol.py")
    parser.add_argument("--tables", nargs="+", metavar="TABLE", help="default: all, small ones first")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4], metavar="SEED", help="default: 0 to 4")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="default: both")
    parser.add_argument("--again", choices=METHODS, help="first discard this method's rows, of these tables and seeds")
    parser.add_argument("--results", type=Path, default=here / "results/tables.csv", help="a CSV file")
    asked = parser.parse_args(arguments)
    try:
        protocol = load_protocol(asked.data)
        manifest = protocol.manifest(protocol.ROOT / "public")
        sizes = {name: min(entry["rows"], protocol.MAX_TRAIN) * entry["columns"] for name, entry in manifest.items()}
        tables = list(dict.fromkeys(asked.tables or sorted(sizes, key=sizes.__getitem__)))
        for table in [table for table in tables if table not in manifest]:
            raise DataError(f"no table {table!r}; there are {listed(manifest, limit=60)}{near_miss(table, manifest)}")
        if asked.again:
            again = [(asked.again, table, seed) for table in tables for seed in asked.seeds]
            kept = [row for row in read_rows(asked.results) if (row["method"], row["table"], row["seed"]) not in again]
            write_rows(asked.results, kept, mode="w")
        failures = measure(protocol, tables, asked.seeds, list(dict.fromkeys(asked.methods)), asked.results)
        rows = [row for row in read_rows(asked.results) if row["table"] in tables and row["seed"] in asked.seeds]
    except PellucidError as error:
        print(error, file=sys.stderr)
        return 2
    comparisons = [compare(found) for table in tables if (found := [row for row in rows if row["table"] == table])]
    versions = sorted({f"{row['method']} {row['version']}" for row in rows})
    print(f"\n{', '.join(versions)}. Difference: + is better for pellucid. s: mean wall-clock seconds of a fit.\n")
    print(report(comparisons), totals(comparisons), *failures, sep="\n\n")
    if missing := set(tables) - {c.table for c in comparisons if c.verdict != "-"}:
        print(f"not compared, as a method has no run: {listed(missing, limit=60)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
