"""The package installs without a C compiler: then as pure Python, on NumPy, and says so."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TRAINING = """
import pellucid
from pellucid import Dense, Network, SquaredError, train
history = train(Network([Dense(1)], n_inputs=1), [[0.0], [1.0]], [0.0, 1.0], loss=SquaredError(), epochs=2)
print(pellucid.__file__, history.engine, history.engine_reason, sep="|")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "tools", [[], ["cmake", "ninja", "make"]], ids=["nothing-on-the-path", "cmake-but-no-compiler"]
)
def test_without_a_compiler_it_is_pure_python(tools: list[str], tmp_path: Path) -> None:
    for module in ("scikit_build_core", "pip"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module}, which builds the package, is not installed")
    if not tools and not all(importlib.util.find_spec(module) for module in ("cmake", "ninja")):
        pytest.skip("the packages cmake and ninja, which pip brings where it builds in isolation, are not installed")
    path = tmp_path / "path"
    path.mkdir()
    for tool in tools:
        if found := shutil.which(tool):
            (path / tool).symlink_to(found)
    environment = {name: value for name, value in os.environ.items() if name not in {"CC", "CXX", "PELLUCID_ENGINE"}}
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [*wheel, f"--wheel-dir={tmp_path}", str(ROOT)],
        env=environment | {"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = tmp_path.glob("*.whl")
    assert built.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(built) as archive:
        compiled = [name for name in archive.namelist() if "_native." in name or "engine/native/" in name]
        assert not compiled
        archive.extractall(tmp_path / "package")
    folders = os.pathsep.join([str(tmp_path / "package"), sysconfig.get_path("purelib")])
    seen = subprocess.run(  # -S: the package installed here stays out of sight
        [sys.executable, "-S", "-c", TRAINING],
        env=environment | {"PYTHONPATH": folders},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    file, engine, reason = seen.stdout.strip().split("|")
    assert Path(file).is_relative_to(tmp_path / "package") and engine == "numpy"
    assert "no native library (it was installed without a C compiler)" in reason
