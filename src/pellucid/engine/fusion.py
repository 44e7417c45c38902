"""Fusion lets a product do what follows it while its output is in the cache: an activation, or the slope of one.

Two patterns of neighbors become one operation each, and arrays that nothing else reads are not written:

    z = x W + b,  a = f(z)             ->  a = f(x W + b)
    da = dz' Wᵀ,  dz = da f'(z)        ->  dz = (dz' Wᵀ) f'(z)
"""

from __future__ import annotations

from collections import Counter

from pellucid.engine.assembly import Assembly, Place, place_of
from pellucid.engine.records import ActivationCode, Code, Operation

_SLOPE_FROM_VALUE = {ActivationCode.identity, ActivationCode.sigmoid, ActivationCode.tanh, ActivationCode.relu}
"""Activations whose slope is the same number computed from a as from z; see native/activations.h."""


def fuse(assembly: Assembly, outputs: Place, d_outputs: Place | None) -> None:
    """Join what can be joined in the assembly's lists; ``outputs`` and ``d_outputs`` are read outside of them."""
    for o in assembly.backward:
        if o.code == Code.ACTIVATE_BACKWARD and o.variant in _SLOPE_FROM_VALUE:
            o.operands[1] = o.operands[2]
    uses = Counter(place_of(operand) for o in (*assembly.forward, *assembly.backward) for operand in o.operands)
    uses.update(place for place in (outputs, d_outputs) if place is not None)
    _join(assembly.forward, Code.PRODUCT_FORWARD, Code.ACTIVATE, uses)
    _join(assembly.backward, Code.PRODUCT_INPUT, Code.ACTIVATE_BACKWARD, uses)


def _join(operations: list[Operation], product: Code, follower: Code, uses: Counter[Place]) -> None:
    """Let each product do the work of the operation after it, if that is its follower and reads its output."""
    for index in reversed(range(len(operations) - 1)):
        first, second = operations[index : index + 2]
        made = place_of(first.operands[2])
        if first.code != product or second.code != follower or place_of(second.operands[0]) != made:
            continue
        wanted = uses[made] > 2  # the product's output, the follower's input, and elsewhere
        if follower == Code.ACTIVATE:
            first.operands[4] = second.operands[1]
            if not wanted:
                first.operands[2] = second.operands[1]
        elif not wanted:
            first.operands[2] = second.operands[3]
            first.operands[3], first.operands[4] = second.operands[1], second.operands[2]
        else:
            continue
        first.variant, first.options[0] = second.variant, second.options[0]
        del operations[index + 1]
