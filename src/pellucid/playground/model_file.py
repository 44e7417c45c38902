"""The model file of a run: its network as an estimator for tables, with a receipt by which the run can be repeated."""

from __future__ import annotations

import copy
import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.activations import Sigmoid
from pellucid.errors import OptionError, listed
from pellucid.layers import ActivationLayer, Dense, Scale
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from pellucid.network import Network
from pellucid.options import to_config
from pellucid.playground.run import Run

if TYPE_CHECKING:
    import polars

    from pellucid.tabular import ClassTarget, Encoder, NumberTarget

ALMOST_LINEAR = 27
"""An encoder squeezes numbers, y = 3u/√(1 + u²) with u = z/3. Scaled by 2²⁷ times the largest of the rows, u² is below
2⁻⁵⁵, so that in float64 y is z to the last digit, and a power of two is undone exactly."""
POINTS_TARGET = "target"


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a run has of an estimator: the table with its target, how both become numbers, and the network."""

    table: polars.DataFrame
    target_name: str
    encoder: Encoder
    coding: ClassTarget | NumberTarget
    network: Network


def model_file(run: Run) -> bytes:
    """Return the bytes of a model file; `OptionError` where a run has none, with the reason."""
    from pellucid.model.file import packed
    from pellucid.model.saving import contents

    return packed(*contents(estimator_of(run)))[0]


def estimator_of(run: Run) -> Any:
    """Return a `TabularClassifier` or `TabularRegressor` that predicts what the run's network does, in float64.

    Its loss stands for the link of the run's own: both make the same predictions of the network's outputs.
    """
    from pellucid.estimators import TabularClassifier, TabularRegressor
    from pellucid.population.ensemble import Ensemble
    from pellucid.training import History
    from pellucid.training.history import TrainingState

    if not np.isfinite(run.network.parameters).all() or not np.isfinite(run.network.buffers).all():
        raise OptionError("export: the network has weights that are not finite; go back to an earlier step.")
    parts, timeline, seed = _parts(run), run.timeline, run.configuration.seed
    encoder = parts.encoder
    estimator: Any = (TabularClassifier if run.rows.classes else TabularRegressor)(
        members=1,
        one_hot_limit=encoder.one_hot_limit,
        min_category_count=encoder.min_category_count,
        random_state=seed,
    )
    estimator.seed_, estimator.encoder_, estimator.target_ = seed, encoder, parts.coding
    estimator.feature_names_in_ = np.array([column.name for column in encoder.columns], dtype=object)
    n_classes = len(run.rows.classes)
    estimator.loss_ = SquaredError() if not n_classes else BinaryCrossEntropy() if n_classes == 2 else CrossEntropy()
    estimator.network_ = parts.network
    estimator.ensemble_ = Ensemble((parts.network,), (1.0,), estimator.loss_)
    estimator.temperature_, estimator.conformal_, estimator.members_ = 1.0, None, []
    estimator.remarks_ = (*run.rows.remarks, "it was trained in the playground; its receipt has the run")
    losses = [math.nan if loss is None else loss for loss in run.losses()]
    state = TrainingState(seed, timeline.epoch, epoch=timeline.epoch)
    estimator.history_ = History(state, timeline.engine, "the playground trained it")
    for name, value in zip(("epoch", "loss", "validation_loss"), (timeline.epoch, *losses), strict=True):
        estimator.history_.columns[name] = [value]
    estimator.receipt_ = _receipt(run, parts, losses[1])
    for name in ("best_epoch", "refitted", "fit_seconds", "cpu_seconds"):
        setattr(estimator, f"{name}_", estimator.receipt_[name])
    return estimator


def _parts(run: Run) -> Parts:
    from pellucid.tabular.target_names import keep_names

    rows = run.rows
    if rows.network is not None:
        raise OptionError(
            "export: the run began from the weights of a saved model, which a receipt does not hold, so that it could "
            "not be repeated; take it out as NumPy, or train on a table from the start."
        )
    if rows.table is not None and rows.encoder is not None and rows.coding is not None:
        name, coding = run.configuration.data["target"], copy.copy(rows.coding)
        parts = Parts(rows.table, name, rows.encoder, coding, _predicting(run))
    else:
        parts = _of_points(run)
    keep_names(parts.coding, [parts.target_name])
    return parts


def _of_points(run: Run) -> Parts:
    """Return the parts of a run on rows that are numbers as they are: an encoder's squeezing is made to do nothing."""
    import polars as pl

    from pellucid.tabular import Encoder
    from pellucid.tabular.encodings import NumberEncoding

    rows = run.rows
    made = [name for name in rows.features if name not in ("x1", "x2")]
    if made:
        raise OptionError(
            f"export: the inputs {listed(made)} are computed of x1 and x2, and a model file takes a table's "
            "columns as they are; let only x1 and x2 enter the network, or take the run out as a script."
        )
    table = pl.DataFrame(dict(zip(rows.inputs, rows.X.T, strict=True)))
    exponents = ALMOST_LINEAR + np.frexp(np.abs(rows.X).max(axis=0))[1]
    encodings = [
        NumberEncoding(name, False, 0.0, math.ldexp(1.0, int(exponent)))
        for name, exponent in zip(rows.inputs, exponents, strict=True)
    ]
    encoder = Encoder.from_json(
        {
            **Encoder().fit(table).to_json(),
            "encodings": [encoding.to_json() for encoding in encodings],
        }
    )
    network = _predicting(run, [Scale()])
    network.named_parameters["0.factor"][...] = np.ldexp(1.0, exponents)
    target, coding = _target_of_points(rows.target, len(rows.classes))
    table = table.with_columns(pl.Series(POINTS_TARGET, target))
    return Parts(table, POINTS_TARGET, encoder, coding, network)


def _target_of_points(target: Any, n_classes: int) -> tuple[Any, Any]:
    """Return the target column and its coding: classes are their numbers, and numbers are learned as they are."""
    from pellucid.tabular import ClassTarget, NumberTarget

    if n_classes:
        state = {"name": POINTS_TARGET, "is_multilabel": False, "classes": list(range(n_classes))}
        return target, ClassTarget.from_json(state)
    moments = {"mean": [0.0], "deviation": [1.0], "low": [float(target.min())], "high": [float(target.max())]}
    return target, NumberTarget.from_json({"name": POINTS_TARGET, "is_single": True, **moments})


def _predicting(run: Run, first: list[Any] | None = None) -> Network:
    """Return a network after whose outputs comes the link of a table estimator's loss, with the run's weights.

    first : layers before those of the run, with one parameter an input

    The difference of two softmax outputs is the log-odds that the sigmoid takes; the sigmoid as the last layer,
    before a loss without a link, becomes the link itself.
    """
    network, link, n_classes = run.network, run.loss.link, len(run.rows.classes)
    config, last = network.to_config(), network.layers[-1]
    added = to_config(first or [])
    layers = [*added, *config["layers"]]
    ends = np.empty(0)
    if n_classes == 2 and link == "softmax":
        layers.append(to_config(Dense(1)))
        ends = np.array([-1.0, 1.0, 0.0])
    elif n_classes and link == "identity":
        if not isinstance(last, ActivationLayer) or not isinstance(last.function, Sigmoid):
            raise OptionError(
                f"export: {run.loss!r} learned the classes as numbers, and a model file gives probabilities; let "
                "Sigmoid be the output's activation, or choose BinaryCrossEntropy."
            )
        layers.pop()
    elif not n_classes and (link != "identity" or network.n_outputs != 1):
        raise OptionError(
            f"export: {run.loss!r} makes {network.n_outputs} outputs with the link {link!r}, and a model file of "
            "numbers has one, as it is; choose another loss, such as SquaredError, or take the run out as NumPy."
        )
    made = Network.from_config({**config, "layers": layers})
    made.parameters[...] = np.concatenate([np.ones(network.n_inputs * len(added)), network.parameters, ends])
    made.buffers[...] = network.buffers
    made.initialized = True
    return made


def _receipt(run: Run, parts: Parts, test_loss: float) -> dict[str, Any]:
    from pellucid.model.receipt import to_json, versions

    timeline, is_test = run.timeline, run.rows.is_test
    told = {
        **versions(timeline.engine),
        "seed": run.configuration.seed,
        "training_rows": len(run.X),
        "batch_size": timeline.batch_size or len(run.X),
        "epochs": timeline.epoch,
        "steps": timeline.step,
        "best_epoch": timeline.epoch,
        "metric": "loss",
        "validation_loss": to_json(test_loss),
        "refitted": False,
        "stopped_by": "",
        "fit_seconds": round(timeline.seconds, 3),
        "cpu_seconds": round(timeline.cpu_seconds, 3),
        "playground": {
            "configuration": run.configuration.to_json(),
            "loss": to_config(run.loss),  # which the configuration may leave to the data
            "edits": [edit.to_json() for edit in timeline.edits[: timeline.applied]],
            "step": timeline.step,
        },
        "data": _fingerprint(parts, ~is_test),
    }
    test = run.scores()[1]
    if test is not None:
        figures = {"loss": test["loss"], "accuracy": test["accuracy"], "R2": test["r2"]}
        metrics = {name: value for name, value in figures.items() if value is not None}
        told["test"] = {"rows": int(is_test.sum()), "metrics": metrics, "data": _fingerprint(parts, is_test)}
    return told


def _fingerprint(parts: Parts, chosen: Any) -> dict[str, Any]:
    from pellucid.tabular.fingerprint import fingerprint

    table = parts.table.filter(chosen)
    features = table.drop(parts.target_name)
    return fingerprint(features, parts.encoder.columns, parts.coding, table[parts.target_name]).to_json()
