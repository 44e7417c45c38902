"""Saving writes a fitted estimator as a model file; loading gives it back, ready to predict."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import pellucid
from pellucid.errors import ModelFileError, PellucidError, listed
from pellucid.layers.base import Array
from pellucid.losses import Loss
from pellucid.model.file import read_model, write_model
from pellucid.network import Network
from pellucid.options import from_config, from_json, options, to_config
from pellucid.tabular.encoder import Encoder
from pellucid.tabular.targets import ClassTarget, NumberTarget

TARGETS: dict[str, type[ClassTarget | NumberTarget]] = {"ClassTarget": ClassTarget, "NumberTarget": NumberTarget}
NOT_KEPT = ("callbacks", "random_state")


def save(estimator: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
    """Write a fitted `TabularClassifier` or `TabularRegressor`; returns the file's SHA-256.

    The weights are tensors under their names in the network; the rest is one JSON document. Callbacks are not kept,
    and ``random_state`` is kept as the seed that was used.
    """
    network: Network = estimator.network_
    kept = {o.name: to_config(getattr(estimator, o.name)) for o in options(type(estimator)) if o.name not in NOT_KEPT}
    document = {
        "estimator": type(estimator).__name__,
        "options": {**kept, "random_state": estimator.seed_},
        "encoder": estimator.encoder_.to_json(),
        "target": estimator.target_.to_json(),
        "loss": to_config(estimator.loss_),
        "network": network.to_config(),
        "history": estimator.history_.to_dict(),
        "receipt": receipt(estimator),
    }
    tensors = {name: np.asarray(view) for name, view in {**network.named_parameters, **network.named_buffers}.items()}
    return write_model(path, document, tensors, overwrite=overwrite)


def load(path: str | os.PathLike[str]) -> Any:
    """Return the estimator that a model file holds.

    Raises `ModelFileError` if the file is damaged, incomplete, of another kind, or of a version that is not known.
    """
    from pellucid.estimators import TabularClassifier, TabularRegressor

    document, tensors, digest = read_model(path)
    estimators = {"TabularClassifier": TabularClassifier, "TabularRegressor": TabularRegressor}
    try:
        kind = document["estimator"]
        if kind not in estimators:
            raise ModelFileError(f"{path}: it holds a {kind!r}; this release reads {listed(estimators)}.")
        estimator = estimators[kind](**{name: from_json(value) for name, value in document["options"].items()})
        estimator.encoder_ = Encoder.from_json(document["encoder"])
        estimator.target_ = TARGETS[document["target"]["type"]].from_json(document["target"])
        estimator.loss_ = from_config(Loss, document["loss"])  # type: ignore[type-abstract]
        estimator.network_ = _network(document["network"], tensors)
        estimator.n_features_in_ = len(estimator.encoder_.columns)
        estimator.feature_names_in_ = np.array([column.name for column in estimator.encoder_.columns], dtype=object)
        estimator.seed_ = document["options"]["random_state"]
        estimator.receipt_ = {**document["receipt"], "sha256": digest}
        estimator.history_ = document["history"]
    except ModelFileError:
        raise
    except (KeyError, TypeError, ValueError, PellucidError) as error:
        raise ModelFileError(
            f"{Path(path)}: its document is not one that this release wrote ({type(error).__name__}: {error}). "
            f"Train the model again, or load it with the release that saved it."
        ) from error
    return estimator


def receipt(estimator: Any) -> dict[str, Any]:
    """Return how a fitted estimator came about."""
    if not hasattr(estimator, "plan_"):  # it was loaded itself
        return {name: value for name, value in estimator.receipt_.items() if name != "sha256"}
    history, plan = estimator.history_, estimator.plan_
    return {
        "pellucid": pellucid.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "seed": estimator.seed_,
        "training_rows": plan.n_rows,
        "batch_size": plan.batch_size,
        "epochs": len(history),
        "best_epoch": estimator.best_epoch_,
        "validation_loss": history["validation_loss"][estimator.best_epoch_ - 1],
        "stopped_by": history.stopped_by,
        "engine": history.engine,
        "fit_seconds": round(estimator.fit_seconds_, 3),
    }


def _network(config: Mapping[str, Any], tensors: Mapping[str, Array]) -> Network:
    network = Network.from_config(config)
    views = {**network.named_parameters, **network.named_buffers}
    if set(views) != set(tensors):
        raise ModelFileError(f"the tensors are {listed(tensors)}; the network has {listed(views)}.")
    for name, view in views.items():
        if tensors[name].shape != view.shape or tensors[name].dtype != view.dtype:
            raise ModelFileError(
                f"tensor {name!r} is {tensors[name].dtype}{tensors[name].shape}; it expects {view.shape}."
            )
        view[...] = tensors[name]
    network.initialized = True
    return network
