"""A benchmark: how often the doctor finds fault with healthy networks, trained on real tables.

On each table the estimator with its defaults and plain networks of several widths and activations, for 2,000 steps or
until early stopping ends them, are trained on a split of the data folder's ``protocol.py`` and examined with their
training rows and history. Nothing is wrong with how they are built and trained, so each finding about the network is
counted as a false alarm; constant and duplicated columns are facts of the table, which the script confirms by itself
and counts apart.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import Adam, Dense, EarlyStopping, Network, TabularClassifier, TabularRegressor, diagnose, train
from pellucid.insight import Finding, Report

FACTS = ("constant columns", "duplicated columns")
STEPS, BATCH = 2000, 64
MOST_ROWS = 5000  # of the training part, for the plain networks
PLAIN: dict[str, tuple[list[int], str]] = {
    "relu 16": ([16], "relu"),
    "relu 256-256": ([256, 256], "relu"),
    "relu 64-64-64-64": ([64, 64, 64, 64], "relu"),
    "tanh 32": ([32], "tanh"),
    "tanh 64-64": ([64, 64], "tanh"),
    "sigmoid 32": ([32], "sigmoid"),
    "sigmoid 64-64": ([64, 64], "sigmoid"),
    "gelu 128": ([128], "gelu"),
    "selu 32-32-32": ([32, 32, 32], "selu"),
}


def load_protocol(data: Path) -> Any:
    """Import ``protocol.py`` from the data folder."""
    spec = importlib.util.spec_from_file_location("protocol", data / "protocol.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def examine_plain(
    rows: np.ndarray,
    target: np.ndarray,
    names: list[str],
    model: Any,
    sizes: list[int],
    activation: str,
    seed: int,
    *,
    stop: bool,
) -> tuple[Report, np.ndarray]:
    """Train a plain network on an encoded table; return the report, and which rows it was trained on."""
    start = "he" if activation in ("relu", "gelu") else "lecun" if activation == "selu" else "glorot"
    layers: list[Any] = [part for size in sizes for part in (Dense(size, weight_initializer=start), activation)]
    network = Network([*layers, Dense(model.network_.n_outputs)], n_inputs=rows.shape[1], rng=seed)
    stay = np.arange(len(rows)) % 5 > 0
    history = train(
        network,
        rows[stay],
        target[stay],
        loss=model.loss_,
        optimizer=Adam(learning_rate=0.001),
        epochs=-(-STEPS // -(-int(stay.sum()) // BATCH)),
        batch_size=BATCH,
        X_val=rows[~stay],
        y_val=target[~stay],
        callbacks=[EarlyStopping()] if stop else [],
    )
    return diagnose(network, rows[stay], target[stay], loss=model.loss_, history=history, column_names=names), stay


def confirmed(finding: Finding, rows: np.ndarray, names: list[str]) -> bool:
    """Return whether what is said of columns is so, by NumPy alone."""
    places = [names.index(name) for name in finding.columns]
    if finding.name == "constant columns":
        return all(len(np.unique(rows[:, place])) == 1 for place in places)
    groups = [[names.index(name) for name in group] for group in finding.figures["groups"]]
    pairs = [(group[0], other) for group in groups for other in group[1:]]
    return all(np.corrcoef(rows[:, a], rows[:, b])[0, 1] > 1 - 1e-6 for a, b in pairs)


def main() -> None:
    """Print a line for each network, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to-the-end", action="store_true", help="train the plain networks without early stopping")
    parser.add_argument("--plant", type=float, metavar="SHARE", help="spoil so many targets, and see which are found")
    options = parser.parse_args()
    protocol = load_protocol(options.data)
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("networks", "alarms", "facts", "facts refuted")}
    for table in options.tables or protocol.manifest("public"):
        X, y, task = protocol.load("public", table)
        _, stay, _ = next(iter(protocol.splits(X, y, task, seeds=[options.seed])))
        X, y = X.iloc[stay], y.iloc[stay]
        if options.plant is not None:
            find_planted(table, X[:MOST_ROWS], y[:MOST_ROWS], task, options.plant, options.seed)
            continue
        model = (TabularRegressor if task == "regression" else TabularClassifier)(random_state=options.seed).fit(X, y)
        rows, target, names = model.encoder_.transform(X), model.target_.encode(y), model.encoder_.feature_names
        report = diagnose(model.network_, rows, target, loss=model.loss_, history=model.history_, column_names=names)
        tell(table, "estimator", report, rows, names, counts)
        n_plain = model.encoder_.n_numeric + model.encoder_.n_one_hot  # codes of categories are left out
        if n_plain == 0:
            continue
        rows, target, names = rows[:MOST_ROWS, :n_plain], target[:MOST_ROWS], names[:n_plain]
        for name, (sizes, activation) in PLAIN.items():
            report, stay = examine_plain(
                rows, target, names, model, sizes, activation, options.seed, stop=not options.to_the_end
            )
            tell(table, name, report, rows[stay], names, counts)
    for name, counter in counts.items():
        print(f"{name}: {dict(counter) or 'none'}")


def find_planted(table: str, X: Any, y: Any, task: str, share: float, seed: int) -> None:
    """Give some rows another class, or ten times the number, and print how many the report names."""
    draw = np.random.default_rng(seed)
    spoiled, values = draw.choice(len(y), int(share * len(y)), replace=False), y.to_numpy(copy=True)
    for row in spoiled:
        others = np.unique(values[values != values[row]]) if task != "regression" else [values[row] * 10]
        values[row] = draw.choice(others)
    model = (TabularRegressor if task == "regression" else TabularClassifier)(random_state=seed).fit(X, values)
    report = diagnose(model.network_, model.encoder_.transform(X), model.target_.encode(values), loss=model.loss_)
    named = {row for finding in report["suspect labels"] for row in finding.rows}
    right, largest = len(named.intersection(spoiled.tolist())), set(report.largest_losses)
    print(
        f"{table:20} {task:11} spoiled {len(spoiled):4}, named {len(named):4}, rightly {right:4}; among the "
        f"{len(largest)} largest losses {len(largest.intersection(spoiled.tolist()))} spoiled",
        flush=True,
    )


def tell(
    table: str, name: str, report: Report, rows: np.ndarray, names: list[str], counts: dict[str, Counter[str]]
) -> None:
    """Print what was found, and count it."""
    kind = "estimator" if name == "estimator" else "plain"
    counts["networks"][kind] += 1
    found = []
    for finding in report.findings:
        is_fact = finding.name in FACTS
        sort = "alarms" if not is_fact else "facts" if confirmed(finding, rows, names) else "facts refuted"
        counts[sort][f"{kind}: {finding.name}"] += 1
        figures = {key: value for key, value in finding.figures.items() if isinstance(value, int | float)}
        found.append(f"{finding.name} ({finding.where[:60]}) {figures if not is_fact else ''}")
    print(f"{table:20} {name:17} {report.subject.split(': ')[-1]:62} {'; '.join(found)}", flush=True)


if __name__ == "__main__":
    main()
