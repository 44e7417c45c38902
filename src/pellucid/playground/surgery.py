"""Surgery is what a hand does to a network: a weight is set, a neuron frozen, an edge cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, listed, near_miss
from pellucid.layers import Dense
from pellucid.network import Network
from pellucid.playground.state import MOST_EDITS
from pellucid.playground.timeline import Edit

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment, Frame


def edit(experiment: Experiment, command: str, **fields: Any) -> Frame:
    """Carry out a command that edits, and keep it with its step."""
    run, timeline = experiment.run, experiment.timeline
    experiment.opened = None
    if len(timeline.edits) >= MOST_EDITS:
        raise OptionError(f"{command}: the run has {MOST_EDITS:,} edits; that is as many as it keeps.")
    timeline.edit(Edit(timeline.step, command, fields))
    run.curve.add(timeline.step, *run.losses())
    return experiment.progress()


def operate(network: Network, command: str, fields: dict[str, Any]) -> None:
    """Do what an edit says; `OptionError` where there is no such weight or neuron."""
    rates = network.views(network.learning_rate_factor)
    if command == "freeze_neuron":
        for name, cells in neuron_cells(network, fields["layer"], fields["neuron"]).items():
            rates[name][cells] = 0.0 if fields["frozen"] else 1.0
        return
    at = cell_of(network, fields["parameter"], fields["at"])
    if command == "edit_weight":
        network.named_parameters[fields["parameter"]][at] = fields["value"]
        return
    if len(at) != 2:
        raise OptionError(f"cut_edge: {fields['parameter']!r} is no edge; it expects a weight, [input, neuron].")
    if fields["cut"]:
        network.named_parameters[fields["parameter"]][at] = 0.0
    rates[fields["parameter"]][at] = 0.0 if fields["cut"] else 1.0


def cell_of(network: Network, parameter: str, at: list[int]) -> tuple[int, ...]:
    """Return the cell as an index; `OptionError` where the network has none such."""
    names = network.named_parameters
    if parameter not in names:
        raise OptionError(
            f"no parameter {parameter!r:.60}; there are {listed(names)}{near_miss(parameter, names) or '.'}"
        )
    shape = names[parameter].shape
    if len(at) != len(shape) or any(place >= size for place, size in zip(at, shape, strict=False)):
        raise OptionError(f"{parameter!r} has the shape {list(shape)}; it has no cell {at!r:.60}, counted from 0.")
    return tuple(at)


def neuron_cells(network: Network, layer: int, neuron: int) -> dict[str, Any]:
    """Return the cells of a neuron's weights and bias by parameter; `OptionError` where there is none such."""
    if layer >= len(network.layers) or not isinstance(network.layers[layer], Dense):
        dense = [index for index, each in enumerate(network.layers) if isinstance(each, Dense)]
        raise OptionError(f"freeze_neuron: layer {layer} has no weights of neurons; it expects one of {dense}.")
    if neuron >= network.sizes[layer + 1]:
        raise OptionError(f"layer {layer} has the neurons 0 to {network.sizes[layer + 1] - 1}; there is no {neuron}.")
    return {f"{layer}.weight": (slice(None), neuron), f"{layer}.bias": (neuron,)}


def frozen_and_cut(edits: list[tuple[str, dict[str, Any]]]) -> tuple[list[list[int]], list[list[Any]]]:
    """Return which neurons and edges edits left frozen and cut."""
    frozen: dict[tuple[int, int], bool] = {}
    cut: dict[tuple[str, tuple[int, ...]], bool] = {}
    for command, fields in edits:
        if command == "freeze_neuron":
            frozen[fields["layer"], fields["neuron"]] = fields["frozen"]
        elif command == "cut_edge":
            cut[fields["parameter"], tuple(fields["at"])] = fields["cut"]
    return (
        [list(neuron) for neuron, is_frozen in frozen.items() if is_frozen],
        [[name, list(at)] for (name, at), is_cut in cut.items() if is_cut],
    )
