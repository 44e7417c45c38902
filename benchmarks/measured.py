"""One run of a method on a split of a table, in a process of its own: scores, seconds, and the memory it took.

``python benchmarks/measured.py DATA TABLE SEED METHOD [BUDGET]`` prints them as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from methods import METHODS


def load_protocol(data: Path) -> Any:
    """Import ``protocol.py`` from the data folder; raises FileNotFoundError."""
    spec = importlib.util.spec_from_file_location("protocol", data / "protocol.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    return module


def resident_mb() -> float:
    """Return what the process holds now; where the system does not say, the most it has held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return peak_mb()


def peak_mb() -> float:
    """Return the most that the process has held; the system counts in bytes on macOS, in KiB elsewhere."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def forget_peak() -> None:
    """Let the peak start again from what is held now, so that reading the table does not count; Linux alone can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def measure(data: Path, table: str, seed: int, method: str, budget: str | None) -> dict[str, Any]:
    """Fit on the training part; return the scores on the test part, with seconds and MB."""
    protocol, chosen = load_protocol(data), METHODS[method]
    package = importlib.import_module(chosen.package)
    X, y, task = protocol.load(protocol.ROOT / "public", table)
    ((_, train, test),) = protocol.splits(X, y, task, seeds=[seed])
    (X_train, y_train), (X_test, y_test) = ((X.iloc[part], y.iloc[part]) for part in (train, test))
    del X, y
    estimator = chosen.build(task, seed, *([] if budget is None else [budget]))
    load = os.getloadavg()[0]
    forget_peak()
    base = resident_mb()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as a default number of epochs that is not enough: defaults are measured
        start = time.perf_counter()
        estimator.fit(X_train, y_train)
        fitted = time.perf_counter()
        predictions = estimator.predict(X_test) if task == "regression" else estimator.predict_proba(X_test)
    predicted = time.perf_counter()
    peak = peak_mb() - base
    scores = protocol.score(task, y_test, predictions, None if task == "regression" else estimator.classes_)
    return {
        "task": task,
        "status": "ok",
        **scores,
        "fit_s": fitted - start,
        "predict_s": predicted - fitted,
        "peak_rss_mb": peak,
        "load": load,
        "version": f"{chosen.package} {package.__version__}",
    }


if __name__ == "__main__":
    data, table, seed, method, *budget = sys.argv[1:]
    print(json.dumps(measure(Path(data), table, int(seed), method, budget[0] if budget else None)))
