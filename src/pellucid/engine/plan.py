"""A plan is a network with its loss and update as one flat list of operations on numbered memory, ready for C.

`lowering.py` turns the layers into operations, this page adds loss and update and checks every offset. What cannot be
expressed is a reason, in words; where there are any, there is no plan and NumPy does the work.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.engine.assembly import PAD, Assembly, Place, whole_registers
from pellucid.engine.fusion import fuse
from pellucid.engine.lowering import lower, periodic_sizes, spline_sizes
from pellucid.engine.meetings import set_meetings
from pellucid.engine.records import EXTENTS, Code, LossCode, Operand, Operation, OptimizerCode, Program, Space
from pellucid.layers.base import Array
from pellucid.layers.embedding import Embedding
from pellucid.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Huber,
    Loss,
    Penalty,
    Poisson,
    Quantile,
    SquaredError,
)
from pellucid.network import Network
from pellucid.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop

_SMALL = 1024
"""Parameters up to which a network's vectors are kept in the workspace during a call, for kernels of a few numbers."""
_N_VECTORS = 7
_PENALTY_BLOCK = 4096
"""Parameters whose penalty the native code sums to one float64, which takes the place of two numbers of float32."""
_READ_ROW_BY_ROW = {
    Code.PRODUCT_FORWARD,
    Code.PRODUCT_WEIGHT,
    Code.COPY_COLUMNS,
    Code.EMBED,
    Code.EMBED_BACKWARD,
    Code.PERIODIC,
    Code.SPLINE,
}


@dataclass(frozen=True)
class Plan:
    """A checked program for batches of at most ``rows`` rows.

    workspace : numbers of memory beside the parameters
    codes : the columns of X that hold codes, each with the `Embedding` that reads it
    arithmetic : floating-point operations of the products of a step
    kept : what the program points to
    """

    program: Program
    dtype: np.dtype[Any]
    rows: int
    workspace: int
    codes: tuple[tuple[int, Embedding], ...]
    arithmetic: int
    kept: tuple[Any, ...]


def plan_training(
    network: Network,
    rows: int,
    loss: Loss,
    target: Array,
    optimizer: Optimizer,
    penalty: Penalty | None = None,
    gradient_clip: float | None = None,
    average: float | None = None,
    *,
    divided_penalty: bool = False,
) -> Plan | list[str]:
    """Return the plan for batches of at most ``rows`` rows, or the reasons why there is none.

    With ``divided_penalty`` the penalty's strengths are divided by each batch's sum of weights.
    """
    assembly = Assembly(network, rows, training=True)
    outputs, backward = lower(assembly, network.chain, Place(Space.ROWS, 0), network.n_inputs, "", 0)
    program = Program()
    _set_loss(program, loss, target, assembly)
    _set_optimizer(program, optimizer, assembly)
    if assembly.reasons:
        return assembly.reasons
    d_outputs = assembly.rows_of(network.n_outputs)
    backward(d_outputs, False)
    fuse(assembly, outputs, d_outputs)
    set_meetings(assembly)
    _set_places(program, assembly, outputs, d_outputs)
    program.gradient_clip = gradient_clip or 0.0
    program.average = average or 0.0
    if penalty is not None:
        program.l1, program.l2, program.divided_penalty = penalty.l1, penalty.l2, divided_penalty
        program.penalty_terms = assembly.numbers(2 * -(-network.parameters.size // _PENALTY_BLOCK)).offset
    return _finished(program, assembly)


def plan_prediction(
    network: Network, rows: int, loss: Loss | None = None, target: Array | None = None
) -> Plan | list[str]:
    """Return the plan for outputs of at most ``rows`` rows at a time, or the reasons why there is none.

    With a loss and a target, as it checked it, for their loss too.
    """
    assembly = Assembly(network, rows, training=False)
    outputs, _ = lower(assembly, network.chain, Place(Space.ROWS, 0), network.n_inputs, "", 0)
    program = Program()
    program.n_targets = 1
    program.optimizer = OptimizerCode.NO_UPDATE
    if loss is not None and target is not None:
        _set_loss(program, loss, target, assembly)
    if assembly.reasons:
        return assembly.reasons
    fuse(assembly, outputs, None)
    set_meetings(assembly)
    _set_places(program, assembly, outputs, outputs if loss is None else assembly.rows_of(network.n_outputs))
    return _finished(program, assembly)


_LOSSES: dict[type[Loss], tuple[LossCode, str]] = {
    SquaredError: (LossCode.SQUARED_ERROR, ""),
    AbsoluteError: (LossCode.ABSOLUTE_ERROR, ""),
    Huber: (LossCode.HUBER, "delta"),
    Quantile: (LossCode.QUANTILE, ""),
    Poisson: (LossCode.POISSON, ""),
    BinaryCrossEntropy: (LossCode.BINARY_CROSS_ENTROPY, "label_smoothing"),
    CrossEntropy: (LossCode.CROSS_ENTROPY, "label_smoothing"),
    BinaryFocal: (LossCode.BINARY_FOCAL, "gamma"),
    Focal: (LossCode.FOCAL, "gamma"),
}


def _set_loss(program: Program, loss: Loss, target: Array, assembly: Assembly) -> None:
    if type(loss) not in _LOSSES:
        assembly.reasons.append(f"the loss {loss!r} has no native form")
        return
    code, option = _LOSSES[type(loss)]
    if isinstance(loss, SquaredError) and loss.reduction == "half_sum":
        code = LossCode.HALF_SUM
    if isinstance(loss, CrossEntropy) and target.ndim == 1:
        code = LossCode.CROSS_ENTROPY_CODES
    program.loss, program.loss_option = code, getattr(loss, option) if option else 0.0
    program.n_targets = 1 if target.ndim == 1 else target.shape[1]
    if isinstance(loss, Quantile):
        levels = np.array(loss.levels, dtype=np.float64)
        program.n_levels, program.levels = len(levels), levels.ctypes.data
        assembly.kept.append(levels)


def _set_optimizer(program: Program, optimizer: Optimizer, assembly: Assembly) -> None:
    kind = type(optimizer)
    if kind not in (SGD, Adam, AdamW, RMSprop, LBFGS):
        assembly.reasons.append(f"the optimizer {optimizer!r} has no native form")
        return
    if isinstance(optimizer, LBFGS):
        if assembly.commit:
            assembly.reasons.append("LBFGS with running statistics runs on NumPy")
        program.optimizer = OptimizerCode.NO_UPDATE
        return
    for name in ("learning_rate", "weight_decay", "momentum", "beta1", "beta2", "epsilon"):
        setattr(program, name, getattr(optimizer, name, 0.0))
    if isinstance(optimizer, SGD):
        program.optimizer = OptimizerCode.SGD
        program.nesterov, program.inside = optimizer.nesterov, optimizer.rate == "inside"
    elif isinstance(optimizer, RMSprop):
        program.optimizer, program.beta1 = OptimizerCode.RMSPROP, optimizer.decay
    else:
        program.optimizer = OptimizerCode.ADAM
        program.rate_correction = isinstance(optimizer, Adam) and optimizer.correction == "rate"


def _set_places(program: Program, assembly: Assembly, outputs: Place, d_outputs: Place) -> None:
    network = assembly.network
    program.n_inputs, program.n_outputs = network.n_inputs, network.n_outputs
    program.n_parameters = network.parameters.size
    program.outputs, program.d_outputs = Operand(*outputs), Operand(*d_outputs)
    program.gathered_rows = assembly.rows_of(network.n_inputs).offset
    # codes are 64-bit numbers: two float32 places each
    program.gathered_target = assembly.rows_of(2 * program.n_targets).offset
    program.terms = assembly.rows_of(network.n_outputs).offset
    program.row_losses = assembly.rows_of(1).offset
    reading = [
        o.code for o in (*assembly.forward, *assembly.backward) for operand in o.operands if operand.space == Space.ROWS
    ]
    small = assembly.training and network.parameters.size <= _SMALL
    each = whole_registers(network.parameters.size) + PAD
    program.vectors = assembly.numbers(_N_VECTORS * each).offset if small else -1
    program.direct_rows = not small and outputs.space != Space.ROWS and set(reading) <= _READ_ROW_BY_ROW


def _finished(program: Program, assembly: Assembly) -> Plan:
    kept: list[Any] = list(assembly.kept)
    for name in ("forward", "backward", "commit"):
        operations = getattr(assembly, name)
        _check(operations, assembly)
        array = (Operation * len(operations))(*operations)
        kept.append(array)
        setattr(program, name, ctypes.addressof(array))
        setattr(program, f"n_{name}", len(operations))
    products = [o for o in (*assembly.forward, *assembly.backward) if o.code <= Code.PRODUCT_INPUT]
    arithmetic = sum(2 * assembly.rows * o.n_in * o.n_out for o in products)
    return Plan(
        program,
        assembly.network.dtype,
        assembly.rows,
        assembly.size,
        tuple(assembly.codes),
        arithmetic,
        tuple(kept),
    )


def _check(operations: Sequence[Operation], assembly: Assembly) -> None:
    """Raise unless each operand of each operation lies within its space."""
    network = assembly.network
    sizes = {
        Space.WORKSPACE: assembly.size,
        Space.PARAMETERS: network.parameters.size,
        Space.GRADIENTS: network.gradients.size,
        Space.BUFFERS: network.buffers.size,
        Space.ROWS: assembly.rows * network.n_inputs,
    }
    for o in operations:
        factors = {
            "rows": assembly.rows,
            "padded_rows": whole_registers(assembly.rows),
            "in": o.n_in,
            "in_again": 2,
            "out": o.n_out,
            **periodic_sizes(o.n_in, o.n_out, o.width, o.variant),
            **spline_sizes(o.n_in, o.n_out, o.width),
        }
        if min(o.n_in, o.n_out) < 1:
            raise AssertionError(f"engine: {Code(o.code).name} has sizes {o.n_in}, {o.n_out}")
        if o.code in (Code.COPY_COLUMNS, Code.ADD_COLUMNS) and not (
            0 <= getattr(o, "from") <= o.n_in - o.width and 0 <= o.to <= o.n_out - o.width
        ):
            raise AssertionError(f"engine: {Code(o.code).name} copies columns that are not there")
        for operand, extent in zip(o.operands, EXTENTS[Code(o.code)], strict=False):
            if operand.space == Space.NOWHERE:
                continue
            needed = math.prod(factors[factor] for factor in extent.split())
            if operand.space == Space.WORKSPACE:
                needed = whole_registers(needed) + PAD
            if operand.offset < 0 or operand.offset + needed > sizes[Space(operand.space)]:
                raise AssertionError(f"engine: an operand of {Code(o.code).name} lies outside its space")
