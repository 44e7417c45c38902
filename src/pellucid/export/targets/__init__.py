"""The targets by name: each a language or format that graphs are written in."""

from pellucid.export.target import Target
from pellucid.export.targets.c import C
from pellucid.export.targets.javascript import JavaScript, JavaScriptModule
from pellucid.export.targets.numpy import NumPy
from pellucid.export.targets.onnx import ONNX
from pellucid.export.targets.python import Python
from pellucid.export.targets.sql import SQL

TARGETS: dict[str, type[Target]] = {
    target.name: target for target in (C, JavaScript, JavaScriptModule, NumPy, Python, ONNX, SQL)
}
