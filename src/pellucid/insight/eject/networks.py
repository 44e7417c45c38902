"""Ejecting a network: its forward pass as a page, and its training where that is asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from pellucid.insight.eject.page import Page, forward_function, provenance, tape_of, weights
from pellucid.insight.eject.recipe import Recipe, recipe_of
from pellucid.insight.eject.training import TrainFunction, gradients
from pellucid.layers import Dense
from pellucid.network import Network

LETTERS = (
    "X : (n, {n}) holds an example a row; Z are weighted sums, A what the neurons make of them; dA, dW, ... stand for "
    "dL/dA, dL/dW, ..., with the shapes of A, W, ..."
)


def predicting_page(network: Network) -> str:
    """Return the page that predicts as the network does."""
    page = Page(_title(network, "Run it with a CSV file of numbers, a row per example, to print the outputs."))
    tape, outputs = tape_of(network, page.sources, training=False)
    page.function("predict", forward_function("predict", tape, network, outputs))
    weights(page, tape, with_parameters=False)
    page.sources.modules |= {"sys", "numpy"}
    page.main = ['print(predict(np.loadtxt(sys.argv[1], delimiter=",", ndmin=2)))']
    return page.text()


def training_page(network: Network, arguments: Mapping[str, Any]) -> str:
    """Return the page that trains the network from its present weights, as `train` with these arguments does."""
    network = network.copy()
    recipe = recipe_of(network, arguments)
    if not network.initialized:
        network.initialize(recipe.samples.x)
    page = Page(_title(network, "Run it to train, and to print the outputs."))
    samples = recipe.samples
    for name, array in (("X", samples.x), ("T", samples.target), ("S", samples.weight)):
        if array is not None:
            page.array(name, array)
    training = write_training(page, network, recipe, "predict", [], "on the rows X with targets T")
    for name, value in training:
        page.constant(name, value)
    page.main = ["train()", "print(predict(X))"]
    return page.text()


def write_training(
    page: Page, network: Network, recipe: Recipe, predict: str, head: list[str], data: str, arguments: str = ""
) -> list[tuple[str, Any]]:
    """Write a network with its functions ``predict``, `gradients` and `train`; return the constants of the last."""
    tape, outputs = tape_of(network, page.sources, training=True, scheduled_dropout="dropout_rate" in recipe.schedules)
    page.function(predict, forward_function(predict, tape, network, outputs))
    page.function("gradients", gradients(tape, recipe, network, outputs))
    train = TrainFunction(tape, recipe, network)
    weights(page, tape, with_parameters=True)
    steps = f"{recipe.steps:,} step{'' if recipe.steps == 1 else 's'}"
    sentence = f"Take {steps} of {recipe.optimizer!r} {data}."
    lines = textwrap.wrap(f'"""{sentence}', 114, break_long_words=False)
    doc = [f"    {line}" for line in lines]
    doc[-1] += '"""' if len(doc) == 1 else '\n    """'
    page.function("train", train.lines([f"def train({arguments}):", *doc, *head]))
    return train.constants


def _title(network: Network, use: str) -> list[str]:
    sizes = [str(layer.n_outputs) for layer in network.layers if isinstance(layer, Dense)]
    neurons = " and ".join([", ".join(sizes[:-1]), sizes[-1]] if len(sizes) > 1 else sizes)
    about = f": {network.n_inputs} inputs, {neurons} neurons" if 0 < len(sizes) < 6 else ""
    letters = textwrap.wrap(LETTERS.format(n=network.n_inputs), 118)
    return [f"A neural network in plain NumPy{about}.", "", provenance(), *letters, use]
