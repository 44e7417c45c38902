"""Linear layers that PyTorch kept in a safetensors file as a network: PyTorch's outputs, and what cannot be one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pellucid import GELU, ReLU, Tanh, from_safetensors
from pellucid.errors import ForeignModelError, OptionError
from tests.importing.output_rounding import output_rounding

GOLDEN = Path(__file__).parent / "golden"
OUTPUTS = json.loads((GOLDEN / "torch_outputs.json").read_text(encoding="utf-8"))


def file(folder: Path, **tensors: Any) -> Path:
    """Write tensors, "_" in whose names stands for "."."""
    arrays = {name.replace("_", "."): np.array(values, np.float32, order="C") for name, values in tensors.items()}
    save_file(arrays, folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sequential", {"activation": "gelu"}),
        ("nested", {"activation": ReLU()}),
        ("named", {"activation": ["tanh"], "layers": ["hidden", "output"]}),
    ],
)
def test_the_network_has_the_outputs_of_pytorch(name: str, options: dict[str, Any]) -> None:
    network = from_safetensors(GOLDEN / f"torch_{name}.safetensors", **options)
    outputs = network.predict(OUTPUTS["rows"])
    assert network.dtype == "float32"
    assert (np.abs(outputs - OUTPUTS[name]) <= output_rounding(network, OUTPUTS["rows"])).all()


def test_the_tenth_layer_comes_after_the_second(tmp_path: Path) -> None:
    path = file(tmp_path, fc10_weight=[[1.0]], fc10_bias=[5.0], fc2_weight=[[3.0]], fc2_bias=[0.0])
    assert from_safetensors(path, activation="identity").predict([[1.0]])[0, 0] == 8


def test_activations_may_differ_from_place_to_place_and_at_the_end(tmp_path: Path) -> None:
    path = file(tmp_path, **{f"{i}_weight": [[1.0]] for i in range(3)})
    network = from_safetensors(path, activation=["relu", GELU()], output_activation=Tanh())
    kinds = [repr(layer) for layer in network.layers]
    assert kinds == ["Dense(1, bias=False)", "ReLU()", "Dense(1, bias=False)", "GELU()", *kinds[:1], "Tanh()"]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0_weight": [[1.0]], "1_running_mean": [0.0]}, r"holds '1\.running\.mean'; it expects NAME\.weight"),
        ({"0_bias": [1.0]}, r"holds '0\.bias'"),
        ({}, "holds no tensors"),
        ({"0_weight": [[[1.0]]]}, r"the layer '0' has a weight of shape \(1, 1, 1\)"),
        ({"0_weight": np.empty((0, 3))}, r"the layer '0' has a weight of shape \(3, 0\)"),
        ({"0_weight": [[1.0]], "0_bias": [1.0, 2.0]}, r"the layer '0' has a bias of shape \(2,\)"),
        ({"0_weight": [[1.0, 2.0]], "1_weight": [[1.0, 2.0]]}, "the layer '1' takes 2 columns, and 1 come from"),
        ({"0_weight": [[np.nan]]}, "the layer '0' has a weight that is NaN or infinite"),
    ],
)
def test_what_is_no_chain_of_linear_layers_is_refused(tmp_path: Path, tensors: Any, message: str) -> None:
    with pytest.raises(ForeignModelError, match=message):
        from_safetensors(file(tmp_path, **tensors), activation="relu")


def test_weights_of_whole_numbers_are_refused(tmp_path: Path) -> None:
    save_file({"0.weight": np.ones((1, 1), np.int8)}, tmp_path / "model.safetensors")
    with pytest.raises(ForeignModelError, match="has weights of int8"):
        from_safetensors(tmp_path / "model.safetensors", activation="relu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no single number in the names 'first', 'second' tells the order"),
        ({"layers": ["first"]}, r"layers got \['first'\]; it expects each of 'first', 'second' once"),
        ({"layers": "first"}, "layers got 'first'; it expects each of"),
        (
            {"layers": ["first", "second"], "activation": []},
            "got 0 activations; between 2 layers it expects 1",
        ),
        ({"layers": ["first", "second"], "activation": "rleu"}, "did you mean 'relu'"),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(tmp_path: Path, options: Any, message: str) -> None:
    path = file(tmp_path, first_weight=[[1.0]], second_weight=[[1.0]])
    with pytest.raises(OptionError, match=message):
        from_safetensors(path, **{"activation": "relu", **options})


def test_two_numbers_in_the_names_tell_no_order(tmp_path: Path) -> None:
    path = file(tmp_path, a1_b2_weight=[[1.0]], a2_b1_weight=[[1.0]])
    with pytest.raises(OptionError, match="no single number"):
        from_safetensors(path, activation="relu")


@pytest.mark.parametrize("n_bytes", [0, 7, 8, 20, 60, 600])
def test_a_file_cut_short_is_refused(tmp_path: Path, n_bytes: int) -> None:
    (tmp_path / "short.safetensors").write_bytes((GOLDEN / "torch_sequential.safetensors").read_bytes()[:n_bytes])
    with pytest.raises(ForeignModelError, match="cannot be read"):
        from_safetensors(tmp_path / "short.safetensors", activation="relu")


def test_a_folder_and_a_path_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match="is a folder"):
        from_safetensors(tmp_path, activation="relu")
    with pytest.raises(ForeignModelError, match="does not exist"):
        from_safetensors(tmp_path / "none", activation="relu")
