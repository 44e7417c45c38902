"""Run the programs in docs/tutorials and docs/how-to; write into each page what they print, and the figures they save.

A page's ```python blocks are one program, run from top to bottom in the folder of the page; the ```text block after
one shows what it printed. `make tutorials` brings the pages up to date, and a test holds them to it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
from pathlib import Path

import matplotlib

FOLDER = Path(__file__).parent
PAGES = sorted([*FOLDER.glob("tutorials/[0-9]*.md"), *FOLDER.glob("how-to/*.md")])
_BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def current(page: str, folder: Path) -> str:
    """Return the page with each block's output as it is printed now; the programs run, and save, in ``folder``."""
    shutil.copytree(FOLDER.parent / "examples", folder / "examples")
    (folder / "figures").mkdir()
    outputs = iter(run([match[1] for match in _BLOCK.finditer(page)], folder))

    def renewed(match: re.Match[str]) -> str:
        printed = next(outputs)
        return f"```python\n{match[1]}```\n" + (f"\n```text\n{printed}```\n" if printed else "")

    return _BLOCK.sub(renewed, page)


def run(programs: list[str], folder: Path) -> list[str]:
    """Return what each of the programs prints, run one after another with the same names, in ``folder``."""
    names: dict[str, object] = {"__name__": "__main__"}
    printed = []
    with contextlib.chdir(folder):
        for number, program in enumerate(programs, 1):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(program, f"block {number}", "exec"), names)
            printed.append("".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines()))
    return printed


def main() -> None:
    """Bring the pages and their figures up to date."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # the date in a figure
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "pellucid"  # so that a figure changes only where its picture does
    for path in PAGES:
        with tempfile.TemporaryDirectory() as temporary:
            page = current(path.read_text(encoding="utf-8"), Path(temporary))
            for figure in Path(temporary, "figures").iterdir():
                (path.parent / "figures").mkdir(exist_ok=True)
                shutil.copy(figure, path.parent / "figures")
        path.write_text(page, encoding="utf-8")
        print(f"{path.name} is up to date")


if __name__ == "__main__":
    main()
