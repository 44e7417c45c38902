"""The browser in which the page is tested: Debian's Chromium, or the one that Playwright installs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pellucid.playground import Experiment

HEARD = """
const add = EventTarget.prototype.addEventListener;
EventTarget.prototype.addEventListener = function (type, ...rest) {
  if (["click", "pointerdown", "mousedown", "keydown"].includes(type) && this instanceof Element) this.heard = true;
  return add.call(this, type, ...rest);
};
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  window.downloads = (window.downloads ?? 0) + 1;
  return make.call(URL, blob);
};
"""  # each element remembers whether it listens to a hand, and the page how many files it gave


PATIENCE = 60  # seconds until a test gives up: far above what any answer takes, also where other tests have the cores


def wait(holds: Callable[[], Any], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.03)


def until(page: Any, expression: str, argument: Any = None) -> None:
    """Wait in Python: the page's policy forbids the browser's own waiting, which evaluates text."""
    wait(lambda: page.evaluate(expression, argument), expression)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser; `make test` installs one where it can."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no page is tested")
    with playwright.sync_playwright() as started:
        own = started.chromium.executable_path
        path = shutil.which("chromium") or (own if Path(own).exists() else None)
        if path is None:
            pytest.skip("there is no chromium: no page is tested")
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def experiment() -> Experiment:
    """What the page's server works on."""
    return Experiment()


@pytest.fixture
def page(browser: Any, experiment: Experiment) -> Iterator[Any]:
    """The page, served; it may say nothing to the console and ask nothing of another address."""
    pytest.importorskip("uvicorn")
    import uvicorn

    from pellucid.playground.server import Server, bound_socket

    with bound_socket(0) as listening:
        port = listening.getsockname()[1]
        made = Server(lambda: experiment, port)
        running = uvicorn.Server(uvicorn.Config(made.gate, log_level="error", ws="websockets-sansio", lifespan="on"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.add_init_script(HEARD)
        shown = context.new_page()
        shown.set_default_timeout(1000 * PATIENCE)
        shown.on("filechooser", lambda chooser: None)  # from the first on, choosers come to the test
        wrong: list[str] = []
        shown.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        shown.on("request", lambda sent: wrong.append(sent.url) if f"//127.0.0.1:{port}/" not in sent.url else None)
        shown.goto(made.link)
        until(shown, "location.hash.length > 20")  # all of the first state has come
        yield shown
        context.close()
        running.should_exit = True
        thread.join(10)
        assert wrong == []
