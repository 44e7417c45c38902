"""Tests of the benchmark on tables: its verdicts on rows made by hand, and that a finished run is not repeated."""

from __future__ import annotations

import csv
import importlib.util
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "tables.py"

# A data folder of two tables of ten rows, with a score that needs no package but NumPy.
PROTOCOL = """
from pathlib import Path
import numpy as np
ROOT = Path(__file__).parent
MAX_TRAIN = 100

class Frame(np.ndarray):
    iloc = property(lambda self: self)

def manifest(folder):
    return {"wide": {"rows": 10, "columns": 9}, "small": {"rows": 10, "columns": 1}}

def load(folder, name):
    return np.arange(10.0).view(Frame), np.arange(10.0).view(Frame), "regression"

def splits(X, y, task, seeds):
    for seed in seeds:
        yield seed, np.arange(8), np.arange(8, 10)

def score(task, y_true, y_pred, classes=None):
    return {"rmse": float(np.sqrt(np.mean((np.asarray(y_true) - y_pred) ** 2))), "r2": 0.0}
"""


@pytest.fixture
def tables() -> Any:
    """The script, imported by its path."""
    spec = importlib.util.spec_from_file_location("benchmark_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def rows(task: str, **metrics: tuple[list[float], list[float]]) -> list[dict[str, Any]]:
    """Rows of one table, from ``metric=(ours by seed, peer's by seed)``."""
    made = []
    for which, method in enumerate(("pellucid", "sklearn")):
        for seed, values in enumerate(zip(*(pair[which] for pair in metrics.values()), strict=True)):
            scores = {**dict(zip(metrics, values, strict=True)), "fit_seconds": 1.0 + which}
            made.append({"table": "t", "task": task, "method": method, "seed": seed, **scores})
    return made


def test_the_difference_is_paired_and_positive_where_ours_is_better(tables: Any) -> None:
    # Differences 1, 2, 3: mean 2, standard deviation 1, standard error 1 / sqrt(3).
    ours, peer = [10.0, 20.0, 30.0], [11.0, 22.0, 33.0]
    assert tables.paired_difference("rmse", ours, peer) == pytest.approx((2.0, 3**-0.5), rel=1e-14)
    assert tables.paired_difference("auroc", ours, peer) == pytest.approx((-2.0, 3**-0.5), rel=1e-14)
    assert tables.paired_difference("rmse", [1.0], [3.0]) == (2.0, 0.0)


# In each case the differences are mean - spread, mean, mean + spread, whose standard error is spread / sqrt(3).
@pytest.mark.parametrize(
    ("task", "peer", "mean", "spread", "verdict"),
    [
        ("binary", 0.9, 0.001, 0.1, "better"),
        ("binary", 0.9, 0.0, 0.0, "level"),
        ("binary", 0.9, -0.002, 0.004, "level"),  # standard error 0.0023
        ("binary", 0.9, -0.002, 0.003, "worse"),  # standard error 0.0017
        ("binary", 0.9, -0.009, 0.001, "worse"),  # beyond two standard errors, within 0.01
        ("binary", 0.9, -0.011, 0.001, "bad loss"),
        ("binary", 0.9, -0.011, 0.012, "worse"),  # over 0.01, within two standard errors of 0.0069
        ("regression", 100.0, -2.9, 0.1, "worse"),  # within 3 %
        ("regression", 100.0, -3.1, 0.1, "bad loss"),
        ("regression", 100.0, -3.1, 3.0, "worse"),  # over 3 %, within two standard errors of 1.7
        ("regression", 1e-4, -3.1e-6, 1e-8, "bad loss"),  # relative, whatever the target's unit
    ],
)
def test_verdict(tables: Any, task: str, peer: float, mean: float, spread: float, verdict: str) -> None:
    metric, sign = ("rmse", -1) if task == "regression" else ("auroc", 1)
    ours = [peer + sign * (mean + shift) for shift in (-spread, 0.0, spread)]
    comparison = tables.compare(rows(task, **{metric: (ours, [peer] * 3)}))
    assert comparison.verdict == verdict
    assert comparison.difference == pytest.approx(mean, abs=4 * np.finfo(float).eps * peer)
    assert comparison.seeds == 3


@pytest.mark.parametrize(
    ("log_loss", "accuracy", "verdict"),
    [(0.49, 0.90, "better"), (0.514, 0.90, "worse"), (0.516, 0.90, "bad loss"), (0.49, 0.885, "bad loss")],
)
def test_a_multiclass_table_is_lost_badly_by_log_loss_or_by_accuracy(
    tables: Any, log_loss: float, accuracy: float, verdict: str
) -> None:
    made = rows("multiclass", log_loss=([log_loss] * 2, [0.5] * 2), accuracy=([accuracy] * 2, [0.9] * 2))
    assert tables.compare(made).verdict == verdict


def test_only_seeds_that_both_have_are_compared(tables: Any) -> None:
    made = rows("regression", rmse=([1.0, 2.0, 30.0], [2.0, 4.0, 6.0]))
    without = [row for row in made if (row["method"], row["seed"]) != ("sklearn", 2)]
    comparison = tables.compare(without)
    assert (comparison.seeds, comparison.means["rmse"], comparison.difference) == (2, [1.5, 3.0], 1.5)


def test_a_method_alone_is_shown_and_not_counted(tables: Any) -> None:
    alone = tables.compare(rows("regression", rmse=([1.0, 3.0], [2.0, 4.0]))[2:])
    assert (alone.verdict, alone.means["rmse"][1]) == ("-", 3.0)
    assert math.isnan(alone.difference)
    assert "of 0; bad losses: 0" in tables.totals([alone])
    assert tables.report([alone]).splitlines()[2].split() == ["t", "-", "rmse", "2", "-", "3", *"----", "2", "-"]


def test_totals_count_means_levels_and_bad_losses(tables: Any) -> None:
    peer = [0.8, 0.8]
    ours = {"better": [0.9, 0.9], "level": [0.7, 0.89], "equal": peer, "worse": [0.795, 0.795], "bad": [0.7, 0.7]}
    comparisons = [tables.compare(rows("binary", auroc=(values, peer))) for values in ours.values()]
    assert [c.verdict for c in comparisons] == ["better", "level", "level", "worse", "bad loss"]
    assert tables.totals(comparisons) == (
        "better or equal on mean: 2 of 5; level (within one paired standard error): 3 of 5; bad losses: 1"
    )


def test_the_report_gives_relative_difference_and_ratio_of_seconds(tables: Any) -> None:
    text = tables.report([tables.compare(rows("regression", rmse=([90.0, 90.0], [100.0, 100.0])))])
    assert " ".join(text.splitlines()[2].split()) == "t better rmse 2 90 100 +10 0 +10 % 1 2 0.5"


class Constant:
    """An estimator that predicts one number, and notes on which seed it was fitted."""

    fitted: list[int] = []  # noqa: RUF012  (emptied by the fixture)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        if self.seed == 13:
            raise ValueError("seed 13 fails")
        self.fitted.append(self.seed)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), 8.5)


@pytest.fixture
def command(tables: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that run a fake method of Pellucid's name on a fake data folder."""
    (tmp_path / "protocol.py").write_text(PROTOCOL)
    monkeypatch.setitem(tables.METHODS, "pellucid", lambda task, seed: Constant(seed))
    monkeypatch.setattr(Constant, "fitted", [])
    return ["--data", str(tmp_path), "--results", str(tmp_path / "new" / "r.csv"), "--methods", "pellucid", "--seeds"]


def read(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "new" / "r.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_finished_run_is_not_repeated(tables: Any, command: list[str], tmp_path: Path) -> None:
    assert tables.main([*command, "0", "1"]) == 0
    assert Constant.fitted == [0, 1, 0, 1]
    assert tables.main([*command, "0", "1", "2", "2"]) == 0
    assert Constant.fitted == [0, 1, 0, 1, 2, 2]
    found = read(tmp_path)
    assert [(row["table"], row["seed"]) for row in found[:4]] == [
        ("small", "0"), ("small", "1"), ("wide", "0"), ("wide", "1"),
    ]  # fmt: skip
    assert {(row["method"], row["rmse"], row["auroc"]) for row in found} == {("pellucid", "0.5", "")}
    assert len(found) == 6


def test_again_discards_that_method_of_the_chosen_tables_and_seeds_only(
    tables: Any, command: list[str], tmp_path: Path
) -> None:
    tables.main([*command, "0", "1"])
    results = tmp_path / "new" / "r.csv"
    peer = {**tables.read_rows(results)[0], "method": "sklearn", "rmse": 0.25}
    tables.write_rows(results, [peer])
    Constant.fitted.clear()
    assert tables.main([*command, "1", "--tables", "small", "--again", "pellucid"]) == 0
    assert Constant.fitted == [1]
    keys = sorted((row["method"], row["table"], row["seed"]) for row in read(tmp_path))
    assert keys == [
        ("pellucid", "small", "0"), ("pellucid", "small", "1"), ("pellucid", "wide", "0"), ("pellucid", "wide", "1"),
        ("sklearn", "small", "0"),
    ]  # fmt: skip
    assert peer in tables.read_rows(results)


def test_a_failed_run_is_shown_has_no_row_and_does_not_stop_the_others(
    tables: Any, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tables.main([*command, "13", "1", "--tables", "small"]) == 1
    assert [row["seed"] for row in read(tmp_path)] == ["1"]
    assert "small, seed 13, pellucid: failed, ValueError: seed 13 fails" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--data", "nowhere"], "protocol.py does not exist"), (["--tables", "smal"], "did you mean 'small'?")],
)
def test_what_cannot_be_run_is_one_line_and_exit_code_2(
    tables: Any, command: list[str], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tables.main([*command, "0", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_holds_no_results_is_left_alone(tables: Any, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "r.csv").write_text("a,b\n1,2\n")
    assert tables.main([*command, "0", "--again", "pellucid"]) == 2
    assert (tmp_path / "new" / "r.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("method", ["pellucid", "sklearn"])
def test_convergence_warnings_are_silenced_for_the_peer_only(
    tables: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exceptions = pytest.importorskip("sklearn.exceptions")

    class Unfinished(Constant):
        def fit(self, X: np.ndarray, y: np.ndarray) -> None:
            warnings.warn("not converged", exceptions.ConvergenceWarning, stacklevel=1)

    class Protocol:
        score = staticmethod(lambda task, y_true, y_pred, classes: {"rmse": 0.0})

    monkeypatch.setitem(tables.METHODS, method, lambda task, seed: Unfinished(seed))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tables.evaluate(Protocol, method, "regression", 0, (np.ones(3), np.ones(3)), (np.ones(3), np.ones(3)))
    assert [str(warning.message) for warning in caught] == ["not converged"] * (method == "pellucid")


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_peer_takes_missing_values_and_unknown_categories(tables: Any, task: str) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    frame = pandas.DataFrame({"n": [0.0, 1.0, math.nan, 3.0] * 5, "c": ["a", "b", None, "a"] * 5})
    y = pandas.Series([0.0, 1.0, 0.0, 1.0] * 5) if task == "regression" else pandas.Series(["p", "q", "p", "q"] * 5)
    model = tables.sklearn_estimator(task, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(frame, y)
    assert np.shape(model.predict(pandas.DataFrame({"n": [math.nan], "c": ["new"]}))) == (1,)
