"""Write small PyTorch networks as ONNX files and safetensors files, with the outputs that PyTorch computes.

Run with PyTorch, onnx, onnxscript and safetensors, of which the tests need only onnx and safetensors:
python make_torch_files.py
"""

import json
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = Path(__file__).parent
ROWS = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

EXPORTED = {
    "classifier": nn.Sequential(
        nn.Linear(3, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Dropout(0.2), nn.Linear(5, 4, bias=False), nn.Softmax(-1)
    ),
    "regressor": nn.Sequential(
        nn.Flatten(), nn.Linear(3, 4), nn.SiLU(), nn.Linear(4, 4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2)
    ),
    "bent": nn.Sequential(
        nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 4), nn.ELU(0.7), nn.Linear(4, 4), nn.SELU(), nn.Linear(4, 4),
        nn.Softplus(), nn.Linear(4, 4), nn.Mish(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid(),
    ),
}  # fmt: skip


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.output = nn.Linear(4, 2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.output(torch.tanh(self.hidden(rows)))


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3 if i == 0 else 4, 4, bias=i != 2) for i in range(12)])

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        for layer in self.layers[:-1]:
            rows = torch.relu(layer(rows))
        return self.layers[-1](rows)


KEPT = {
    "sequential": nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 2)),
    "named": Named(),
    "nested": Nested(),
}


def fill(model: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point():
            tensor.data = torch.rand(tensor.shape, generator=generator) * 1.2 - 0.4
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_var += 0.5
    return model.eval()


def strip(path: Path) -> None:
    """Take out what tells of the machine that wrote the file, such as stack traces."""
    proto = onnx.load(path)
    for part in [
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.initializer,
    ]:
        del part.metadata_props[:]
    del proto.graph.value_info[:]
    onnx.save(proto, path)


def main() -> None:
    outputs = {"rows": ROWS.tolist()}
    for seed, (name, model) in enumerate(EXPORTED.items()):
        fill(model, seed)
        for suffix, options in (("13", {"dynamo": False, "opset_version": 13}), ("20", {"dynamo": True})):
            if name == "regressor" and suffix == "13":
                options = {**options, "opset_version": 20}  # before, GELU was five operators
            path = FOLDER / f"torch_{name}_{suffix}.onnx"
            options = {**options, "external_data": False} if options["dynamo"] else options
            torch.onnx.export(model, (ROWS[:2].float(),), path, input_names=["rows"], **options)
            strip(path)
        outputs[name] = model.double()(ROWS).tolist()
    for seed, (name, model) in enumerate(KEPT.items()):
        fill(model, 10 + seed)
        save_file(model.state_dict(), FOLDER / f"torch_{name}.safetensors")
        outputs[name] = model.double()(ROWS).tolist()
    (FOLDER / "torch_outputs.json").write_text(json.dumps(outputs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
