"""``pellucid serve``: a real server on a free port, how it ends, and what it refuses before it begins."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars as pl
import pytest

from pellucid import load
from tests.cli.conftest import Command

PROGRAM = "from pellucid.cli import main; raise SystemExit(main())"
ROOT = Path(__file__).parents[2]


@contextmanager
def served(model: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run the command in a process of its own; yield it, its address, and the first line that it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    words = [sys.executable, "-W", "error", "-c", PROGRAM, "serve", str(model), "--port", "0", *options]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        address = re.search(r"http://\S+:\d+", line)
        assert address is not None, line + process.stderr.read()
        yield process, address[0].replace("0.0.0.0", "127.0.0.1"), line
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """End the process by a signal, and return what it printed since the first line."""
    process.send_signal(number)
    process.wait(timeout=30)
    assert process.stderr is not None
    said = process.stderr.read()  # not communicate(), which leaves out what was read ahead with the first line
    assert process.returncode == 0, said
    return said


def test_a_server_predicts_for_many_clients_at_once_and_ends_with_ctrl_c(model: Path, fruit: Path) -> None:
    rows = pl.read_csv(fruit).select("size", "color")
    expected = load(model).predict_proba(rows.to_dict()).tolist()
    found: dict[int, list[float]] = {}

    def ask(address: str, start: int) -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            for index in range(start, len(rows), 6):
                response = client.post("/predict", json={"rows": rows[index : index + 1].to_dicts()})
                found[index] = list(response.json()["predictions"][0]["probabilities"].values())

    with served(model) as (process, address, line):
        assert str(model) in line
        threads = [threading.Thread(target=ask, args=(address, start)) for start in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        health = httpx.get(f"{address}/health").json()
        assert (health["model"], health["sha256"]) == (model.name, load(model).receipt_["sha256"])
        assert health["requests"] == health["rows"] == len(rows)
        assert ended(process, signal.SIGINT) == "ended\n"
    assert [found[index] for index in range(len(rows))] == expected


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM that a process could answer")
def test_a_server_ends_with_sigterm_and_says_when_it_is_open_to_others(model: Path) -> None:
    with served(model, "--host", "0.0.0.0", "--max-rows", "2") as (process, address, _):
        response = httpx.post(f"{address}/predict", json={"rows": [{"size": 1, "color": "red"}] * 3})
        assert response.status_code == 413
        said = ended(process, signal.SIGTERM)
    assert said.startswith("note: 0.0.0.0 is open to others")
    assert said.endswith("ended\n")
    assert said.count("\n") == 2


def test_a_port_that_is_taken_is_one_line(pellucid: Command, model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pellucid("serve", model, "--port", port).says(1, f"127.0.0.1:{port}", "--port")
    pellucid("serve", model, "--host", "no.such.host.invalid").says(1, "no.such.host.invalid")


def test_words_and_models_that_cannot_be(pellucid: Command, model: Path) -> None:
    pellucid("serve", "nothing.pellucid").says(1, "does not exist")
    pellucid("serve", model, "--port", 70000).says(2, "--port")
    pellucid("serve", model, "--max-rows", 0).says(2, "--max-rows")
    pellucid("serve", model, "--max-megabytes", "many").says(2, "--max-megabytes")


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_a_package_that_is_not_there_is_named_with_its_extra(
    pellucid: Command, model: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    pellucid("serve", model, "--port", 0).says(1, repr(package), "pip install 'pellucid[serve]'")
