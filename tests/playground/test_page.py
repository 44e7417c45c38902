"""The page in a real browser: its controls, its numbers against the library's, its link, and its requests."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import zlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import pellucid.playground
from pellucid.layers import ActivationLayer
from pellucid.model import save
from pellucid.playground import Experiment
from pellucid.playground.configuration import DEFAULT
from pellucid.playground.state import encode
from tests.playground.conftest import until, wait

pytest.importorskip("uvicorn")
STATIC = Path(pellucid.playground.__file__).parent / "static"
LARGEST = 120_000  # bytes, compressed


def test_the_page_stays_small() -> None:
    assert sum(len(gzip.compress(path.read_bytes())) for path in STATIC.iterdir()) <= LARGEST


def test_every_module_is_fetched_at_once_not_one_after_another() -> None:
    named = set(re.findall(r'(?:href|src)="/static/(\w+\.js)"', (STATIC / "index.html").read_text(encoding="utf-8")))
    assert named == {path.name for path in STATIC.glob("*.js")} - {"widget.js"}


def test_losses_and_slopes_on_the_page_are_the_librarys(page: Any) -> None:
    experiment = Experiment()
    for _ in range(3):
        page.click("#batch")
    until(page, "document.querySelector('#clock').textContent.includes('3')")
    told = experiment.do({"command": "step_batch", "count": 3, "id": 1})
    assert float(page.text_content("#train-loss")) == pytest.approx(told["train"]["loss"], rel=5e-4)  # four digits
    page.click("#neuron-1-2")
    page.click("#weight-1-2")
    weight = experiment.do({"command": "inspect_weight", "parameter": "0.weight", "at": [1, 2], "id": 2})
    page.wait_for_selector("#edit")
    assert weight["arithmetic"] in page.text_content("#part-numbers")
    assert weight["update"] in page.text_content("#part-numbers")


def test_every_operation_of_a_step_shows_the_librarys_arithmetic(page: Any) -> None:
    experiment = Experiment()
    entries = experiment.do({"command": "open_step", "id": 1})["entries"]
    page.click("#forward")
    for index in range(len(entries)):
        told = experiment.do({"command": "step_operation", "by": int(index > 0), "id": 2})
        page.wait_for_selector(f"#entry-{index}[aria-current]")
        shown = page.text_content("#part-ledger")
        assert all(text in shown for _, text in told["arithmetic"])
        page.keyboard.press("]")
    page.wait_for_selector("#entry-0[aria-current]")  # the step was taken, and the next one opened
    until(page, "document.querySelector('#clock').textContent.includes('+ 1')")


def test_keys_do_what_the_buttons_do(page: Any) -> None:
    page.keyboard.press("e")
    until(page, "document.querySelector('#clock').textContent === '1'")
    page.keyboard.press("r")
    until(page, "document.querySelector('#clock').textContent === '0'")
    page.keyboard.press("Space")
    page.wait_for_selector("#play[aria-pressed=true]")
    page.keyboard.press("Space")
    page.wait_for_selector("#play[aria-pressed=false]")
    page.keyboard.press("4")
    assert page.is_visible("#part-doctor")
    page.keyboard.press("?")
    assert page.is_visible("#dialog")


def test_a_press_outlives_the_rebuilding_of_what_is_pressed(page: Any, experiment: Experiment) -> None:
    """A number that was typed is taken when the mouse goes down elsewhere; the answer makes the controls anew."""

    def type_then_press(rate: str, selector: str) -> None:
        old, box = page.query_selector(selector), page.locator(selector).bounding_box()
        page.click("#main-rate", click_count=3)
        page.keyboard.type(rate)
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        until(page, "old => !old.isConnected", old)
        page.mouse.up()

    type_then_press("0.5", "#new-data")
    until(page, "document.querySelector('#main-rate').value === '0.5'")
    wait(lambda: experiment.configuration.data["seed"] == 1, "pressed in vain")
    type_then_press("0.25", "[for='feature-x1x2']")
    wait(lambda: "x1x2" in experiment.configuration.data["features"], "pressed in vain")
    with page.expect_file_chooser():
        type_then_press("0.125", "[for=upload]")
    page.focus("#new-data")
    page.keyboard.down("Space")
    page.evaluate("document.querySelector('#language').click()")
    page.keyboard.up("Space")
    wait(lambda: experiment.configuration.data["seed"] == 2, "pressed in vain")


def test_a_point_is_drawn_by_mouse_and_by_keyboard(page: Any) -> None:
    page.click("#draw")
    page.click("#points", position={"x": 8, "y": 8})
    page.wait_for_selector("#kind-points:checked", state="attached")
    page.focus("#points")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    until(
        page, "document.querySelector('.counts').textContent.match(/\\d+/g).map(Number).reduce((a, b) => a + b) === 502"
    )


def test_the_link_brings_back_the_run(page: Any, experiment: Experiment) -> None:
    def link() -> str:
        """Return what the page's address holds once it has followed the experiment."""
        held = f"#{experiment.do({'command': 'link'})['text']}"
        until(page, "held => location.hash === held", held)
        return held

    page.click("#layer-1-further")
    page.wait_for_selector("#neuron-1-4")
    page.click("#epoch")
    until(page, "document.querySelector('#clock').textContent === '1'")
    loss = page.text_content("#train-loss")
    first = link()
    page.click("#layer-1-fewer")
    page.wait_for_selector("#neuron-1-4", state="detached")
    assert link() != first
    page.evaluate("held => { location.hash = held }", first)
    page.wait_for_selector("#neuron-1-4")
    until(page, "loss => document.querySelector('#train-loss').textContent === loss", loss)


def test_a_saved_model_is_opened_after_a_table(page: Any, tmp_path: Path) -> None:
    table = pl.DataFrame({"size": [float(i % 7) for i in range(60)], "kind": ["plum", "pear", "plum"] * 20})
    options = {"members": 1, "epochs": 1, "hidden_layer_sizes": (70, 4), "random_state": 0}
    model = pellucid.TabularClassifier(**options).fit(table.drop("kind"), table["kind"])
    save(model, tmp_path / "a.pellucid")
    table.write_csv(tmp_path / "t.csv")
    page.set_input_files("#upload", tmp_path / "a.pellucid")
    page.wait_for_selector("#notice:not([hidden])")
    assert "size, kind" in page.text_content("#notice")
    page.set_input_files("#upload", tmp_path / "t.csv")
    page.wait_for_selector("#kind-model:checked", state="attached")
    assert page.locator("#graph .column-head").all_text_contents()[0] == "Inputs"
    activation = repr(next(each for each in model.network_.layers if isinstance(each, ActivationLayer)))
    assert f"16 / 70{activation.partition('(')[0]}" in page.locator("#graph .column-head").all_text_contents()
    assert not page.locator("#add-layer").count()
    page.locator("#graph .stage button.neuron[id$='-3']").last.click()
    until(page, "document.querySelectorAll('#part-numbers .weights button').length > 4")
    page.click("#tab-take_out")
    with page.expect_download() as downloading:
        page.click("#take-numpy")
    assert downloading.value.suggested_filename == "numpy.py"


def test_every_lesson_opens_in_both_languages(page: Any) -> None:
    page.click("#lessons")
    for index in range(12):
        until(page, f"document.querySelector('#lesson small')?.textContent.includes('{index + 1}')")
        page.wait_for_selector("#lesson h3")
        assert not page.is_visible("#notice")
        page.click("#language")
        if index < 11:
            page.click("#lesson-next")


def test_tooltips_and_the_link_speak_russian(page: Any) -> None:
    page.click("#language")
    until(page, "document.documentElement.lang === 'ru'")
    assert page.get_attribute("label[for=main-rate]", "title") == "Величина шага. Ожидается: число не меньше 0."
    assert page.text_content("#share") == "Ссылка" and "правки" in page.get_attribute("#share", "title")


def test_a_hundred_changed_links_do_the_page_no_harm(page: Any) -> None:
    dice = random.Random(0)
    junk = [
        None,
        -1,
        10**15,
        1e308,
        "",
        "<img src=x onerror=alert(1)>",
        [],
        {},
        [[]],
        True,
        ["x1", 7],
        {"type": "Tanh"},
    ]
    paths = [
        (name, key) for name, part in DEFAULT.to_json().items() for key in (part if isinstance(part, dict) else [""])
    ]
    for _ in range(100):
        sections = json.loads(json.dumps(DEFAULT.to_json()))
        for name, key in dice.sample(paths, dice.randint(1, 3)):
            if key and isinstance(sections[name], dict):
                sections[name][key] = dice.choice(junk)
            else:
                sections[name] = dice.choice(junk)
        content = {
            "version": 1,
            "configuration": sections,
            "edits": dice.choice([[], [{}], junk]),
            "step": dice.choice([0, 3]),
        }
        text = base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode().rstrip("=")
        page.evaluate(
            "text => { location.hash = text }", dice.choice([text, text, text[: dice.randint(1, 90)], "%" + text])
        )
    page.evaluate("text => { location.hash = text }", encode(DEFAULT, [], 0))
    until(
        page,
        "document.querySelectorAll('#neuron-1-3').length === 1 && document.querySelector('#clock').textContent === '0'",
    )
    page.click("#batch")
    until(page, "document.querySelector('#clock').textContent.includes('+ 1')")


def test_a_narrow_screen_needs_no_sideways_scrolling(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_model_file_that_the_page_gives_predicts_what_the_page_shows(page: Any, tmp_path: Path) -> None:
    experiment = Experiment()
    page.click("#epoch")
    until(page, "document.querySelector('#clock').textContent.includes('1')")
    experiment.do({"command": "step_epoch"})
    page.click("#tab-take_out")
    with page.expect_download() as downloading:
        page.click("#take-model_file")
    assert downloading.value.suggested_filename == "playground.pellucid"
    path = tmp_path / "playground.pellucid"
    downloading.value.save_as(path)
    rows = experiment.run.rows
    found = pellucid.load(path).predict(dict(zip(rows.inputs, rows.X.T, strict=True)))
    expected = experiment.run.loss.predict(experiment.run.network.predict(rows.X))[:, 0] > 0.5
    assert found.tolist() == expected.astype(int).tolist()
