"""Importing makes a `Network` of a model that another library trained."""

from __future__ import annotations

from pellucid.importing.from_onnx import from_onnx
from pellucid.importing.from_safetensors import from_safetensors
from pellucid.importing.from_sklearn import from_sklearn

__all__ = ["from_onnx", "from_safetensors", "from_sklearn"]
