"""Ablations: what each part of the recipe for tables, and of the population, brings on rows that were not trained on.

Small tables of scikit-learn, two of its generators, and rows drawn from the training parts of public tables, each cut
once into rows to learn from and rows to test; their test parts are not looked at. The error is log-loss, or the root
mean squared error in deviations of the target.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any
from unittest import mock

import numpy as np
from measured import load_protocol
from sklearn import datasets
from sklearn.model_selection import train_test_split
from standings import digits, markdown

from pellucid import BinaryCrossEntropy, CrossEntropy, SquaredError
from pellucid.engine.cores import available_cores
from pellucid.estimators.ensembles import Outcome, fit_population, tempered
from pellucid.initializers import Hull, UnitVariance
from pellucid.layers import ActivationLayer, Dense, PeriodicFeatures, piecewise_linear_embedding
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.population import plan, recipe
from pellucid.population.ensemble import Ensemble
from pellucid.population.population import MOST_ROUNDS, Candidate, Population
from pellucid.population.selection import blend, select_ensemble
from pellucid.random import Random
from pellucid.schedules import Cosine
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.frames import to_table
from pellucid.tabular.splitting import Rows
from pellucid.tabular.targets import ClassTarget, NumberTarget
from pellucid.training.metrics import metric_for

HERE = Path(__file__).resolve().parent
LEARNED, TESTED = 1400, 4000  # rows at most
MEMBERS, FOLDS = 12, 4
PUBLIC = ("adult", "hpc_jobs", "wine_quality", "california_housing")
COLUMNS = ("table", "part", "variant", "error")

Predictions = list[list[Array]]  # of the test rows, by candidate and then by fold


@dataclass(frozen=True)
class Table:
    """A table, encoded, with a loss for its target."""

    encoder: Encoder
    rows: Rows
    x_test: Array
    target_test: Array
    loss: Loss
    n_outputs: int

    def error(self, predictions: Array) -> float:
        """Return the metric of predictions of the test rows, (n_rows, n_outputs)."""
        judge = metric_for("regression" if self.loss.link == "identity" else "classification", None, "error")
        target = self.loss.check_target(self.target_test, self.n_outputs)
        return judge.value(np.asarray(predictions, dtype=np.float64), target, None)


def tables(data: Path) -> dict[str, Callable[[], tuple[Any, Any, bool]]]:
    """Return what reads each table: its columns, its target, and whether that is a class."""
    protocol = load_protocol(data)

    def public(name: str) -> tuple[Any, Any, bool]:
        X, y, task = protocol.load("public", name)
        ((_, train, _),) = protocol.splits(X, y, task, seeds=[0])
        return X.iloc[train], y.iloc[train].to_numpy(), task != "regression"

    def bundled(load: Callable[..., Any], is_class: bool = True) -> tuple[Any, Any, bool]:
        return *load(return_X_y=True), is_class

    n = LEARNED + TESTED
    return {
        "diabetes": lambda: bundled(datasets.load_diabetes, is_class=False),
        "breast_cancer": lambda: bundled(datasets.load_breast_cancer),
        "wine": lambda: bundled(datasets.load_wine),
        "digits": lambda: bundled(datasets.load_digits),
        "friedman1": lambda: (*datasets.make_friedman1(n, noise=1.0, random_state=0), False),
        "hastie": lambda: (*datasets.make_hastie_10_2(n, random_state=0), True),
        **{name: (lambda name=name: public(name)) for name in PUBLIC},
    }


def prepared(X: Any, y: Any, is_class: bool) -> Table:
    """Cut the rows into those to learn from, three quarters at most `LEARNED`, and those to test by."""
    n_learned = min(LEARNED, len(y) * 3 // 4)
    n_tested = min(TESTED, len(y) - n_learned)
    cut = dict(train_size=n_learned, test_size=n_tested, random_state=0, stratify=y if is_class else None)
    train, test = train_test_split(np.arange(len(y)), **cut)
    take = X.iloc.__getitem__ if hasattr(X, "iloc") else X.__getitem__
    y = y.astype(str) if is_class else y
    target: Any = (ClassTarget() if is_class else NumberTarget()).fit(y[train])
    n_outputs = 1 if not is_class or len(target.classes) == 2 else len(target.classes)
    loss = SquaredError() if not is_class else BinaryCrossEntropy() if n_outputs == 1 else CrossEntropy()
    rows = Rows(to_table(take(train)), target.encode(y[train]), None)
    encoder = Encoder().fit(rows.table)
    return Table(encoder, rows, encoder.transform(to_table(take(test))), target.encode(y[test]), loss, n_outputs)


def trained(table: Table, members: int, folds: int, fixed: Mapping[str, Any] | None = None) -> Outcome:
    """Train a population; ``fixed`` holds for each of its members."""
    return fit_population(
        table.encoder,
        table.rows,
        None,
        table.loss,
        table.n_outputs,
        Random(0),
        fixed=dict(fixed or {}),
        plan=None,
        planned={"members": members, "folds": folds, "batch_size": None, "epochs": None},
        share=0.15,
        metric=None,
        cores=available_cores(),
        deadline=None,
        watchers=(),
        groups=None,
        ranks=None,
        classes=(),
        n_table_columns=table.rows.table.width,
    )


def predicted(table: Table, population: Population) -> Predictions:
    """Return what each candidate's networks, one a fold, predict of the test rows."""
    found: Predictions = []
    for candidate in population.candidates:
        networks = []
        configuration = population.members[candidate.member].configuration
        for fold, (parameters, buffers) in zip(population.folds, candidate.weights, strict=True):
            network = population.build(configuration, fold, Random(0))
            network.parameters[...], network.buffers[...], network.initialized = parameters, buffers, True
            networks.append(Ensemble((network,), (1.0,), table.loss).predict(table.x_test))
        found.append(networks)
    return found


def alone(table: Table, networks: Sequence[Array]) -> float:
    """Return the mean error of the networks of the folds, each by itself."""
    return fmean(map(table.error, networks))


def quantile_edges(x: Array, n_bins: int) -> Array:
    """Return the edges of bins at quantiles, each once, whatever values are common."""
    return np.unique(np.quantile(x.astype(np.float64), np.linspace(0, 1, n_bins + 1)).astype(x.dtype))


def light_waves(n_outputs: int) -> PeriodicFeatures:
    """Return the light form of a periodic embedding, which mixes no waves."""
    return PeriodicFeatures()


def unit_dense(width: int, weight_initializer: str, bias_initializer: Any = "zeros") -> Dense:
    """Return a dense layer drawn as RealMLP draws them, but for the output layer."""
    if weight_initializer != "he":
        return Dense(width, weight_initializer=weight_initializer, bias_initializer=bias_initializer)
    return Dense(width, weight_initializer=UnitVariance(), bias_initializer=Hull())


def parametric_selu(function: str) -> ActivationLayer:
    """Return RealMLP's activation for classes: blended with the identity by a learned factor."""
    return ActivationLayer("selu", parametric=True)


def no_constant(loss: Loss, target: Array, weight: Array | None, n_outputs: int) -> list[float]:
    """Return zeros for the last biases."""
    return [0.0] * n_outputs


Change = tuple[Any, str, Any]  # an object, its attribute, and what to have there instead
NETWORKS: dict[str, tuple[dict[str, Any], Change | None]] = {
    "bins, 48, at common values and quantiles": ({}, None),
    "bins, 48, at quantiles alone": ({}, (piecewise_linear_embedding, "edges_of", quantile_edges)),
    "bins, 16": ({"n_bins": 16}, None),
    "numbers as they are, with a factor": ({"numbers": "plain"}, None),
    "periodic embedding": ({"numbers": "periodic"}, None),
    "periodic features, the light form": ({"numbers": "periodic"}, (recipe, "PeriodicEmbedding", light_waves)),
    "factors that learn no faster than weights": ({}, (recipe, "SCALE_RATE", 1.0)),
    "weights of unit variance, kinks in the hull": ({}, (recipe, "Dense", unit_dense)),
    "last biases from 0": ({}, (recipe, "best_constant", no_constant)),
    "relu": ({"activation": "relu"}, None),
    "selu": ({"activation": "selu"}, None),
    "selu, parametric": ({}, (recipe, "ActivationLayer", parametric_selu)),
    "one hidden layer": ({"hidden_layer_sizes": (128,)}, None),
    "three hidden layers of 256": ({"hidden_layer_sizes": (256, 256, 256)}, None),
    "one cycle of the learning rate": ({}, (plan, "CosLog", Cosine)),
    "no dropout": ({"dropout": 0.0}, None),
    "dropout 0.3": ({"dropout": 0.3}, None),
    "weight decay 0": ({"weight_decay": 0.0}, None),
    "weight decay 0.3": ({"weight_decay": 0.3}, None),
    "neither dropout nor decay": ({"dropout": 0.0, "weight_decay": 0.0}, None),
}


def network_errors(table: Table) -> Iterator[tuple[str, float]]:
    """Yield the error of one network, the first member's configuration but for one part, at its best rung."""
    for variant, (fixed, changed) in NETWORKS.items():
        with mock.patch.object(*changed) if changed else nullcontext():
            population = trained(table, 1, FOLDS, fixed).population
            best = min(range(len(population.candidates)), key=lambda index: population.candidates[index].value)
            networks = predicted(table, population)[best]
        yield variant, alone(table, networks)


def population_errors(table: Table) -> Iterator[tuple[str, float]]:
    """Yield the errors of ways to use the same trained members, and of members judged by one held-out share."""
    outcome = trained(table, MEMBERS, FOLDS)
    population = outcome.population
    by_fold = predicted(table, population)
    means = [np.mean(networks, axis=0) for networks in by_fold]
    candidates = population.candidates
    last = list({candidate.member: index for index, candidate in enumerate(candidates)}.values())
    best = min(range(len(candidates)), key=lambda index: candidates[index].value)

    def selected(indices: Sequence[int]) -> Array:
        return selection(population, [candidates[i] for i in indices], [means[i] for i in indices])

    chosen = selected(range(len(candidates)))
    yield "selection among members and rungs, four folds", table.error(chosen)
    if table.loss.link != "identity":
        yield "the same, with the temperature", table.error(tempered(table.loss, chosen, outcome.temperature))
    yield "selection among members at their last rung", table.error(selected(last))
    yield "mean of all members at their last rung", table.error(np.mean([means[i] for i in last], axis=0))
    yield (
        "mean of the members left at the end",
        table.error(np.mean([means[i] for i in last if candidates[i].rung == candidates[-1].rung], axis=0)),
    )
    yield "the best member's four networks", table.error(means[best])
    yield "one network of the best member", alone(table, by_fold[best])
    for size in (1, 2, 4, 8):
        few = [i for i, candidate in enumerate(candidates) if candidate.member < size]
        yield f"selection among the first {size} of {MEMBERS} members", table.error(selected(few))
    population = trained(table, MEMBERS, 1).population
    held_out = [networks[0] for networks in predicted(table, population)]
    yield "selection by one held-out share", table.error(selection(population, population.candidates, held_out))
    best = min(range(len(held_out)), key=lambda index: population.candidates[index].value)
    yield "the best member by one held-out share", table.error(held_out[best])


def selection(population: Population, candidates: Sequence[Candidate], predictions: Sequence[Array]) -> Array:
    """Return the predictions of the ensemble that is selected among the candidates."""
    judged = [candidate.predictions for candidate in candidates]
    found = select_ensemble(judged, population.target, population.metric, most_rounds=MOST_ROUNDS)
    return blend(predictions, found.counts)


PARTS = {"one network": network_errors, "the population": population_errors}


def read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def page(rows: Sequence[Mapping[str, str]], command: str) -> str:
    """Return a table for each part: errors by variant and table, and the mean ratio to those of the first variant."""
    text = [
        "# Results of `ablations.py`",
        f"Command: `{command}`. At most {LEARNED:,} rows to learn from and {TESTED:,} to test; {MEMBERS} members. "
        "Log-loss, or RMSE in deviations of the target. Ratio: geometric mean of the errors over those of the first "
        "line; better on: tables with a lower error than there.",
    ]
    names = list(dict.fromkeys(row["table"] for row in rows))
    for part in PARTS:
        errors: dict[str, dict[str, float]] = {}
        for row in rows:
            if row["part"] == part:
                errors.setdefault(row["variant"], {})[row["table"]] = float(row["error"])
        if not errors:
            continue
        first = next(iter(errors.values()))
        lines = []
        for variant, found in errors.items():
            shared = [name for name in names if name in found and name in first]
            ratio = geometric_mean(found[name] / first[name] for name in shared)
            better = sum(found[name] < first[name] for name in shared)
            cells = [digits(found[name]) if name in found else "" for name in names]
            reference = found is first
            lines.append([variant, *cells, f"{ratio:.3f}", "" if reference else f"{better} of {len(shared)}"])
        text += [f"## {part.capitalize()}", markdown(["", *names, "ratio", "better on"], lines)]
    return "\n\n".join(text) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that have no rows yet, table by table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE / "../../shared/data", help="the folder of protocol.py")
    parser.add_argument("--results", type=Path, default=HERE / "results/ablations.csv", help="a CSV file; resumes")
    asked = parser.parse_args(arguments)
    for name, read in tables(asked.data).items():
        for part, errors in PARTS.items():
            if any((row["table"], row["part"]) == (name, part) for row in read_rows(asked.results)):
                continue
            found = [(name, part, variant, f"{error:.6g}") for variant, error in errors(prepared(*read()))]
            with asked.results.open("a", newline="") as file:
                writer = csv.writer(file)
                if file.tell() == 0:
                    writer.writerow(COLUMNS)
                writer.writerows(found)
            print(f"{name}, {part}: {len(found)} variants", file=sys.stderr, flush=True)
    command = " ".join(["python benchmarks/ablations.py", *(sys.argv[1:] if arguments is None else arguments)])
    text = page(read_rows(asked.results), command)
    asked.results.with_suffix(".md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
