"""Where the library is missing, switched off or cannot run, NumPy trains and the history says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.engine import native
from pellucid.errors import OptionError
from pellucid.estimators import TabularRegressor
from pellucid.layers import Dense
from pellucid.losses import SquaredError
from pellucid.network import Network
from pellucid.random import Random
from pellucid.training import History, train
from tests.tolerances import rounding

X = Random(1).normal((7, 3))


def trained(engine: str = "auto") -> tuple[Network, History]:
    network = Network([Dense(2), "tanh", Dense(1)], n_inputs=3)
    return network, train(network, X, X[:, 0], loss=SquaredError(), epochs=2, engine=engine)


@pytest.fixture(autouse=True)
def _loaded_afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PELLUCID_ENGINE", "PELLUCID_ISA"):
        monkeypatch.delenv(name, raising=False)
    native._load.cache_clear()
    yield
    native._load.cache_clear()


def runs_on_numpy_because(words: str) -> None:
    network, history = trained()
    assert history.engine == "numpy"
    assert words in history.engine_reason
    np.testing.assert_array_equal(network.parameters, trained("numpy")[0].parameters)
    with pytest.raises(OptionError, match=words):
        trained("native")


def test_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    runs_on_numpy_because("PELLUCID_ENGINE=numpy switches it off")


def test_estimators_say_what_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TabularRegressor(epochs=1, random_state=0).fit(X[:, :2], X[:, 2])
    native_predictions = model.predict(X[:, :2])
    assert model.engine_.split(":")[0] == ("numpy" if isinstance(native.library(), str) else "native")
    monkeypatch.setenv("PELLUCID_ENGINE", "numpy")
    assert model.engine_ == "numpy: the environment variable PELLUCID_ENGINE=numpy switches it off"
    np.testing.assert_allclose(model.predict(X[:, :2]), native_predictions, rtol=rounding(128, np.float32, scale=10))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "_LIBRARY", tmp_path / "_native.so")
    runs_on_numpy_because("no native library")


def test_a_file_that_is_no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "_LIBRARY", tmp_path / "_native.so")
    (tmp_path / "_native.so").write_bytes(b"not a library")
    runs_on_numpy_because("cannot be loaded")


NEEDS_LIBRARY = pytest.mark.skipif(not native._LIBRARY.exists(), reason="installed without the native library")


@NEEDS_LIBRARY
def test_a_processor_that_runs_none_of_its_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(native.Library):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.instruction_sets = []

    monkeypatch.setattr(native, "Library", Old)
    runs_on_numpy_because("this processor has no fused multiply-add")


@NEEDS_LIBRARY
@pytest.mark.parametrize("engine", ["auto", "native"])
def test_an_instruction_set_that_the_processor_lacks_is_refused(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: Any = native.library()
    if isinstance(loaded, str):
        pytest.skip(loaded)
    lacking = next(name for name in ("neon", "avx512") if name not in loaded.instruction_sets)
    monkeypatch.setenv("PELLUCID_ISA", lacking)
    with pytest.raises(OptionError, match=f"PELLUCID_ISA got '{lacking}'; this machine runs"):
        trained(engine)
    assert trained("numpy")[1].engine == "numpy"
