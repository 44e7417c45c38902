"""A benchmark: MLPClassifier beside scikit-learn's own, the same options and float32 rows, and their loss curves.

    python benchmarks/drop_in.py | tee benchmarks/results/drop_in.md       # minutes
    python benchmarks/drop_in.py --networks 20-64-64-2 --repeats 3

Seconds of a whole ``fit`` are the least of alternating repeats: whatever else runs on the machine can only add to them.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

import pellucid.estimators
from pellucid.engine.cores import available_cores
from pellucid.estimators.cores import limited_cores

PROBLEMS = {"20-64-64-2": (10_000, 5), "784-100-10": (20_000, 2), "784-256-128-10": (20_000, 2)}
"""Rows and epochs of each network."""
PACKAGES = (sklearn.neural_network, pellucid.estimators)


def data(rows: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    X = random.uniform(size=(rows, columns)).astype(np.float32)
    return X, (X @ random.normal(size=(columns, classes))).argmax(axis=1)


def fit(package: Any, options: dict[str, Any], X: np.ndarray, y: np.ndarray, cores: int) -> tuple[float, np.ndarray]:
    """Return the seconds of a fit, of which each package may use so many cores in its own way, and its loss curve."""
    model = package.MLPClassifier(**options)
    time.sleep(0.1)  # until threads of the fit before, which wait for more work by spinning, sleep
    with limited_cores(cores):
        began = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - began, np.array(model.loss_curve_)


def show(network: str, repeats: int) -> None:
    """Print a row for each solver and number of cores."""
    rows, epochs = PROBLEMS[network]
    columns, *hidden, classes = map(int, network.split("-"))
    X, y = data(rows, columns, classes)
    for solver in ("adam", "sgd"):
        options = {"hidden_layer_sizes": hidden, "solver": solver, "max_iter": epochs, "random_state": 0}
        for cores in sorted({1, available_cores()}):
            runs = [[fit(package, options, X, y, cores) for package in PACKAGES] for _ in range(repeats)]
            theirs, ours = (min(seconds for seconds, _ in each) for each in zip(*runs, strict=True))
            curves = [curve for _, curve in runs[0]]
            difference = np.abs(np.divide(*curves) - 1).max()
            print(
                f"| {network} | {solver} | {cores} | {theirs:.3f} | {ours:.3f} | {theirs / ours:.1f} | "
                f"{difference:.0e} |",
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("# Results of `drop_in.py`\n")
    print(f"Command: `{' '.join(['python', *sys.argv])}`. NumPy {np.__version__}, scikit-learn {sklearn.__version__};")
    print(f"{platform.machine()}, {available_cores()} cores, load {os.getloadavg()[0]:.1f} at the start.\n")
    print("| network | solver | cores | scikit-learn, s | Pellucid, s | ratio | curves differ |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for network in options.networks:
        show(network, options.repeats)
    print(f"\nLoad {os.getloadavg()[0]:.1f} at the end.")


if __name__ == "__main__":
    main()
