"""A random number is the content of an address (seed, purpose, layer, step, element): to draw twice is to read twice.

The words come from Philox4x64-10 (J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as
easy as 1, 2, 3", SC 2011), a function of a counter and a key that scrambles 4 words at once. Element ``i`` of an
address is word ``i % 4`` of the block with

    counter = (i // 4, step, layer, 0)        key = (seed, purpose)

where each entry is one 64-bit word, the lowest first. Uniforms, normals, permutations and masks are made from these
words by exact operations, one word an element, so any engine that follows this page draws the same bits, in any order
and on any number of threads.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import secrets
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pellucid import normal
from pellucid.errors import OptionError

__all__ = ["Purpose", "Random", "as_random"]

_CHILDREN = 1024


class Purpose(enum.IntEnum):
    """What random numbers are for; its number is the second word of the key."""

    INITIALIZE = 0
    SHUFFLE = 1
    DROPOUT = 2
    SPLIT = 3
    SAMPLE = 4


@dataclasses.dataclass(frozen=True)
class Random:
    """An address without its last part, the element; every draw starts at element 0 and changes nothing.

    Two draws from the same address are the same numbers. For other numbers ask another address: the next ``step``, a
    `child` layer, another ``purpose``.

    seed, layer, step : whole numbers, 0 <= number < 2**64
    purpose : `Purpose`

    Raises `OptionError` for a number outside its range.

    >>> rng = Random(seed=7)
    >>> bool(rng.uniform(3)[0] == rng.uniform(3)[0]), bool(rng.uniform(3)[0] == rng.at(step=1).uniform(3)[0])
    (True, False)
    """

    seed: int = 0
    purpose: Purpose = Purpose.INITIALIZE
    layer: int = 0
    step: int = 0

    def __post_init__(self) -> None:
        for name in ("seed", "layer", "step"):
            given = getattr(self, name)
            if type(given) is not int or not 0 <= given < 2**64:  # an address is made for each layer of each step
                object.__setattr__(self, name, _whole(f"Random: {name}", given))
        if not isinstance(self.purpose, Purpose):
            raise OptionError(
                f"Random: purpose got {self.purpose!r}; it expects one of {', '.join(map(str, Purpose.__members__))} "
                "of pellucid.random.Purpose, such as Purpose.SHUFFLE."
            )

    def at(self, *, purpose: Purpose | None = None, layer: int | None = None, step: int | None = None) -> Random:
        """Return the address with these parts replaced."""
        return Random(
            self.seed,
            self.purpose if purpose is None else purpose,
            self.layer if layer is None else layer,
            self.step if step is None else step,
        )

    def child(self, index: int) -> Random:
        """Return the address of the layer at ``index`` (0 to 1023) inside this layer: layer * 1024 + index + 1.

        This numbers a tree of layers from its root, 0, so no two layers share a number. Six levels fit in 64 bits.

        Raises `OptionError` above 1023 and below the sixth level.

        >>> Random().child(2).child(0).layer
        3073
        """
        if not 0 <= _whole("child: index", index) < _CHILDREN:
            raise OptionError(f"child: index got {index}; it expects 0 to {_CHILDREN - 1}. Group the layers.")
        number = self.layer * _CHILDREN + int(index) + 1
        if number >= 2**64:
            raise OptionError(
                f"child: layer {self.layer} got a layer inside it; its number {number} needs more than 64 bits. "
                "Nest layers at most six deep."
            )
        return Random(self.seed, self.purpose, number, self.step)

    def words(self, n: int, first: int = 0) -> NDArray[np.uint64]:
        """Return the raw words of elements ``first`` to ``first + n - 1``, shape (n,).

        >>> [hex(word) for word in Random(seed=1).words(2)]
        ['0xcb7ea744cf19bb4c', '0xa34eacbe1377d650']
        """
        count, start = _whole("words: n", n), _whole("words: first", first)
        block, skipped = divmod(start, 4)
        counter = self.layer << 128 | self.step << 64 | block
        # NumPy's generator adds 1 to its counter before each block, the first one included.
        philox = np.random.Philox(counter=(counter - 1) % 2**256, key=int(self.purpose) << 64 | self.seed)
        return philox.random_raw(skipped + count)[skipped:]

    def uniform(
        self, shape: int | tuple[int, ...], low: float = 0.0, high: float = 1.0, dtype: DTypeLike = np.float64
    ) -> NDArray[np.floating[Any]]:
        """Return numbers that are equally likely everywhere from ``low`` to ``high``.

        A word's upper 53 bits (float64) or 24 bits (float32) are u, a multiple of 2⁻⁵³ or 2⁻²⁴ in [0, 1), exactly. The
        result is low + (high - low) * u, each operation rounded to ``dtype``; with the default ends it is u itself,
        with others rounding may reach ``high``.

        >>> f"{Random(seed=1).uniform(1)[0]:.12f}"
        '0.794901327418'
        """
        kind = _floating("uniform", dtype)
        bits = 24 if kind == np.float32 else 53
        upper = self._words_of(shape) >> np.uint64(64 - bits)
        u: NDArray[np.floating[Any]] = upper.astype(kind) * kind.type(2.0**-bits)
        if low == 0.0 and high == 1.0:
            return u
        start, stop = kind.type(low), kind.type(high)
        between: NDArray[np.floating[Any]] = start + (stop - start) * u
        return between

    def normal(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[np.floating[Any]]:
        """Return standard normal numbers: Φ⁻¹ of the midpoint of the k-th of 2⁵² equal parts of (0, 1).

        k is the word's upper 52 bits. The midpoint (k + ½) 2⁻⁵² is exact in float64 and never 0 or 1, and the parts
        lie symmetric about ½. float32 numbers are the float64 numbers, rounded.

        >>> f"{Random(seed=1).normal(1)[0]:.12f}"
        '0.823546394924'
        """
        kind = _floating("normal", dtype)
        k = (self._words_of(shape) >> np.uint64(12)).astype(np.float64)
        return normal.quantile((k + 0.5) * 2.0**-52).astype(kind)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """Return the numbers 0 to n - 1 in random order, shape (n,): where the sorted words came from.

        A sort puts every index in one place, so this is a permutation whatever the words are. Whole numbers compare
        exactly, and the sort is stable: among equal words (of which n elements have about n² / 2⁶⁵ pairs) the lower
        index comes first. So every correct stable sort gives the same order.

        >>> Random(seed=1).permutation(5).tolist()
        [3, 4, 1, 0, 2]
        """
        return np.argsort(self.words(n), kind="stable").astype(np.int64, copy=False)

    def keep_mask(self, shape: int | tuple[int, ...], rate: float) -> NDArray[np.bool_]:
        """Return booleans that are True with probability 1 - rate.

        An element is False if its word lies below ⌊rate * 2⁶⁴⌋: a comparison of whole numbers.

        rate : 0 <= rate < 1, the share that is dropped

        Raises `OptionError` for another rate.

        >>> Random(seed=1).keep_mask(6, rate=0.5).tolist()
        [True, True, True, False, False, True]
        """
        if not 0.0 <= rate < 1.0:  # also refuses NaN
            raise OptionError(f"keep_mask: rate got {rate!r}; it expects a number of at least 0 and below 1.")
        return self._words_of(shape) >= np.uint64(int(float(rate) * 2.0**64))

    def _words_of(self, shape: int | tuple[int, ...]) -> NDArray[np.uint64]:
        sizes = shape if isinstance(shape, tuple) else (shape,)
        return self.words(math.prod(sizes)).reshape(sizes)


def as_random(value: int | Random | None) -> Random:
    """Return the address that ``value`` stands for.

    value : a seed (0 <= seed < 2**64), a `Random`, or None for a fresh seed from the operating system, which stands in
    ``.seed``, so that a run can be reported and repeated. A fresh seed has 53 bits: every JSON reader keeps it exactly.

    Raises `OptionError` for anything else.

    >>> as_random(7).seed
    7
    """
    if isinstance(value, Random):
        return value
    if value is None:
        return Random(seed=secrets.randbits(53))
    if isinstance(value, np.random.Generator | np.random.RandomState | np.random.BitGenerator):
        raise OptionError(
            f"rng got a NumPy {type(value).__name__}; it expects a seed, a whole number. A generator changes with "
            "every draw, so its results could not be repeated: pass an int, such as rng=0."
        )
    return Random(seed=_whole("rng", value))


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or not 0 <= value < 2**64:
        raise OptionError(
            f"{name} got {value!r} ({type(value).__name__}); it expects a whole number of at least 0 and below 2**64, "
            "such as 0."
        )
    return int(value)


def _floating(owner: str, dtype: DTypeLike) -> np.dtype[Any]:
    kind = np.dtype(dtype)
    if kind != np.float32 and kind != np.float64:
        raise OptionError(f"{owner}: dtype got {kind}; it expects float32 or float64.")
    return kind
