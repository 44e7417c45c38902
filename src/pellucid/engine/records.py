"""The records that Python and C share: each mirrors the one of the same name in native/program.h, field by field."""

from __future__ import annotations

import ctypes
from ctypes import c_double, c_int64, c_uint64, c_void_p
from enum import IntEnum
from typing import ClassVar

Space = IntEnum("Space", ["WORKSPACE", "PARAMETERS", "GRADIENTS", "BUFFERS", "ROWS", "NOWHERE"], start=0)


class Code(IntEnum):
    """What an operation does."""

    PRODUCT_FORWARD = 0
    PRODUCT_WEIGHT = 1
    PRODUCT_INPUT = 2
    MULTIPLY = 3
    ACTIVATE = 4
    ACTIVATE_BACKWARD = 5
    NORMALIZE_EXPONENTIALS = 6
    NORMALIZE_EXPONENTIALS_BACKWARD = 7
    BLEND = 8
    BLEND_SLOPE = 9
    BLEND_BACKWARD = 10
    COLUMN_SUM = 11
    COLUMN_PRODUCT_SUM = 12
    SCALE_COLUMNS = 13
    SCALE_SHIFT_COLUMNS = 14
    ADD = 15
    FILL_ZERO = 16
    COPY_COLUMNS = 17
    ADD_COLUMNS = 18
    COPY_VECTOR = 19
    EMBED = 20
    EMBED_BACKWARD = 21
    LAYER_NORM = 22
    LAYER_NORM_BACKWARD = 23
    BATCH_NORM = 24
    BATCH_NORM_BACKWARD = 25
    BATCH_NORM_RUNNING = 26
    DROPOUT = 27
    DROPOUT_BACKWARD = 28
    PERIODIC = 29
    PERIODIC_BACKWARD = 30
    SPLINE_TABLE = 31
    SPLINE = 32
    SPLINE_INPUT = 33
    SPLINE_WEIGHT = 34


EXTENTS: dict[Code, tuple[str, ...]] = {
    Code.PRODUCT_FORWARD: ("rows in", "in out", "rows out", "out", "rows out"),
    Code.PRODUCT_WEIGHT: ("rows in", "rows out", "in out"),
    Code.PRODUCT_INPUT: ("rows out", "in out", "rows in", "rows in", "rows in"),
    Code.MULTIPLY: ("rows in", "rows in"),
    Code.ACTIVATE: ("rows in", "rows in"),
    Code.ACTIVATE_BACKWARD: ("rows in", "rows in", "rows in", "rows in"),
    Code.NORMALIZE_EXPONENTIALS: ("rows in", "rows in"),
    Code.NORMALIZE_EXPONENTIALS_BACKWARD: ("rows in", "rows in", "rows in"),
    Code.BLEND: ("rows in", "rows in", "in", "rows in"),
    Code.BLEND_SLOPE: ("rows in", "rows in", "rows in", "in"),
    Code.BLEND_BACKWARD: ("rows in", "rows in", "rows in", "in", "rows in"),
    Code.COLUMN_SUM: ("rows in", "in"),
    Code.COLUMN_PRODUCT_SUM: ("rows in", "rows in", "in"),
    Code.SCALE_COLUMNS: ("rows in", "in", "rows in"),
    Code.SCALE_SHIFT_COLUMNS: ("rows in", "in", "in", "rows in"),
    Code.ADD: ("rows in", "rows in", "rows in"),
    Code.FILL_ZERO: ("rows in",),
    Code.COPY_COLUMNS: ("rows in", "rows out"),
    Code.ADD_COLUMNS: ("rows in", "rows out"),
    Code.COPY_VECTOR: ("in", "in"),
    Code.EMBED: ("rows", "in out", "rows out"),
    Code.EMBED_BACKWARD: ("rows", "rows out", "in out"),
    Code.LAYER_NORM: ("rows in", "rows in", "rows"),
    Code.LAYER_NORM_BACKWARD: ("rows in", "rows in", "rows", "rows in"),
    Code.BATCH_NORM: ("rows in", "in", "in", "rows in", "in", "in in_again"),
    Code.BATCH_NORM_BACKWARD: ("rows in", "rows in", "in", "rows in"),
    Code.BATCH_NORM_RUNNING: ("rows in", "in", "in", "rows in"),
    Code.DROPOUT: ("rows in", "rows in", "rows in"),
    Code.DROPOUT_BACKWARD: ("rows in", "rows in", "rows in"),
    Code.PERIODIC: ("rows in", "in own", "rows out", "padded_rows in kept"),
    Code.PERIODIC_BACKWARD: ("rows out", "in own", "padded_rows in kept", "in own", "rows in"),
    Code.SPLINE_TABLE: ("in edges", "bins out", "out", "in table"),
    Code.SPLINE: ("rows in", "in table", "rows out", "rows in in_again"),
    Code.SPLINE_INPUT: ("rows out", "in table", "rows in in_again", "rows in"),
    Code.SPLINE_WEIGHT: ("rows out", "rows in in_again", "in table", "bins out", "out"),
}
"""Each operation with the sizes of its operands, as products: ``"rows in"`` is an array (rows, n_in).

``own`` and ``kept`` are what a periodic layer has and keeps of each column: parameters, and numbers of each row.
``bins`` and ``edges`` are those of a spline's column, and ``table`` the numbers of its table."""

ActivationCode = IntEnum(
    "ActivationCode",
    ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softmax"],
    start=0,
)
LossCode = IntEnum(
    "LossCode",
    [
        "SQUARED_ERROR",
        "HALF_SUM",
        "ABSOLUTE_ERROR",
        "HUBER",
        "QUANTILE",
        "POISSON",
        "BINARY_CROSS_ENTROPY",
        "CROSS_ENTROPY_CODES",
        "CROSS_ENTROPY",
        "BINARY_FOCAL",
        "FOCAL",
    ],
    start=0,
)
OptimizerCode = IntEnum("OptimizerCode", ["SGD", "ADAM", "RMSPROP", "NO_UPDATE"], start=0)
Status = IntEnum("Status", ["FINISHED", "PAUSED", "LOSS_NOT_FINITE", "WEIGHTS_NOT_FINITE"], start=0)

Fields = list[tuple[str, type]]


def _fields(kind: type, names: str) -> Fields:
    return [(name, kind) for name in names.split()]


class Operand(ctypes.Structure):
    """Where an array lies: a space and an offset in numbers."""

    _fields_: ClassVar[Fields] = _fields(c_int64, "space offset")


class Operation(ctypes.Structure):
    """A kernel, its sizes and its arrays."""

    _fields_: ClassVar[Fields] = [
        *_fields(c_int64, "code n_in n_out variant from to width by_columns meets"),
        ("layer", c_uint64),
        ("operands", Operand * 6),
        ("options", c_double * 2),
    ]


class Program(ctypes.Structure):
    """The flat plan."""

    _fields_: ClassVar[Fields] = [
        *_fields(c_int64, "n_forward n_backward n_commit"),
        *_fields(c_void_p, "forward backward commit"),
        *_fields(c_int64, "n_inputs n_outputs n_targets n_parameters loss n_levels"),
        ("loss_option", c_double),
        ("levels", c_void_p),
        *_fields(Operand, "outputs d_outputs"),
        *_fields(c_int64, "gathered_rows gathered_target terms row_losses direct_rows vectors"),
        *_fields(c_int64, "optimizer nesterov inside rate_correction"),
        *_fields(c_double, "learning_rate weight_decay momentum beta1 beta2 epsilon gradient_clip average l1 l2"),
        *_fields(c_int64, "divided_penalty penalty_terms"),
    ]


class TrainingRun(ctypes.Structure):
    """The arrays of a call, where it goes on, and what it brings back."""

    _fields_: ClassVar[Fields] = [
        *_fields(c_void_p, "parameters gradients buffers workspace scratch x target weight order"),
        *_fields(c_int64, "n_order n_epochs batch_size"),
        *_fields(c_void_p, "slot1 slot2 averages learning_rate_factor weight_decay_factor rates powers"),
        *_fields(c_uint64, "seed step"),
        *_fields(c_int64, "epoch batch"),
        *_fields(c_double, "loss loss_sum weight_sum"),
        *_fields(c_void_p, "losses norms times step_losses step_penalties"),
        ("seconds", c_double),
        *_fields(c_int64, "most_steps threads scratch_numbers evaluate unchecked"),
        ("workspace_numbers", c_int64),
        ("outputs", c_void_p),
    ]
