"""Ten minutes of training before one's eyes take no more memory than the first: neither the server's nor the page's."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pellucid.playground import Experiment
from pellucid.playground.curve import MOST_ROWS
from pellucid.playground.timeline import MOST_CHECKPOINTS

pytest.importorskip("uvicorn")
MINUTE = 60.0
FRAMES = 30  # a second, at most
ROW = 56
"""Bytes of a row of the curve in the page, an array of three doubles: the smallest part of a frame that could be kept
by mistake. Growth by less than this for each frame means that no part of any frame is kept."""


def resident(process: int) -> int:
    """Return the bytes of a process's memory that no file stands behind: what it has allocated and touched."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def in_page(session: Any) -> int:
    """Return the bytes that live in the page's heap, rubbish having been thrown out."""
    session.send("HeapProfiler.collectGarbage")
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(int(each["value"]) for each in metrics if each["name"] == "JSHeapUsedSize")


def checkpoints() -> int:
    """Return the bytes of all the checkpoints that the server keeps to rewind to."""
    return MOST_CHECKPOINTS * len(pickle.dumps(Experiment().timeline._checkpoint()))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_minutes_of_training_take_no_more_memory(browser: Any) -> None:
    command = [sys.executable, "-m", "pellucid.cli", "playground", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(server.stdout.readline().split()[-1])
            page.wait_for_selector("#neuron-1-3")
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable")
            page.select_option("#speed", index=3)  # 200 epochs a second: checkpoints are thinned many times over
            page.click("#play")
            time.sleep(2 * MOST_ROWS / FRAMES)  # the curve is full, and the browser has compiled what it will
            before = [resident(server.pid), in_page(session)]
            epochs = []
            for _ in range(10):
                time.sleep(MINUTE)
                epochs.append(int(page.text_content("#clock").split("+")[0].replace(" ", "")))
            after = [resident(server.pid), in_page(session)]
            page.close()
        finally:
            server.terminate()
    grown = [end - start for start, end in zip(before, after, strict=True)]
    print(f"epochs {epochs[-1]:,}; server {before[0]:,} {grown[0]:+,} bytes; page {before[1]:,} {grown[1]:+,} bytes")
    assert epochs == sorted(set(epochs)), "training stood still"
    kept = 10 * MINUTE * FRAMES * ROW
    assert grown[0] < kept + checkpoints()
    assert grown[1] < kept
