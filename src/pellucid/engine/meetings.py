"""Meetings are where the threads of a plan wait for each other: where one touches what another may have written.

Most operations go row by row of the batch, and every thread has rows of its own, the same in all of them: from one to
the next nobody waits. So the way back first goes down through the rows to the first layer, and all gradients of
parameters, which need all rows, follow after one meeting.

A product whose output has more columns than rows goes by columns, with a meeting before and after: by rows, every
thread would pack all of the weights.
"""

from __future__ import annotations

from pellucid.engine.assembly import Assembly, Place, place_of
from pellucid.engine.records import Code, Operation, Space

_WRITTEN = {
    Code.PRODUCT_FORWARD: (2, 4),
    Code.PRODUCT_INPUT: (2,),
    Code.MULTIPLY: (1,),
    Code.ACTIVATE: (1,),
    Code.ACTIVATE_BACKWARD: (3,),
    Code.NORMALIZE_EXPONENTIALS: (1,),
    Code.NORMALIZE_EXPONENTIALS_BACKWARD: (2,),
    Code.BLEND: (3,),
    Code.BLEND_BACKWARD: (4,),
    Code.SCALE_COLUMNS: (2,),
    Code.SCALE_SHIFT_COLUMNS: (3,),
    Code.ADD: (2,),
    Code.COPY_COLUMNS: (1,),
    Code.ADD_COLUMNS: (1,),
    Code.EMBED: (2,),
    Code.LAYER_NORM: (1, 2),
    Code.LAYER_NORM_BACKWARD: (3,),
    Code.BATCH_NORM_RUNNING: (3,),
    Code.DROPOUT: (1, 2),
    Code.DROPOUT_BACKWARD: (1,),
    Code.PERIODIC: (2, 3),
    Code.SPLINE: (2, 3),
    Code.SPLINE_INPUT: (3,),
}
"""The operations that go row by row, with the operands that each writes."""

_WRITTEN_ALL_ROWS = {
    Code.PRODUCT_WEIGHT: (2,),
    Code.BLEND_SLOPE: (3,),
    Code.COLUMN_SUM: (1,),
    Code.COLUMN_PRODUCT_SUM: (2,),
    Code.FILL_ZERO: (0,),
    Code.COPY_VECTOR: (1,),
    Code.EMBED_BACKWARD: (2,),
    Code.BATCH_NORM: (3, 4, 5),
    Code.BATCH_NORM_BACKWARD: (3,),
    Code.PERIODIC_BACKWARD: (2, 3, 4),
    Code.SPLINE_TABLE: (3,),
    Code.SPLINE_WEIGHT: (2, 3, 4),
}
"""The others, whose threads share columns or tiles, or leave the work to one of them."""


def set_meetings(assembly: Assembly) -> None:
    """Share out products, order the way back, and mark each operation after which the threads meet."""
    for o in (*assembly.forward, *assembly.backward):
        if o.code in (Code.PRODUCT_FORWARD, Code.PRODUCT_INPUT):
            columns = o.n_out if o.code == Code.PRODUCT_FORWARD else o.n_in
            o.by_columns = int(assembly.rows < columns)
    backward = _rows_first([_Access(o) for o in assembly.backward])
    assembly.backward[:] = [access.operation for access in backward]
    for accesses in ([_Access(o) for o in assembly.forward], backward, [_Access(o) for o in assembly.commit]):
        by_rows, others = _Touched(), _Touched()  # since the last meeting
        for index, access in enumerate(accesses):
            if others.concern(access) or (not access.by_rows and by_rows.concern(access)):
                accesses[index - 1].operation.meets = 1
                by_rows, others = _Touched(), _Touched()
            (by_rows if access.by_rows else others).add(access)
        for access in accesses[-1:]:
            access.operation.meets = 1


class _Access:
    """An operation with the places that it touches, those of them that it writes, and whether it goes row by row."""

    def __init__(self, operation: Operation) -> None:
        code = Code(operation.code)
        places = [place_of(operand) for operand in operation.operands]
        written = _WRITTEN[code] if code in _WRITTEN else _WRITTEN_ALL_ROWS[code]
        self.operation = operation
        self.by_rows = code in _WRITTEN and not operation.by_columns
        self.places = {place for place in places if place.space != Space.NOWHERE}
        self.written = {places[index] for index in written if places[index].space != Space.NOWHERE}


def _rows_first(accesses: list[_Access]) -> list[_Access]:
    """Return them in an order in which those by rows come as early as what they touch allows."""
    left = accesses
    found: list[_Access] = []
    while left:
        for by_rows in (True, False):
            waiting: list[_Access] = []
            touched = _Touched()  # by those that wait
            for access in left:
                if access.by_rows is by_rows and not touched.concern(access):
                    found.append(access)
                else:
                    waiting.append(access)
                    touched.add(access)
            left = waiting
    return found


class _Touched:
    """What some operations touch, and what of it they write."""

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.written: set[Place] = set()

    def add(self, access: _Access) -> None:
        self.places |= access.places
        self.written |= access.written

    def concern(self, access: _Access) -> bool:
        """Return whether the operation writes what they touch, or touches what they write."""
        return not (self.written.isdisjoint(access.places) and self.places.isdisjoint(access.written))
