"""Tests of the application: help, version, usage, what is imported when, and errors that nobody foresaw."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pellucid import TabularClassifier, __version__
from pellucid.cli import PACKAGES
from pellucid.options import options


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_version_and_help(pellucid: Any) -> None:
    assert pellucid("--version").out == f"pellucid {__version__}\n"
    for words in ((), ("--help",)):
        ended = pellucid(*words)
        assert ended.code == 0
        assert all(name in ended.out for name in ("train", "predict", "evaluate", "info", "demo"))


def test_help_needs_no_heavy_package() -> None:
    ended = python(
        "import sys; from pellucid.cli import main; main(['--help'])\n"
        "print([name for name in ('numpy.linalg', 'polars', 'sklearn', 'scipy') if name in sys.modules])"
    )
    assert ended.stdout.splitlines()[-1] in ("[]", "['numpy.linalg']")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_extra_is_one_line(package: str) -> None:
    ended = python(
        f"import sys; sys.modules['{package}'] = None\n"
        "from pellucid.cli import main; sys.exit(main(['train', 'x.csv', '--target', 'y']))"
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"pellucid: error: the command line needs the package '{package}': pip install 'pellucid[standard]'\n"
    )


def test_the_recipe_is_derived_from_the_estimators_options(pellucid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    out = pellucid("train", "--help").out
    for declared in options(TabularClassifier):
        if declared.name in ("callbacks", "class_weight", "kinds", "missing", "plan", "random_state", "verbose"):
            continue
        assert "--" + declared.name.replace("_", "-") in out
        assert declared.help() in out
    assert "[default: (from the table's size, or the time budget)]" in out  # of --members
    assert "[default: (0.15)]" in out  # of --validation-share
    assert not any(flag in out for flag in ("--callbacks", "--class-weight", "--plan", "--verbose"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["trian"], "did you mean 'train'?"), (["--versio"], "--version"), (["demo", "xr"], "xor"), (["train"], "DATA")],
)
def test_wrong_usage_is_one_line(pellucid: Any, words: list[str], expected: str) -> None:
    pellucid(*words).says(2, expected, "--help")


def test_an_unforeseen_error_is_one_line_and_a_traceback_with_debug(
    pellucid: Any, fruit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **options_: object) -> None:
        raise RuntimeError("a bug\nin two lines")

    monkeypatch.setattr("pellucid.cli.training.prepare", fail)
    ended = pellucid("train", "fruit.csv", "--target", "kind")
    assert ended.code == 1
    assert ended.err == (
        "pellucid: error: internal error (RuntimeError: a bug in two lines); "
        "run again with --debug to see where it comes from.\n"
    )
    with pytest.raises(RuntimeError, match="a bug"):
        pellucid("train", "fruit.csv", "--target", "kind", "--debug")


def test_it_runs_as_a_program_into_a_pipe_that_closes(tmp_path: Path) -> None:
    """A reader such as head may close the pipe; that is no error worth a word."""
    code = "import sys; from pellucid.cli import main; sys.exit(main(['demo', 'single-layer']))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
