"""What each control of the page does: a pattern of its id, and what changes when a hand works it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pellucid.playground import Experiment

Probe = Callable[[Experiment, Any], Any]
"""Looks at the experiment or the page; what it returns changes when the control is worked."""


@dataclass(frozen=True)
class Control:
    """A control's effect, what must be so before it is worked, and whether its own value is what is set."""

    effect: Probe
    before: Callable[[Any], Any] = lambda page: None
    sets: bool = False
    only: str = ""


def setting(path: str) -> Control:
    """A control that sets a field of the configuration to its own value."""

    def read(experiment: Experiment, page: Any) -> Any:
        found: Any = experiment.configuration.to_json()
        for name in path.split("."):
            found = (found or {}).get(name) if not isinstance(found, list) else found[int(name)]
        return found

    return Control(read, sets=True)


def field(path: str) -> Control:
    """A control that changes a field of the configuration."""
    return Control(setting(path).effect)


def shown(expression: str, before: str = "", only: str = "") -> Control:
    """A control that changes what a JavaScript expression says of the page, some buttons having been pressed before."""
    return Control(lambda experiment, page: page.evaluate(expression), clicks(before), only=only)


def does(effect: Callable[[Experiment], Any], before: str = "") -> Control:
    """A control that changes something of the experiment, some buttons having been pressed before."""
    return Control(lambda experiment, page: effect(experiment), clicks(before))


def clicks(selectors: str) -> Callable[[Any], None]:
    """Return what presses these buttons and waits for the page to have followed."""

    def press(page: Any) -> None:
        for selector in selectors.split():
            page.click(selector)
            page.wait_for_timeout(120)

    return press


def width(layer: str) -> Control:
    return Control(lambda experiment, page: experiment.configuration.network["hidden"][int(layer) - 1]["width"])


def of_layer(layer: str, option: str) -> Control:
    path = {"activation": "activation.type"}.get(option, option)
    if option not in ("activation", "dropout", "normalization"):
        path = f"activation.{option}"
    return setting(f"network.hidden.{int(layer) - 1}.{path}")


def hidden(experiment: Experiment) -> int:
    return len(experiment.configuration.network["hidden"])


def checked(name: str) -> Control:
    return shown(f"document.querySelector('#{name}').toDataURL()")


def grid(page: Any) -> None:
    """Choose what is swept, which also fills in the values."""
    page.select_option("#sweep-x-field", "optimizer.learning_rate")
    page.select_option("#sweep-y-field", "batch_size")


def long_grid(page: Any) -> None:
    """Start a sweep of as many cells as there may be, which is not over before it is stopped."""
    grid(page)
    page.fill("#sweep-x-values", "0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008")
    page.fill("#sweep-y-values", "1, 2, 3, 4, 5, 6, 7, 8")
    clicks("#start-sweep")(page)


HEADING = "document.querySelector('#part-numbers:not([hidden]) h3')?.textContent ?? null"
ENTRY = "document.querySelector('.entries [aria-current]')?.id ?? null"
FOCUS = "document.activeElement.id"
LESSON = "document.querySelector('#lesson:not([hidden]) h3')?.textContent ?? null"
PRESSED = "[...document.querySelectorAll('[aria-pressed=true]')].map((each) => each.id).join()"
NUMBERS = "document.querySelector('#part-numbers').textContent"
VALUES = "[...document.querySelectorAll('#part-compare input, #part-compare select')].map((each) => each.value).join()"
DOWNLOADS = "window.downloads ?? 0"

CONTROLS: dict[str, Callable[..., Control]] = {
    r"skip": lambda: shown(FOCUS, only="keys"),  # it is out of sight until it has the focus
    r"reset": lambda: does(lambda e: e.timeline.step > 0, before="#batch"),
    r"play": lambda: does(lambda e: e.playing),
    r"epoch": lambda: does(lambda e: e.timeline.epoch),
    r"batch": lambda: does(lambda e: e.timeline.step),
    r"back": lambda: shown(ENTRY, before="#forward #forward #forward"),
    r"forward": lambda: shown(ENTRY),
    r"rewind": lambda: does(lambda e: e.timeline.step, before="#epoch"),
    r"speed": lambda: does(lambda e: e.speed),
    r"lessons": lambda: shown(LESSON),
    r"share": lambda: Control(
        lambda e, page: page.evaluate("navigator.clipboard.readText()"),
        lambda page: page.evaluate("navigator.clipboard.writeText('')"),
    ),
    r"theme": lambda: shown("document.documentElement.dataset.theme"),
    r"language": lambda: shown("document.documentElement.lang"),
    r"help|close-help": lambda: shown("document.querySelector('#dialog').open"),
    r"kind-(.+)": lambda kind: Control(
        setting("data.kind").effect, clicks("[for=kind-xor]" if kind != "xor" else "[for=kind-spiral]"), sets=True
    ),
    r"data-(.+)": lambda name: setting(f"data.{name}"),
    r"feature-(.+)": lambda name: field("data.features"),
    r"new-data": lambda: field("data.seed"),
    r"draw": lambda: shown(PRESSED),
    r"upload": lambda: does(lambda e: list(e.tables)),
    r"main-rate": lambda: setting("optimizer.learning_rate"),
    r"main-(optimizer|loss)": lambda name: setting(f"{name}.type"),
    r"(batch_size|epochs|seed)": setting,
    r"more-summary": lambda: shown("document.querySelector('#more').open"),
    r"(loss|optimizer)-all-(.+)": lambda family, name: setting(f"{family}.{name}"),
    r"(schedule|penalty)-(.+)": lambda family, name: setting(f"{family}.{name}"),
    r"initializer-(.+)": lambda name: setting(f"network.initializer.{name}"),
    r"output-activation-(.+)": lambda name: setting(f"network.output_activation.{name}"),
    r"stop-(?!sweep)(.+)": lambda name: setting(f"stop.{name}"),
    r"layer-(\d)-(?:fewer|further)": width,
    r"layer-(\d)-settings": lambda layer: shown(f"document.querySelector('#layer-{layer}-details').open"),
    r"layer-(\d)-remove": lambda layer: does(hidden),
    r"layer-(\d)-(.+)": of_layer,
    r"add-layer": lambda: does(hidden),
    r"neuron-(\d+)-(\d+)": lambda layer, neuron: shown(HEADING, before="#tab-compare"),
    r"neuron--1-(\d+)": lambda neuron: Control(
        lambda e, page: page.is_visible("#beside"),
        lambda page: (page.mouse.move(2, 400), page.evaluate("document.activeElement.blur()")),
    ),
    r"edge-(\d+)-(\d+)-(\d+)": lambda *where: shown(HEADING, before="#tab-compare"),
    r"points": lambda: field("data.points"),
    r"brush-(.+)": lambda target: shown(PRESSED, before="#brush-0" if target != "0" else "#brush-1"),
    r"clear-points": lambda: does(lambda e: len(e.run.rows.X)),
    r"show-test": lambda: checked("points"),
    r"logarithmic": lambda: checked("curve"),
    r"axis-\d": lambda: field("view.columns"),
    r"view-plane": lambda: setting("view.plane"),
    r"curve": lambda: shown("document.querySelector('.reading').textContent"),
    r"confusion-summary": lambda: shown("document.querySelector('#confusion').open"),
    r"tab-(.+)": lambda name: shown(
        f"document.querySelector('#part-{name}').hidden", before="#tab-doctor" if name != "doctor" else "#tab-ledger"
    ),
    r"edit": lambda: does(lambda e: float(e.timeline.network.named_parameters["0.weight"][1, 2])),
    r"cut|freeze": lambda: does(lambda e: len(e.timeline.edits)),
    r"neuron-row": lambda: shown(NUMBERS),
    r"weight-(.+)": lambda at: shown(HEADING, before="#neuron-1-0"),
    r"entry-(\d+)": lambda index: shown(ENTRY, before="#entry-0" if index != "0" else "#entry-1"),
    r"cells": lambda: Control(
        lambda e, page: page.evaluate("document.querySelector('#cells').scrollTop"),
        lambda page: (clicks("#entry-0")(page), page.evaluate("document.querySelector('#cells').scrollTop = 0")),
    ),
    r"open-step": lambda: shown(ENTRY),
    r"check-gradients": lambda: shown("document.querySelector('#gradient-check').textContent"),
    r"diagnose": lambda: Control(
        lambda e, page: page.text_content("#part-doctor .hint"),
        lambda page: page.evaluate("document.querySelector('#part-doctor .hint').replaceChildren()"),
    ),
    r"finding-\d+-(.+)": lambda neuron: shown(FOCUS, before="#tab-doctor"),
    r"keep-run|drop-\d": lambda: does(lambda e: len(e.kept)),
    r"restore-\d": lambda: does(lambda e: e.timeline.step > 0, before="#batch"),
    r"sweep-[xy]-(?:field|values)": lambda: shown(VALUES),
    r"start-sweep": lambda: Control(lambda e, page: id(e.sweep), grid),
    r"stop-sweep": lambda: Control(lambda e, page: e.sweep is not None and e.sweep.running, long_grid),
    r"take-(.+)": lambda name: shown(DOWNLOADS),
    r"lesson-(?:back|next|leave)": lambda: shown(LESSON),
}


def control_of(name: str) -> Control:
    """Return what the control of this id does; `LookupError` for one that the table does not know."""
    for pattern, make in CONTROLS.items():
        found = re.fullmatch(pattern, name)
        if found:
            return make(*found.groups())
    raise LookupError(f"no test says what the control #{name} does: add it to CONTROLS")
