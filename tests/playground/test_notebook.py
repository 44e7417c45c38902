"""The widget in a real JupyterLab, where one is installed: a cell is run, and a network learns in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: the widget is tested with a stand-in only")
pytest.importorskip("anywidget")
from tests.playground.conftest import PATIENCE

pytestmark = pytest.mark.slow

CODE = 'from pellucid.playground import Experiment, Widget\nwidget = Widget(Experiment(data={"kind": "xor"}))\nwidget'
SHOWN = "widget.experiment.configuration.data['kind'], widget.experiment.timeline.epoch > 0"


def until(found: Callable[[], Any]) -> Any:
    """Wait for something that is found, and return it."""
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return value


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab with a dark theme, which serves a notebook of two cells."""
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for name, source in (("first", CODE), ("second", SHOWN))
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "learning.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}', encoding="utf-8")
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    own = {name: str(tmp_path / folder) for name, folder in folders.items()}
    own["JUPYTERLAB_WORKSPACES_DIR"] = str(tmp_path / "workspaces")
    own["PYTHONPATH"] = os.pathsep.join(str(Path(each).absolute()) for each in sys.path if each)  # the kernel's too
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={tmp_path}", "--allow-root"]
    with subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        place = until(lambda: next((tmp_path / "runtime").glob("jpserver-*.json"), None))
        server = json.loads(until(lambda: place.read_text(encoding="utf-8")))
        yield f"{server['url']}lab/tree/learning.ipynb?token={server['token']}"
        process.terminate()


def test_a_network_learns_in_a_cell(laboratory: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1500, "height": 1200}, locale="en-US")
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(laboratory)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=1000 * PATIENCE)
    cells = page.locator(".jp-Notebook .jp-CodeCell")

    def run_first() -> bool:
        """Run the first cell; what is asked of a kernel that is only just starting is forgotten."""
        cells.first.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(3000)
        return bool(cells.first.locator(".jp-InputPrompt").first.inner_text() != "[ ]:")

    until(run_first)
    shown = page.frame_locator("iframe[title='Pellucid playground']")
    shown.locator("#neuron-1-0").wait_for(timeout=1000 * PATIENCE)
    assert shown.locator("html").get_attribute("data-theme") == "dark"
    assert shown.locator("#kind-xor:checked").count() == 1
    shown.locator("#play").click()
    until(lambda: int(shown.locator("#clock").text_content().split()[0]) >= 3)
    cells.nth(1).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")  # a cell that runs meanwhile
    until(lambda: "('xor', True)" in cells.nth(1).locator(".jp-OutputArea").inner_text())
    shown.locator("#play").click()
    shown.locator("#play[aria-pressed=false]").wait_for()
    page.close()
    assert wrong == []
