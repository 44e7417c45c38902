"""What the doctor finds stands at the neurons concerned: as a sign, in words beside it, and for a screen reader."""

from __future__ import annotations

from typing import Any

from pellucid.playground import Experiment
from tests.playground.conftest import until

ALIKE = {"hidden": [{"width": 3}, {"width": 2}], "initializer": {"type": "Constant", "value": 0.5}}


def marked(page: Any) -> dict[str, str]:
    """Return what a screen reader says of each neuron with a sign."""
    concerned = "[...document.querySelectorAll('.concerned')]"
    return page.evaluate(f"Object.fromEntries({concerned}.map((each) => [each.id, each.ariaDescription]))")


def diagnosed(experiment: Experiment, page: Any, **sections: Any) -> list[dict[str, Any]]:
    """Begin anew with these sections, open the doctor's part, and return what the library finds."""
    experiment.begin(experiment.configuration.changed(**sections))
    found = Experiment(**sections).do({"command": "diagnose"})["findings"]
    page.evaluate("history.replaceState(null, '', '/')")
    page.reload()
    until(page, "location.hash.length > 20")
    page.click("#tab-doctor")
    until(page, "n => document.querySelectorAll('.finding').length === n", len(found))
    return found


def test_a_finding_stands_at_the_neurons_that_it_names(page: Any, experiment: Experiment) -> None:
    found = diagnosed(experiment, page, network=ALIKE)
    alike = {each["layer"]: each for each in found if each["name"] == "symmetric neurons"}
    assert set(alike) == {"0", "2"}
    said = marked(page)
    for layer, shown in (("0", 1), ("2", 3)):  # a column shows the activation after its Dense
        for neuron in alike[layer]["neurons"]:
            assert alike[layer]["explanation"] in said[f"neuron-{shown}-{neuron}"]


def test_the_words_stand_beside_a_neuron_that_is_looked_at(page: Any, experiment: Experiment) -> None:
    found = diagnosed(experiment, page, network=ALIKE)
    words = next(each["explanation"] for each in found if each["name"] == "symmetric neurons" and each["layer"] == "0")
    assert not page.is_visible("#beside")
    page.hover("#neuron-1-0")
    assert words in page.text_content("#beside")
    beside, neuron = page.locator("#beside").bounding_box(), page.locator("#neuron-1-0").bounding_box()
    assert neuron["x"] + neuron["width"] < beside["x"] < neuron["x"] + neuron["width"] + 20
    page.keyboard.press("Escape")
    assert not page.is_visible("#beside")
    page.focus("#diagnose")
    page.locator("[id^=finding-][id$='neuron-1-1']").first.press("Enter")
    assert page.evaluate("document.activeElement.id") == "neuron-1-1" and words in page.text_content("#beside")
    page.keyboard.press("Enter")  # and from there on to its numbers
    until(page, "document.querySelector('#part-numbers:not([hidden]) h3')?.textContent.includes('2')")
    assert "neuron-1-1" in marked(page)


def test_a_finding_of_a_column_stands_at_the_input(page: Any, experiment: Experiment) -> None:
    points = [[i / 10 - 3, 1.0, i % 2] for i in range(60)]
    found = diagnosed(experiment, page, data={"kind": "points", "points": points})
    constant = next(each for each in found if each["name"] == "constant columns")
    assert constant["columns"] == ["x2"] and constant["explanation"] in marked(page)["neuron--1-1"]
    page.focus("#neuron--1-1")
    assert constant["explanation"] in page.text_content("#beside")


def test_signs_go_when_the_network_has_become_another(page: Any, experiment: Experiment) -> None:
    diagnosed(experiment, page, network=ALIKE)
    assert "neuron-1-0" in marked(page)
    page.click("#tab-numbers")
    page.click("#epoch")
    until(page, "document.querySelector('#clock').textContent === '1'")
    assert marked(page) == {}
    page.click("#tab-doctor")
    until(page, "document.querySelectorAll('.concerned').length > 0")  # they are still alike
