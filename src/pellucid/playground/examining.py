"""The commands that look at a run's numbers and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.errors import OptionError
from pellucid.insight import diagnose as diagnosis
from pellucid.insight import gradient_check
from pellucid.playground import numbers, views
from pellucid.playground.surgery import cell_of

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame

MOST_CHECKED = 50_000


def inspect_weight(experiment: Experiment, parameter: str, at: list[int], rows: list[int] | None) -> Frame:
    """Tell how a weight takes part in the next step."""
    timeline = experiment.timeline
    cell = cell_of(timeline.network, parameter, at)
    step = numbers.next_step(timeline, numbers.batch_rows(timeline, rows))
    return {"frame": "weight", **numbers.weight(step, parameter, cell)}


def inspect_neuron(experiment: Experiment, layer: int, neuron: int, row: int) -> Frame:
    """Tell how a neuron's value comes about in a training row."""
    timeline = experiment.timeline
    network = timeline.network
    if layer >= len(network.layers) or neuron >= network.sizes[layer + 1]:
        raise OptionError(f"inspect_neuron: the network has no neuron {neuron} in layer {layer}, counted from 0.")
    step = numbers.next_step(timeline, numbers.batch_rows(timeline, [row]))
    said = numbers.neuron(step, layer, neuron)
    return {"frame": "neuron", "layer": layer, "neuron": neuron, "row": row, **said}


def check_gradients(experiment: Experiment) -> Frame:
    """Hold the gradients of all parameters against finite differences."""
    run = experiment.run
    size = run.network.parameters.size
    if size > MOST_CHECKED:
        raise OptionError(
            f"check_gradients: the network has {size:,} parameters, and each takes two losses; "
            f"up to {MOST_CHECKED:,} are checked. Click a weight: its finite difference stands beside its gradient."
        )
    found = gradient_check(run.network.copy(), run.loss, run.X, run.y, penalty=run.timeline.recipe.penalty)
    figures = {"passed": found.passed, "tolerance": found.tolerance, "direction_error": found.direction_error}
    return {"frame": "gradient_check", **views.plain({**figures, "errors": found.errors})}


def look(experiment: Experiment) -> Frame:
    """Tell the numbers of this moment, and the whole curve."""
    experiment.run.curve.tell_all()
    return experiment.progress()


def show_histograms(experiment: Experiment, bins: int) -> Frame:
    """Tell how weights and activations are distributed."""
    run = experiment.run
    return {"frame": "histograms", **views.histograms(run.network, run.X, bins)}


def diagnose(experiment: Experiment) -> Frame:
    """Let the doctor look at the network."""
    run = experiment.run
    report = diagnosis(run.network, run.X, run.y, loss=run.loss, column_names=run.rows.inputs)
    return {"frame": "findings", **report.to_json()}
