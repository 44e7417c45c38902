"""Every number of a training step on the page is the library's: those of its own trace of the same step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import SGD, Dense, Dropout, Network, trace
from pellucid.activations import ReLU, Tanh
from pellucid.formulas.writing import Text
from pellucid.initializers import Glorot
from pellucid.layers import BatchNorm, LayerNorm
from pellucid.losses import BinaryCrossEntropy, CrossEntropy, Huber, Penalty
from pellucid.optimizers import AdamW
from pellucid.playground import Experiment
from pellucid.playground.numbers import DIGITS, MOST_SHOWN
from pellucid.schedules import OneCycle
from tests.playground.conftest import until

FOUR_DIGITS = 5e-4  # a number of four significant digits is off by at most half of its last one
CELLS = "[...document.querySelectorAll('#cells td')].map((each) => each.textContent)"
SAID = "[...document.querySelectorAll('.arithmetic li')].map((each) => each.textContent)"


def dense(width: int) -> Dense:
    return Dense(width, weight_initializer=Glorot())


def two_classes() -> tuple[dict[str, Any], Network, dict[str, Any]]:
    network = Network([dense(4), Tanh(), dense(2), Tanh(), dense(1)], 2, rng=0)
    return {}, network, {"loss": BinaryCrossEntropy(), "optimizer": SGD(learning_rate=0.03), "batch_size": 10}


def three_classes() -> tuple[dict[str, Any], Network, dict[str, Any]]:
    """Normalization, dropout, penalties, and an optimizer that remembers two moments."""
    sections = {
        "data": {"kind": "formula", "formula": "(x1 > 0) + (x2 > 0)"},
        "network": {
            "hidden": [
                {"width": 3, "normalization": "LayerNorm", "dropout": 0.25},
                {"width": 4, "normalization": "BatchNorm", "activation": {"type": "ReLU"}},
            ]
        },
        "optimizer": {"type": "AdamW", "learning_rate": 0.01, "weight_decay": 0.1},
        "penalty": {"l1": 0.001, "l2": 0.01},
        "batch_size": 6,
    }
    layers = [dense(3), LayerNorm(), Tanh(), Dropout(0.25), dense(4), BatchNorm(), ReLU(), dense(3)]
    settings = {
        "loss": CrossEntropy(),
        "optimizer": AdamW(learning_rate=0.01, weight_decay=0.1),
        "penalty": Penalty(l1=0.001, l2=0.01),
        "batch_size": 6,
    }
    return sections, Network(layers, 2, rng=0), settings


def numbers() -> tuple[dict[str, Any], Network, dict[str, Any]]:
    """A target of numbers, a momentum and a schedule."""
    sections = {
        "data": {"kind": "plane"},
        "loss": {"type": "Huber", "delta": 0.5},
        "optimizer": {"type": "SGD", "learning_rate": 0.05, "momentum": 0.9},
        "schedule": {"type": "OneCycle"},
        "epochs": 20,
        "batch_size": 5,
    }
    settings = {
        "loss": Huber(delta=0.5),
        "optimizer": SGD(learning_rate=0.05, momentum=0.9),
        "schedules": {"learning_rate": OneCycle()},
        "epochs": 20,
        "batch_size": 5,
    }
    return sections, Network([dense(4), Tanh(), dense(2), Tanh(), dense(1)], 2, rng=0), settings


def opened(page: Any, experiment: Experiment, sections: dict[str, Any]) -> None:
    experiment.begin(experiment.configuration.changed(**sections))
    page.evaluate("history.replaceState(null, '', '/')")
    page.reload()
    until(page, "location.hash.length > 20")


def read(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize(("case", "steps_before"), [(two_classes, 0), (three_classes, 0), (numbers, 2)])
def test_every_quantity_of_a_step_is_the_librarys(
    page: Any, experiment: Experiment, case: Any, steps_before: int
) -> None:
    sections, network, settings = case()
    opened(page, experiment, sections)
    (step,) = trace(network, experiment.run.X, experiment.run.y, steps=steps_before, **settings)
    for taken in range(steps_before):
        page.click("#batch")
        until(page, "n => document.querySelector('#clock').textContent.includes(`+ ${n}`)", taken + 1)
    page.click("#forward")
    page.wait_for_selector("#entry-0[aria-current]")
    symbols = page.locator(".entries button").all_text_contents()
    assert symbols == [entry.symbol.text for entry in step.entries]
    writer = Text(digits=DIGITS)
    for index, entry in enumerate(step.entries):
        page.wait_for_selector(f"#entry-{index}[aria-current]")
        value = np.asarray(entry.value)[tuple(slice(MOST_SHOWN) for _ in entry.shape)]
        cells = [read(text) for text in page.evaluate(CELLS)]
        assert cells == pytest.approx(np.ravel(value).tolist(), rel=FOUR_DIGITS), entry.symbol.text
        said = page.evaluate(SAID)
        if entry.formula is not None:
            every = list(np.ndindex(value.shape))[:MOST_SHOWN]
            assert said == [writer.arithmetic(entry, cell) for cell in every], entry.symbol.text
        page.keyboard.press("]")


def test_every_weight_and_slope_of_the_page_is_the_librarys(page: Any, experiment: Experiment) -> None:
    _, network, settings = two_classes()
    (step,) = trace(network, experiment.run.X, experiment.run.y, **settings)
    network.loss_and_gradient(experiment.run.X, experiment.run.y, settings["loss"])
    for layer, shown in ((0, 1), (2, 3), (4, 4)):
        weights, slopes = network.named_parameters, network.named_gradients
        n_inputs, n_outputs = weights[f"{layer}.weight"].shape
        for neuron in range(n_outputs):
            page.click(f"#neuron-{shown}-{neuron}")
            until(page, "n => document.querySelector('#part-numbers h3')?.textContent.includes(` ${n},`)", neuron + 1)
            rows = page.locator(".weights li").all_text_contents()
            cells = [(f"{layer}.weight", (i, neuron)) for i in range(n_inputs)] + [(f"{layer}.bias", (neuron,))]
            for row, (name, at) in zip(rows, cells, strict=True):
                value, slope = map(read, row.partition(" = ")[2].split(" ∂ "))
                assert value == pytest.approx(weights[name][at], rel=FOUR_DIGITS, abs=0)
                assert slope == pytest.approx(slopes[name][at], rel=FOUR_DIGITS)
            for name, at in cells:
                page.click(f"#neuron-{shown}-{neuron}")
                page.click(f"#weight-{'-'.join(map(str, at))}")
                until(
                    page, "name => document.querySelector('#part-numbers h3').textContent.includes(name)", f"{name} ["
                )
                told = page.locator(".numbers b").all_text_contents()
                batch = [entry for entry in step.entries if entry.name == name]
                new = next(entry for entry in batch if entry.replaces is batch[0])
                slope = next(entry for entry in reversed(batch) if step.differences.has(entry))
                wanted = [batch[0].value[at], slope.value[at], step.differences.at(slope, at).middle, new.value[at]]
                found = [read(text.split(" ")[0]) for text in told]
                assert found == pytest.approx(wanted, rel=5e-7)  # seven digits
