"""Every control of the page does what it is for, by mouse and by keyboard; the page itself says which there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import pellucid
from pellucid.model import save
from pellucid.playground import Experiment
from pellucid.playground.configuration import DEFAULT
from tests.playground.conftest import PATIENCE, until
from tests.playground.controls import Control, clicks, control_of

LISTED = """
() => [...document.querySelectorAll("body *")].filter((each) => {
  if (!each.checkVisibility() || each.disabled || each.closest("[inert]")) return false;
  if (document.querySelector("dialog[open]") && !each.closest("dialog")) return false;
  if (each.id === "points" && each.tabIndex < 0) return false; // a picture while nothing is drawn
  if (["tablist", "group"].includes(each.role)) return false; // these hear the keys of what is in them
  const worked = each.matches("a, button, input, select, textarea, summary, [role=button], [role=slider]");
  return worked || each.tabIndex >= 0 || each.heard;
}).map((each) => each.id || each.outerHTML.slice(0, 80))
"""
# Where the focus is, and whether one sees it: a ring around the control, or around what stands for it.
FOCUSED = """
() => {
  const each = document.activeElement;
  if (each === document.body) return null;
  const ring = (one) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && !outlineColor.endsWith(", 0)");
  };
  const stroke = () => each instanceof SVGElement && parseFloat(getComputedStyle(each).strokeOpacity) >= 0.5;
  const parts = [each, each.nextElementSibling, each.closest("label")].filter(Boolean);
  return { id: each.id, ringed: parts.some(ring) || stroke() };
}
"""
KIND = """
(id) => {
  const each = document.getElementById(id);
  if (each.matches("input")) return each.type;
  return each.matches("select, canvas") ? each.localName : each.matches("#cells, [role=img]") ? "area" : "button";
}
"""
# A value that the control takes and has not.
ANOTHER = """
(id) => {
  const each = document.getElementById(id);
  if (each.localName === "select") return each.options[(each.selectedIndex + 1) % each.options.length].value;
  const formula = each.value.includes("<") ? "x1 + x2 > 1" : "x1 * x2 < 1";
  if (each.type !== "number") return id === "data-formula" ? formula : "0.25, 0.75";
  const old = Number(each.value);
  const tried = each.cloneNode();
  const whole = [old + 1, old - 1, old + 10];
  for (const value of each.step === "1" ? whole : [old / 2, 0.25, 0.5, old + 0.5, 1.5, ...whole]) {
    tried.value = value;
    if (value !== old && tried.checkValidity()) return String(value);
  }
}
"""


class Hands:
    """A pair of hands at the page, a mouse in one of them."""

    def __init__(self, page: Any, files: Path) -> None:
        self.page, self.files = page, files

    def mouse(self, name: str) -> None:
        page, kind = self.page, self.page.evaluate(KIND, name)
        page.mouse.move(2, 400)  # so that it comes to the control, wherever it was
        box = page.locator(f"[id='{name}']")
        if kind == "select":
            box.click()
            page.keyboard.press("Escape")
            box.select_option(page.evaluate(ANOTHER, name))
        elif kind in ("number", "text"):
            value = page.evaluate(ANOTHER, name)
            box.click(click_count=3)
            page.keyboard.type(value)
            page.mouse.click(2, 400)  # beside everything: the value is taken
        elif kind == "range":
            size = box.bounding_box()
            middle = size["width"] * (
                0.3 if float(box.input_value()) > float(box.get_attribute("max") or 1) / 2 else 0.7
            )
            box.click(position={"x": middle, "y": size["height"] / 2})
        elif kind == "file":
            with page.expect_file_chooser() as chooser:
                page.click(f"label[for={name}]")
            chooser.value.set_files(self.table("mouse"))
        elif kind == "radio":
            page.click(f"label[for={name}]")
        elif kind == "canvas":
            box.click(position={"x": 30, "y": 30})
        elif kind == "area":
            box.hover()
            if name == "cells":  # the others would be scrolled away from under the mouse
                page.mouse.wheel(0, 200)
        elif name.startswith("edge-"):
            place = page.evaluate(ON_EDGE, name)
            assert place, "every part of it lies under others"
            page.mouse.click(*place)
        else:
            box.click()

    def keys(self, name: str) -> None:
        page, kind = self.page, self.page.evaluate(KIND, name)
        self.walk_to(name, kind)
        press = page.keyboard.press
        if kind in ("number", "text"):
            value = page.evaluate(ANOTHER, name)
            press("Control+a")
            page.keyboard.type(value)
            press("Enter")
        elif kind == "select":
            options = page.locator(f"[id='{name}'] option").all()
            chosen = page.evaluate("id => document.getElementById(id).selectedIndex", name)
            press("ArrowUp" if chosen == len(options) - 1 else "ArrowDown")
        elif kind == "range":
            box = page.locator(f"[id='{name}']")
            press("ArrowLeft" if float(box.input_value()) > float(box.get_attribute("min") or 0) else "ArrowRight")
        elif kind == "file":
            with page.expect_file_chooser() as chooser:
                press("Space")
            chooser.value.set_files(self.table("keys"))
        elif kind == "checkbox":
            press("Space")
        elif kind == "canvas":
            press("ArrowLeft")
            press("Enter")
        elif kind == "area":
            press("ArrowDown")
        elif kind == "button" and not name.startswith("tab-"):
            press("Enter")

    def walk_to(self, name: str, kind: str) -> None:
        """Go to a control as the Tab key does; what shares a stop with others is reached by arrows from there."""
        page = self.page
        if kind == "radio":
            page.evaluate("document.querySelector('[name=kind]:checked').focus()")
        elif name.startswith("tab-"):
            page.evaluate("document.querySelector('[role=tab][tabindex=\"0\"]').focus()")
        elif name.startswith("edge-"):
            page.evaluate("document.querySelector('.touch[tabindex=\"0\"]').focus()")
        else:
            page.evaluate("id => document.getElementById(id).focus()", name)
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
        for _ in range(400 if name.startswith("edge-") else 40):
            if page.evaluate("document.activeElement.id") == name:
                return
            page.keyboard.press(page.evaluate(TOWARD, name) if name.startswith("edge-") else "ArrowRight")
            page.wait_for_timeout(10 if name.startswith("edge-") else 60)
        raise AssertionError(f"#{name} is not reached by keyboard")

    def table(self, name: str) -> Path:
        path = self.files / f"{name}.csv"
        sizes = {
            "width": [i % 7 for i in range(60)],
            "height": [i % 11 for i in range(60)],
            "weight": [i % 5 for i in range(60)],
        }
        pl.DataFrame({**sizes, "kind": ["plum", "pear", "fig"] * 20}).write_csv(path)
        return path


# Whether the page shows the configuration that the experiment has: what a hand did may still be under way to it.
FOLLOWED = """
async (wanted) => {
  const { latest } = await import("/static/state.js");
  return JSON.stringify(latest.experiment.configuration) === JSON.stringify(wanted);
}
"""
ON_EDGE = """
(id) => {
  const path = document.getElementById(id);
  path.scrollIntoView({ block: "center" });
  const [length, onScreen] = [path.getTotalLength(), path.getScreenCTM()];
  const place = (_, at) => path.getPointAtLength((length * (at + 1)) / 41).matrixTransform(onScreen);
  const places = Array.from({ length: 40 }, place);
  const free = places.find(({ x, y }) => document.elementFromPoint(x, y) === path);
  return free ? [free.x, free.y] : null;
}
"""
TOWARD = """
(id) => {
  const all = [...document.querySelectorAll(".touch")];
  return all.indexOf(document.getElementById(id)) > all.indexOf(document.activeElement) ? "ArrowDown" : "ArrowUp";
}
"""


def reload(page: Any) -> None:
    """Load the page without what its address holds, which would set the experiment back."""
    page.evaluate("history.replaceState(null, '', '/')")
    page.reload()


def opens_a_table(page: Any, experiment: Experiment, files: Path) -> None:
    page.set_input_files("#upload", Hands(page, files).table("fruit"))
    page.wait_for_selector("#view-plane")
    page.click("#confusion-summary")


def opens_a_model(page: Any, experiment: Experiment, files: Path) -> None:
    table = Hands(page, files).table("fruit")
    rows = pl.read_csv(table)
    options = {"members": 1, "epochs": 1, "hidden_layer_sizes": (4,), "random_state": 0}
    save(
        pellucid.TabularClassifier(**options).fit(rows.drop("kind"), rows["kind"]), files / "a.pellucid", overwrite=True
    )
    page.set_input_files("#upload", table)
    page.wait_for_selector("#view-plane")
    page.set_input_files("#upload", files / "a.pellucid")
    page.wait_for_selector("#kind-model:checked", state="attached")


def sees_the_doctor(page: Any, experiment: Experiment, files: Path) -> None:
    """A table whose second column never changes, and a network whose neurons all begin alike."""
    points = [[i / 10 - 3, 1.0, i % 2] for i in range(60)]
    data = {"kind": "points", "points": points}
    experiment.begin(DEFAULT.changed(data=data, network={"initializer": {"type": "Constant", "value": 0.5}}))
    reload(page)
    until(page, "document.querySelector('#kind-points')?.checked")
    clicks("#tab-doctor")(page)
    page.wait_for_selector(".finding button")


def opens_a_step(page: Any, experiment: Experiment, files: Path) -> None:
    """A step of more rows than are seen at once."""
    experiment.begin(DEFAULT.changed(batch_size=30))
    reload(page)
    until(page, "document.querySelector('#batch_size')?.value === '30'")
    clicks("#forward")(page)


Scene = Callable[[Any, Experiment, Path], None]


def pressing(selectors: str) -> Scene:
    return lambda page, experiment, files: clicks(selectors)(page)


def choosing(**options: str) -> Scene:
    """Return what opens all settings and chooses from lists."""

    def choose(page: Any, experiment: Experiment, files: Path) -> None:
        page.click("#more-summary")
        for name, option in options.items():
            page.select_option(f"#{name.replace('_', '-')}", option)
            page.wait_for_timeout(150)

    return choose


SCENES: dict[str, Scene] = {
    "the page as it opens": pressing(""),
    "all settings": pressing("#more-summary #layer-1-settings"),
    "settings of others": choosing(
        main_optimizer="Adam", schedule_type="OneCycle", initializer_type="Normal", loss_all_type="BinaryFocal"
    ),
    "a formula": pressing("[for=kind-formula]"),
    "drawing": pressing("#draw"),
    "a table": opens_a_table,
    "a model": opens_a_model,
    "a neuron": pressing("#neuron-1-0"),
    "a weight": pressing("#neuron-1-2 #weight-1-2"),
    "a step": opens_a_step,
    "before a step": pressing("#tab-ledger"),
    "the doctor": sees_the_doctor,
    "kept runs": pressing("#tab-compare #keep-run #keep-run"),
    "taking out": pressing("#tab-take_out"),
    "a lesson": pressing("#lessons #lesson-next"),
    "the keys": pressing("#help"),
}


class Stage:
    """A scene, and the page in it: which controls it adds to those of the page as it opens."""

    def __init__(self, page: Any, experiment: Experiment, files: Path, scene: str) -> None:
        self.page, self.experiment, self.files, self.scene = page, experiment, files, scene
        self.begin()
        first = [] if scene == next(iter(SCENES)) else page.evaluate(LISTED)
        self.set()
        gone = ["kind-points"]  # once another kind is chosen: to choose it there must be another
        self.names = [name for name in page.evaluate(LISTED) if name not in [*first, *gone]]
        assert self.names

    def begin(self) -> None:
        self.experiment.kept.clear()
        self.experiment.begin(DEFAULT)
        self.page.evaluate(
            "() => { localStorage.clear(); sessionStorage.clear(); history.replaceState(null, '', '/') }"
        )
        self.page.reload()
        until(self.page, "location.hash.length > 20")

    def set(self) -> None:
        SCENES[self.scene](self.page, self.experiment, self.files)
        steady(self.page.evaluate, LISTED)

    def mend(self) -> None:
        """Set the scene anew where a control was taken away by the one before."""
        if self.experiment.playing:
            self.page.click("#play[aria-pressed=true]")
        until(self.page, FOLLOWED, self.experiment.configuration.to_json())
        if not any(name.endswith("-remove") for name in self.names):
            self.page.evaluate("document.querySelectorAll('.layer-settings').forEach((each) => (each.open = false))")
        if set(self.names) <= set(self.page.evaluate(LISTED)):
            return
        self.begin()
        self.set()


@pytest.fixture(params=list(SCENES))
def stage(request: Any, page: Any, experiment: Experiment, tmp_path: Path) -> Stage:
    return Stage(page, experiment, tmp_path, request.param)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["mouse", "keys"])
def test_each_control_does_what_it_is_for(stage: Stage, by: str) -> None:
    from playwright.sync_api import Error

    page, hands, wrong = stage.page, Hands(stage.page, stage.files), []
    edges = [name for name in stage.names if name.startswith("edge-")]
    if len(edges) > 20:  # a model has hundreds, of which a mouse reaches those that do not lie under others
        free = [name for name in edges if by == "keys" or page.evaluate(ON_EDGE, name)]
        assert free
        edges = [free[0], free[-1]]
    for name in stage.names:
        control = control_of(name)
        if name.startswith("edge-") and name not in edges:
            continue
        if control.only not in ("", by):
            continue
        stage.mend()
        page.evaluate("document.querySelector('#notice').hidden = true")
        control.before(page)
        was = steady(control.effect, stage.experiment, page)
        try:
            getattr(hands, by)(name)
        except (AssertionError, Error) as problem:
            wrong.append(f"#{name}: {problem!s:.300}")
            continue
        now = changed(control, was, stage)
        if now == was:
            wrong.append(f"#{name} has no effect: {was!r:.60}")
        elif control.sets and not agree(page, name, now):
            wrong.append(f"#{name} has set {now!r:.60}")
        elif page.is_visible("#notice.bad"):
            wrong.append(f"#{name}: {page.text_content('#notice')}")
    assert not wrong, "\n".join(wrong)


def steady(look: Callable[..., Any], *at: Any) -> Any:
    """Return what is seen once it stays the same for a while: all that was done before has had its effect."""
    found, since = look(*at), time.monotonic()
    while time.monotonic() < since + 0.3:
        now = look(*at)
        if now != found:
            found, since = now, time.monotonic()
    return found


def changed(control: Control, was: Any, stage: Stage) -> Any:
    """Return what the effect has become, after a wait for it to be another."""
    end = time.monotonic() + PATIENCE
    while (now := control.effect(stage.experiment, stage.page)) == was and time.monotonic() < end:
        stage.page.wait_for_timeout(30)
    return now


def agree(page: Any, name: str, value: Any) -> bool:
    """Return whether the control shows the value that the experiment has, before long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        kind = page.evaluate(KIND, name)
        shown = page.evaluate("id => document.getElementById(id).value", name)
        if kind == "checkbox":
            shown = page.is_checked(f"[id='{name}']")
        if shown == value or (isinstance(value, int | float) and shown != "" and float(shown) == value):
            return True
        page.wait_for_timeout(30)
    return False


def test_the_tab_key_goes_to_each_control_and_one_sees_where_it_is(stage: Stage) -> None:
    page = stage.page
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0) }")
    seen: dict[str, bool] = {}
    for _ in range(250):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is not None and at["id"] in seen:
            break
        if at is not None:
            seen[at["id"]] = at["ringed"]
    assert [name for name, ringed in seen.items() if not ringed] == []
    sharing = page.evaluate(
        "names => names.filter((id) => document.getElementById(id).matches('[type=radio], [role=tab], .touch'))",
        stage.names,
    )
    assert set(stage.names) - set(seen) - set(sharing) == set()


def test_each_control_has_a_name_for_those_who_do_not_see_it(stage: Stage) -> None:
    session = stage.page.context.new_cdp_session(stage.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"]
        and any(each["name"] == "focusable" and each["value"]["value"] for each in node.get("properties", []))
        and not node["name"]["value"].strip()
    ]
    assert len(nodes) > 20 and nameless == []
