"""The documentation says what is: pages made from the code are current, and the programs in them run."""

import importlib.util
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load(name: str) -> ModuleType:
    """Return a program of docs as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_pages_are_what_the_classes_declare() -> None:
    module = load("make_reference")
    for name, text in module.pages().items():
        assert (module.FOLDER / name).read_text(encoding="utf-8") == text, "run `make reference`"


def test_an_estimators_page_has_its_options_attributes_and_methods() -> None:
    module = load("make_reference")
    for cls in module.ESTIMATORS:
        page = module.pages()[f"{cls.__name__}.md"]
        for name in inspect.signature(cls).parameters:
            assert f"\n| `{name}` | `" in page
        assert "\n### fit(X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None" in page
        assert "\n### predict(X)\n" in page
        assert ("\n### predict_proba(X)\n" in page) == cls.__name__.endswith("Classifier")
        assert "n_rows" in page.partition("\n### predict(X)")[2]


def blocks_of_readme() -> list[str]:
    parts = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
    return [part.partition("```")[0] for part in parts]


@pytest.mark.parametrize("number", range(len(blocks_of_readme())))
def test_the_programs_of_the_readme_run_and_print_what_it_says(number: int, tmp_path: Path) -> None:
    program = blocks_of_readme()[number].replace('"examples/', f'"{ROOT.as_posix()}/examples/')
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
    for line in run.stdout.strip().splitlines():
        assert line in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", load("make_tutorials").PAGES, ids=lambda path: path.stem)
def test_a_page_prints_what_it_shows_and_draws_its_figures(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"), prepend=os.pathsep)  # what a program starts runs elsewhere
    page = path.read_text(encoding="utf-8")
    if '["node", ' in page and shutil.which("node") is None:
        pytest.skip("there is no node here")
    assert load("make_tutorials").current(page, tmp_path) == page, "run `make tutorials`"
    shown = {line.partition("(figures/")[2].rstrip(")") for line in page.splitlines() if line.startswith("![")}
    assert {figure.name for figure in (tmp_path / "figures").iterdir()} == shown
    assert all((path.parent / "figures" / name).exists() for name in shown)
