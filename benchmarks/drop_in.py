"""Time MLPClassifier beside scikit-learn's own, in float32, and compare their loss curves.

Prints a row per problem: seconds of each (least of several runs, taken in turn), their ratio, and the largest relative
difference between the two curves. Run with ``python benchmarks/drop_in.py``.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

import pellucid.estimators

PROBLEMS: dict[str, dict[str, Any]] = {
    "20-64-64-2": {"rows": 10_000, "columns": 20, "classes": 2, "hidden": (64, 64), "epochs": 5},
    "784-100-10": {"rows": 20_000, "columns": 784, "classes": 10, "hidden": (100,), "epochs": 2},
}
RUNS = 3


def data(rows: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    X = random.uniform(size=(rows, columns)).astype(np.float32)
    return X, (X @ random.normal(size=(columns, classes))).argmax(axis=1)


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{'network':>12} {'solver':>6} {'scikit-learn':>12} {'pellucid':>9} {'ratio':>6} {'curves differ':>14}")
    for name, problem in PROBLEMS.items():
        X, y = data(problem["rows"], problem["columns"], problem["classes"])
        for solver in ("adam", "sgd"):
            seconds: dict[Any, float] = {}
            curves = {}
            for _ in range(RUNS):
                for package in (sklearn.neural_network, pellucid.estimators):
                    model = package.MLPClassifier(
                        hidden_layer_sizes=problem["hidden"], solver=solver, max_iter=problem["epochs"], random_state=0
                    )
                    began = time.perf_counter()
                    curves[package] = np.array(model.fit(X, y).loss_curve_)
                    seconds[package] = min(seconds.get(package, np.inf), time.perf_counter() - began)
            theirs, ours = seconds.values()
            difference = np.abs(np.divide(*curves.values()) - 1).max()
            print(f"{name:>12} {solver:>6} {theirs:>12.3f} {ours:>9.3f} {theirs / ours:>6.1f} {difference:>14.1e}")


if __name__ == "__main__":
    main()
