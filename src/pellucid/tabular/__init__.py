"""The table room: reading a table, saying what its columns hold, and encoding it and its target as numbers."""

from __future__ import annotations

from pellucid.tabular.columns import Column, infer_columns
from pellucid.tabular.encoder import Block, CodeColumn, Encoder
from pellucid.tabular.faults import CellError, TaskError
from pellucid.tabular.reading import read_table, require_rows, to_table
from pellucid.tabular.targets import ClassTarget, NumberTarget, Task, infer_task

__all__ = [
    "Block",
    "CellError",
    "ClassTarget",
    "CodeColumn",
    "Column",
    "Encoder",
    "NumberTarget",
    "Task",
    "TaskError",
    "infer_columns",
    "infer_task",
    "read_table",
    "require_rows",
    "to_table",
]
