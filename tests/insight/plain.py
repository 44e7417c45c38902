"""A fresh interpreter with NumPy alone, in which ejected pages run."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

BLOCKER = """
import sys

class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {*sys.stdlib_module_names, "numpy"}:
            raise ImportError(f"a page imported {name}")

sys.meta_path.insert(0, Only())
"""

WORKER = f"""{BLOCKER}
import contextlib, io, pickle, warnings
warnings.simplefilter("error")
tasks, answers = sys.stdin.buffer, sys.stdout.buffer
while True:
    try:
        page, expression, given = pickle.load(tasks)
    except EOFError:
        break
    names, printed = {{"__name__": "page"}}, io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(page, "page.py", "exec"), names)
            names.update(given)
            answer = (True, eval(expression, names))
    except Exception as error:
        answer = (False, f"{{type(error).__name__}}: {{error}}")
    pickle.dump(answer, answers)
    answers.flush()
"""


class PlainError(Exception):
    """What a page raised."""


class Plain:
    """Runs pages one after another, each in a namespace of its own, in one interpreter without Pellucid."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __call__(self, page: str, expression: str, **given: Any) -> Any:
        """Return an expression's value among the page's names and those that are given."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        pickle.dump((page, expression, given), process.stdin)
        process.stdin.flush()
        done, answer = pickle.load(process.stdout)
        if not done:
            raise PlainError(answer)
        return answer

    def close(self) -> None:
        """End the interpreter."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


TRAINED = "(train(), [p.copy() for p in PARAMETERS])[1]"
"""The expression that trains a page and gives its weights."""


def run_as_program(path: Any, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a page as a user would, in an interpreter that has NumPy alone."""
    run = f"{BLOCKER}import runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    return subprocess.run([sys.executable, "-I", "-c", run, str(path), *words], capture_output=True, text=True)
