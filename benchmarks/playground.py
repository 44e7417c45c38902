"""The playground's page in Chromium: seconds to the first paint, and frames a second while training runs beneath.

``python benchmarks/playground.py`` starts ``pellucid playground`` in a process of its own, opens its link in a browser
that already runs, and prints a table. One start before them compiles the library's files, as installing does. A frame
counts when the page's clock shows another epoch at a redrawing of the screen; epochs are read off the same clock.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import sync_playwright

from pellucid.playground.configuration import DEFAULT
from pellucid.playground.state import encode

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
HIDDEN = [{"width": 8}, {"width": 8}]
COUNT = """
seconds => new Promise((resolve) => {
  const clock = document.querySelector("#clock");
  const epoch = () => Number(clock.value.split("+")[0].replace(/\\D/g, ""));
  const [began, first] = [performance.now(), epoch()];
  let [drawn, last, longest, at] = [0, first, 0, began];
  const look = (now) => {
    if (epoch() !== last) {
      longest = Math.max(longest, now - at);
      [drawn, last, at] = [drawn + 1, epoch(), now];
    }
    const passed = (performance.now() - began) / 1000;
    if (passed < seconds) requestAnimationFrame(look);
    else resolve([drawn / passed, longest, (last - first) / passed]);
  };
  requestAnimationFrame(look);
})
"""


def wait_for(page: Any, expression: str) -> None:
    while not page.evaluate(expression):
        time.sleep(0.005)


def measure(browser: Any, batch_size: int | None, seconds: float) -> list[str]:
    """Return a row of the table: a batch size, seconds to link, paint and network, frames, and epochs."""
    text = encode(DEFAULT.changed(network={"hidden": HIDDEN}, batch_size=batch_size), [], 0)
    began = time.time()
    command = [sys.executable, "-m", "pellucid.cli", "playground", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as server:
        assert server.stdout is not None
        link = server.stdout.readline().split()[-1]
        printed = time.time() - began
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{link}#{text}")
        wait_for(
            page, "document.querySelector('#neuron-3-7') !== null && document.querySelector('#train-loss') !== null"
        )
        shown = time.time() - began
        painted = page.evaluate(
            "performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        page.select_option("#speed", index=4)
        page.click("#play")
        time.sleep(2)
        frames, longest, epochs = page.evaluate(COUNT, seconds)
        page.close()
        server.terminate()
    paint = painted / 1000 - began
    figures = [f"{printed:.2f}", f"{paint:.2f}", f"{shown:.2f}", f"{frames:.0f}", f"{longest:.0f}", f"{epochs:,.0f}"]
    return [str(batch_size or "all 250"), *figures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long frames are counted (default: 5)")
    seconds = parser.parse_args().seconds
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n")
    print("A network 2-8-8-1 on 500 points, of which half are learned from; SGD, one epoch after another.\n")
    print("| rows a step | link, s | first paint, s | network shown, s | frames/s | longest gap, ms | epochs/s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        measure(browser, None, 0.1)
        for batch_size in (10, 50, None):
            print("| " + " | ".join(measure(browser, batch_size, seconds)) + " |")
        browser.close()


if __name__ == "__main__":
    main()
