"""``pellucid playground``: what it refuses before it serves, and what it prints and opens."""

from __future__ import annotations

import re
import socket
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from pellucid.playground.server import Server


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What would have been served and opened."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(Server, "serve", lambda self, listening: found.update(address=listening.getsockname()))
    monkeypatch.setattr(webbrowser, "open", lambda link: found.update(opened=link))
    return found


def test_it_serves_the_loopback_address_and_opens_the_link_that_it_prints(
    pellucid: Any, served: dict[str, Any]
) -> None:
    ended = pellucid("playground")
    link = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S{43}", ended.out)
    assert ended.code == 0 and link is not None
    assert served == {"opened": link[0], "address": ("127.0.0.1", int(link[1]))}


def test_a_table_is_learned_and_no_browser_opened(pellucid: Any, fruit: Path, served: dict[str, Any]) -> None:
    ended = pellucid("playground", fruit, "--target", "kind", "--no-browser")
    assert ended.code == 0 and "opened" not in served


def test_a_model_is_opened_on_a_table(pellucid: Any, fruit: Path, model: Path, served: dict[str, Any]) -> None:
    assert pellucid("playground", model.name, fruit.name).code == 0 and served.pop("opened")
    served.clear()
    pellucid("playground", model.name).says(2, "DATA after a model")
    pellucid("playground", model.name, fruit.name, "--target", "kind").says(2, "--target")
    pellucid("playground", fruit.name, fruit.name).says(1, "model file")
    assert not served


def test_what_cannot_be_served_is_one_line(pellucid: Any, fruit: Path, served: dict[str, Any]) -> None:
    pellucid("playground", fruit).says(2, "--target")
    pellucid("playground", "--target", "kind").says(2, "DATA")
    pellucid("playground", fruit, "--target", "knd").says(1, "'kind'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        pellucid("playground", "--port", taken.getsockname()[1]).says(1, "--port")
    assert not served
