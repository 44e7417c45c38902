"""``pellucid export``: a program beside its proof, errors in a line, and nothing left behind."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pellucid.export.targets.python import Python

PROGRAM = "from pellucid.cli import main; raise SystemExit(main())"
ROOT = Path(__file__).parents[2]


def test_a_program_is_written_and_proven(pellucid: Any, model: Path, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    ended = pellucid("export", model.name, "fruit.py", "--target", "python")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("wrote fruit.py (") and "numbers, arithmetic in double)" in ended.out
    assert f"proven in Python {sys.version.split()[0]}: on " in ended.out
    assert {path.name for path in tmp_path.iterdir()} == {*before, "fruit.py"}
    document = json.loads(pellucid("export", model.name, "fruit.py", "--force", "--json").out)
    assert (document["target"], document["precision"], document["files"]) == ("numpy", "float", ["fruit.py"])
    assert 0 <= max(document["proof"]["differences"].values()) <= document["proof"]["tolerance"] == 1e-5


def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(pellucid: Any, model: Path, tmp_path: Path) -> None:
    content = model.read_bytes()
    (tmp_path / "damaged.pellucid").write_bytes(content[:-50] + bytes([content[-50] ^ 1]) + content[-49:])
    (tmp_path / "cut.pellucid").write_bytes(content[:2000])
    (tmp_path / "there.py").write_text("mine")
    before = {path.name for path in tmp_path.iterdir()}
    pellucid("export", "damaged.pellucid", "x.py").says(1, "model file 'damaged.pellucid'", "damaged")
    pellucid("export", "cut.pellucid", "x.py").says(1, "model file 'cut.pellucid'")
    pellucid("export", "none.pellucid", "x.py").says(1, "none.pellucid")
    pellucid("export", model.name, "there.py").says(1, "the file exists", "--force")
    pellucid("export", model.name, "none/x.py").says(1, "there is no folder 'none'")
    pellucid("export", model.name, model.name, "--target", "c").says(1, "it is read by this command")
    os.link(model, tmp_path / "link.c")
    pellucid("export", model.name, "link.c", "--force").says(1, "it is read by this command")
    (tmp_path / "link.c").unlink()
    pellucid("export", model.name, "x.rs").says(2, "x.rs")
    pellucid("export", model.name, "x.py", "--target", "pyton").says(2, "did you mean 'python'?")
    pellucid("export", model.name, "x.py", "--precision", "half").says(1, "'float'", "'double'")
    assert {path.name for path in tmp_path.iterdir()} == before
    assert model.read_bytes() == content and (tmp_path / "there.py").read_text() == "mine"


def test_an_interrupted_proof_leaves_nothing(
    pellucid: Any, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Python, "run", interrupt)
    before = {path.name for path in tmp_path.iterdir()}
    ended = pellucid("export", model.name, "x.py", "--target", "python")
    assert (ended.code, ended.err) == (130, "pellucid: interrupted; nothing was saved\n")
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh here")
@pytest.mark.parametrize(
    ("sent", "ended"),
    [
        (signal.SIGINT, (130, "pellucid: interrupted; nothing was saved\n")),
        (signal.SIGTERM, (143, "pellucid: terminated; nothing was saved\n")),
    ],
)
def test_a_signal_while_a_compiler_runs_leaves_nothing(
    sent: signal.Signals, ended: tuple[int, str], model: Path, tmp_path: Path
) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\ntouch started\nexec sleep 60\n')
    compiler.chmod(0o700)
    before = {path.name for path in tmp_path.iterdir()}
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-c", PROGRAM, "export", model.name, "x.c"]
    environment = {**os.environ, "PYTHONPATH": source, "CC": str(compiler)}
    heard = functools.partial(signal.signal, sent, signal.SIG_DFL)  # the tests may run where it is ignored
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heard
    )
    try:
        started = tmp_path / "started"
        while process.poll() is None and not (started.exists()):
            time.sleep(0.02)
        process.send_signal(sent)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said) == ended
    assert {path.name for path in tmp_path.iterdir()} == {*before, "started"}
