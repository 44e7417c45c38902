"""Frames are what an experiment tells a page of itself, as JSON data."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.layers.base import Array
from pellucid.playground.choices import losses_for
from pellucid.playground.configuration import Configuration
from pellucid.playground.plane import Plane
from pellucid.playground.rows import Rows
from pellucid.playground.surgery import frozen_and_cut
from pellucid.playground.timeline import Timeline
from pellucid.playground.views import has_map, maps, shown_cells, shown_neurons

Frame = dict[str, Any]


def experiment(configuration: Configuration, rows: Rows, timeline: Timeline) -> Frame:
    """Return the configuration and what it amounts to."""
    network = timeline.network
    layers = [
        {
            "index": index,
            "type": type(layer).__name__,
            "text": repr(layer),
            "neurons": network.sizes[index + 1],
            "shown": shown_neurons(network.sizes[index + 1]),
            "has_map": has_map(network, index),
        }
        for index, layer in enumerate(network.layers)
    ]
    return {
        "frame": "experiment",
        "configuration": configuration.to_json(),
        "task": rows.task,
        "classes": rows.classes,
        "inputs": rows.inputs,
        "shown_inputs": shown_neurons(len(rows.inputs)),
        "layers": layers,
        "parameters": [{"name": name, "shape": list(view.shape)} for name, view in network.named_parameters.items()],
        "losses": losses_for(rows),
        "n_train": int((~rows.is_test).sum()),
        "n_test": int(rows.is_test.sum()),
        "edits": [edit.to_json() for edit in timeline.edits],
        "remarks": rows.remarks,
    }


def data(rows: Rows, plane: Plane) -> Frame:
    """Return where the rows lie in the plane that is shown."""
    return {
        "frame": "data",
        "points": plane.points.tolist(),
        "targets": rows.target.tolist(),
        "is_test": rows.is_test.tolist(),
        "extent": list(plane.extent),
        "axes": list(plane.axes),
        "classes": rows.classes,
        "problems": rows.remarks,
    }


def position(timeline: Timeline) -> Frame:
    """Return where the training stands: the head of a progress frame."""
    return {
        "frame": "progress",
        "step": timeline.step,
        "epoch": timeline.epoch,
        "batch": timeline.batch,
        "batches_per_epoch": timeline.batches,
        "furthest_step": timeline.furthest,
        "engine": timeline.engine,
    }


def numbers(timeline: Timeline, X: Array, y: Array, grid: Array) -> Frame:
    """Return weights, slopes over all training rows, what hands did, and maps: the rest of a progress frame."""
    network, recipe = timeline.network, timeline.recipe
    with np.errstate(all="ignore"):  # what is not finite is told as null
        network.loss_and_gradient(X, y, recipe.loss, penalty=recipe.penalty)
    shown, output = maps(network, grid, recipe.loss)
    done = timeline.edits[: timeline.applied]
    frozen, cut = frozen_and_cut([(edit.command, edit.fields) for edit in done])
    return {
        "weights": shown_cells(network.named_parameters),
        "gradients": shown_cells(network.named_gradients),
        "frozen": frozen,
        "cut": cut,
        "maps": shown,
        "output": output,
    }
