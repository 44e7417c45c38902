"""The browser in which the page is tested: Debian's Chromium, or the one that Playwright installs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


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
