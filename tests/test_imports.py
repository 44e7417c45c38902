"""The house's arrows: a room imports only rooms before it; and what `import pellucid` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pellucid

SOURCE = Path(pellucid.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
ROOMS = [
    "errors", "domains", "options", "elementary", "normal", "random", "scalar", "formulas", "activations",
    "initializers", "layers", "losses", "network", "optimizers", "schedules", "engine", "training", "examples",
    "tabular", "population", "estimators", "model", "importing", "insight", "export", "serving", "playground", "cli",
]  # fmt: skip
HEAVY = ["matplotlib", "narwhals", "pandas", "polars", "rich", "scipy", "sklearn", "starlette", "typer", "uvicorn"]
HEAVY_OF = {"estimators": {"sklearn"}, "cli": {"typer", "rich"}, "serving": {"starlette"}}  # which a room may import
LONGEST_FILE = 500

EXEMPT: dict[tuple[str, str], str] = {
    ("estimators", "model"): "`save` is a thin method of the estimators that calls the file format, lazily",
    ("estimators", "insight"): "what is drawn or measured of a fitted estimator is insight's, lazily",
}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(tree: ast.AST, only_at_import: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield the modules that a file imports, each with whether it does so only inside a function.

    Imports under ``if TYPE_CHECKING`` are none: they do not happen.
    """

    def visit(node: ast.AST, lazy: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                yield from visit(child, lazy)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, lazy
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = node.module or ""
            yield from ((f"{base}.{alias.name}" if base == "pellucid" else base, lazy) for alias in node.names)
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, False)


def arrows() -> Iterator[tuple[Path, str, str, bool]]:
    """Yield every arrow between two rooms: the file, the room it is in, the room it imports, and whether lazily."""
    for path in FILES:
        for module, lazy in imports(ast.parse(path.read_text(encoding="utf-8"))):
            package, _, rest = module.partition(".")
            home = pellucid._HOME_OF.get(rest, module)  # `from pellucid import Dense` is an arrow to the layers
            room = home.removeprefix("pellucid.").split(".")[0]
            if package == "pellucid" and room in ROOMS and room != room_of(path):
                yield path, room_of(path), room, lazy


def test_every_file_is_in_a_known_room() -> None:
    known = {*ROOMS, "__init__", "__main__"}
    assert {room_of(path) for path in FILES} <= known, (
        "add the room to ROOMS, in the order in which data passes through"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_run_downward_only(room: str) -> None:
    wrong = {
        (str(path.relative_to(SOURCE)), target)
        for path, source, target, lazy in arrows()
        if source == room and ROOMS.index(target) > ROOMS.index(room) and not ((source, target) in EXEMPT and lazy)
    }
    assert not wrong


def test_every_exemption_is_used() -> None:
    assert set(EXEMPT) <= {(source, target) for _, source, target, _ in arrows()}


def test_tables_know_nothing_of_networks_but_the_layers_interface() -> None:
    allowed = {"errors", "domains", "options", "elementary", "random", "normal", "layers", "losses", "activations"}
    used = {target for _, source, target, _ in arrows() if source == "tabular"}
    assert used <= allowed
    deep = {
        module
        for path in FILES
        if room_of(path) == "tabular"
        for module, _ in imports(ast.parse(path.read_text(encoding="utf-8")))
        if module.startswith("pellucid.layers")
    }
    assert deep <= {"pellucid.layers.base"}


def test_the_errors_import_nothing_of_the_library() -> None:
    assert not [target for _, source, target, _ in arrows() if source == "errors"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_numpy_is_imported_at_module_level(path: Path) -> None:
    tops = {module.split(".")[0] for module, lazy in imports(ast.parse(path.read_text(encoding="utf-8"))) if not lazy}
    heavy = tops & set(HEAVY)
    assert heavy <= HEAVY_OF.get(room_of(path), set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_is_too_long_and_each_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, "a module opens by saying what it is"
    assert docstring.split("\n\n")[0].rstrip()[-1] in ".:"


def loaded_after(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after ``code``."""
    show = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, check=True, cwd=SOURCE.parent, timeout=60
    )
    return set(done.stdout.split())


TRAINING = """
import numpy as np
import pellucid
network = pellucid.Network([pellucid.Dense(2), pellucid.Tanh(), pellucid.Dense(1)], n_inputs=1)
pellucid.train(network, np.ones((2, 1)), np.ones(2), loss=pellucid.SquaredError(), optimizer="adam", epochs=1)
"""


@pytest.mark.parametrize("code", ["import pellucid", TRAINING], ids=["import", "training"])
def test_importing_and_training_load_nothing_heavy(code: str) -> None:
    loaded = loaded_after(code)
    assert "pellucid" in loaded
    assert not loaded & set(HEAVY)


def test_the_public_names_are_what_can_be_imported() -> None:
    for name in pellucid.__all__:
        assert getattr(pellucid, name) is not None
    assert sorted(set(pellucid.__all__)) == pellucid.__all__
    assert set(pellucid.__all__) <= set(dir(pellucid))
    with pytest.raises(AttributeError, match="did you mean 'Dense'"):
        _ = pellucid.dense


def test_every_public_name_has_a_docstring() -> None:
    undocumented = [
        name
        for name in pellucid.__all__
        if name != "__version__" and not (getattr(pellucid, name).__doc__ or "").strip()
    ]
    assert not undocumented
