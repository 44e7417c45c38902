"""The trained weights are the same bits in every process, on every setting of NumPy and BLAS, threads and instructions.

So are first weights, the epoch at which early stopping ends, and predictions: every number that decides them is exact
or comes from the engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid.engine.native import Library, library

PROGRAM = Path(__file__).with_name("training_digest.py")
LOADED = library()
pytestmark = pytest.mark.skipif(isinstance(LOADED, str), reason=f"native engine: {LOADED}")

SETTINGS = ("NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "PELLUCID_THREADS", "PELLUCID_ISA")
FEATURES = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""Those that this NumPy chooses at run time and this machine has."""
CASES: list[dict[str, str]] = [
    *({"OPENBLAS_CORETYPE": kernels} for kernels in ("Haswell", "Prescott")),  # one of them differs from the default
    *({"PELLUCID_THREADS": str(threads)} for threads in (1, 2, 4)),
    *({"PELLUCID_ISA": isa} for isa in (LOADED.instruction_sets if isinstance(LOADED, Library) else [])),
    *([{"NPY_DISABLE_CPU_FEATURES": " ".join(FEATURES)}] if FEATURES else []),
]


def output(*command: str, **settings: str) -> str:
    """Return what Python prints in a process of its own, with these settings and no others of their kind."""
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS} | settings
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def digests(*how: str, **settings: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in output(str(PROGRAM), *how, **settings).splitlines()]


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """Return the hashes of twenty times in a fresh process without settings, which are equal."""
    found = digests("repeats", "20")
    assert len(found) == 20 and all(one == found[0] for one in found)
    return found[0]


def test_no_two_hashes_are_of_the_same_thing(expected: dict[str, str]) -> None:
    """But predictions, which are the same numbers row by row, in sevens and all at once."""
    for kind in ("probabilities", "predictions", "population's probabilities"):
        assert len({expected[f"{kind}, {n} at once"] for n in (1, 7, 331)}) == 1
    assert len(set(expected.values())) == len(expected) - 6


@pytest.mark.parametrize("settings", CASES, ids=lambda case: "-".join(case).lower() + "=" + next(iter(case.values())))
def test_settings_change_no_bit(settings: dict[str, str], expected: dict[str, str]) -> None:
    assert digests(**settings) == [expected]


def test_forked_and_spawned_processes_train_the_same_bits(expected: dict[str, str]) -> None:
    assert digests("children") == [expected] * 3


@pytest.mark.skipif(not FEATURES, reason="this NumPy has nothing to choose at run time on this machine")
def test_numpy_obeys_the_setting() -> None:
    code = "import numpy; print(numpy.show_config(mode='dicts')['SIMD Extensions'].get('found', []))"
    assert output("-c", code, NPY_DISABLE_CPU_FEATURES=" ".join(FEATURES)).strip() == "[]"
