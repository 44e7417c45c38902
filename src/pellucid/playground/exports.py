"""What is taken out of an experiment: a model file, a script with this library, plain NumPy, a drawing, a link."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError
from pellucid.insight.eject.ejecting import page_of
from pellucid.insight.pictures import plot_network
from pellucid.layers.base import Array
from pellucid.network import Network
from pellucid.playground import state
from pellucid.playground.configuration import Configuration
from pellucid.playground.model_file import model_file
from pellucid.playground.run import Run
from pellucid.playground.timeline import Timeline

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame

MOST_CELLS = 50_000  # numbers of X that a script holds


def link(experiment: Experiment) -> Frame:
    """Return configuration, edits and step as the text of a link."""
    run = experiment.run
    return {"frame": "link", "text": state.encode(run.configuration, run.edits, run.timeline.step)}


def export(experiment: Experiment, format: str) -> Frame:
    """Return the run as a file."""
    run = experiment.run
    if format == "model":
        content = base64.b64encode(model_file(run)).decode("ascii")
        return {"frame": "export", "name": "playground.pellucid", "type": "application/octet-stream", "base64": content}
    if format == "configuration":
        text = configuration_page(run.configuration, run.edits, run.timeline.step)
        return {"frame": "export", "name": "configuration.json", "type": "application/json", "text": text}
    if format == "svg":
        text = drawing(run.network, run.rows.inputs)
        return {"frame": "export", "name": "network.svg", "type": "image/svg+xml", "text": text}
    if format == "numpy":
        return {"frame": "export", "name": "numpy.py", "type": "text/x-python", "text": numpy_page(run.network)}
    first = Run(run.configuration, run.rows)
    text = script(run.timeline, first.network, run.X_test, run.y_test)
    return {"frame": "export", "name": "script.py", "type": "text/x-python", "text": text}


def configuration_page(configuration: Configuration, edits: list[dict[str, Any]], step: int) -> str:
    """Return configuration, edits and step as JSON."""
    return json.dumps({"configuration": configuration.to_json(), "edits": edits, "step": step}, indent=2) + "\n"


def drawing(network: Network, inputs: list[str]) -> str:
    """Return the network with its weights as SVG."""
    return plot_network(network, column_names=inputs).svg


def numpy_page(network: Network) -> str:
    """Return the network as a page of plain NumPy."""
    return page_of(network, training=False, arguments={})


def script(timeline: Timeline, start: Network, X_test: Array, y_test: Array) -> str:
    """Return a Python script that trains the same network on the same rows to the same weights.

    ``start`` has the first weights. Raises `OptionError` where a hand has been at work, or there are too many rows.
    """
    recipe, X = timeline.recipe, timeline.X
    if timeline.applied:
        raise OptionError("export: the run has edits by hand, which a script would not repeat; take the configuration.")
    n_numbers = X.size + start.parameters.size
    if n_numbers > MOST_CELLS:
        raise OptionError(f"export: a script would hold {n_numbers:,} numbers; it holds at most {MOST_CELLS:,}.")
    if timeline.batch:
        raise OptionError(
            "export: the run stands inside an epoch; a script trains whole ones: step to the epoch's end."
        )
    schedules = f",\n    schedules={{'learning_rate': {recipe.schedule!r}}}" if timeline.schedules else ""
    penalty = "" if recipe.penalty is None else f",\n    penalty={recipe.penalty!r}"
    batch = f"batch_size={timeline.batch_size!r}"
    names = f"rng={recipe.seed}, total_epochs={recipe.epochs}{schedules}{penalty}"
    layers = "".join(f"        {layer!r},\n" for layer in start.layers)
    weights = "".join(
        f"network.named_parameters[{name!r}][...] = {view.tolist()!r}\n"
        for name, view in start.named_parameters.items()
    )
    training = ""
    if timeline.epoch:
        training = f"""
history = train(
    network, X, y, loss=loss, optimizer={recipe.optimizer!r},
    epochs={timeline.epoch}, {batch}, {names},
)
print(history)
"""
    test = ""
    if len(X_test):
        test = f"""
X_test = np.array({X_test.tolist()!r})
y_test = np.array({y_test.tolist()!r})
print("loss on the test rows:", network.loss_and_gradient(X_test, y_test, loss)[0])
"""
    return f'''"""The playground's network, trained on the playground's rows."""

import numpy as np

from pellucid import *

X = np.array({X.tolist()!r})
y = np.array({timeline.target.tolist()!r})

loss = {recipe.loss!r}
network = Network(
    [
{layers}    ],
    n_inputs={start.n_inputs},
    rng={recipe.seed},
)
{weights}{training}print("loss:", network.loss_and_gradient(X, y, loss)[0])
{test}'''
