"""Functions that pages share and that are nobody's source: random words, and arrays and codes as they travel."""

from __future__ import annotations

from pellucid.insight.eject.sources import Sources
from pellucid.random import Purpose


def write_unpack(sources: Sources) -> None:
    """Write the function that reads an array from base64."""
    sources.text(
        "unpack",
        '''
        def unpack(kind, shape, text):
            """Return the array whose numbers, low byte first, stand in base64."""
            dtype = np.dtype(kind)
            return np.frombuffer(base64.b64decode(text), dtype.newbyteorder("<")).astype(dtype).reshape(shape)
        ''',
        "numpy",
        "base64",
    )


def write_words(sources: Sources) -> None:
    """Write the function that draws random words."""
    sources.text(
        "words",
        '''
        def words(n, purpose, layer, step):
            """Return n random 64-bit words: Philox4x64-10 at the address (SEED, purpose, layer, step)."""
            counter = layer << 128 | step << 64
            return np.random.Philox(counter=(counter - 1) % 2**256, key=purpose << 64 | SEED).random_raw(n)
        ''',
        "numpy",
    )


def write_permutation(sources: Sources) -> None:
    """Write the function that shuffles rows."""
    write_words(sources)
    sources.text(
        "permutation",
        f'''
        def permutation(n, epoch):
            """Return 0 ... n - 1 in the random order of an epoch: where the sorted words came from."""
            return np.argsort(words(n, {int(Purpose.SHUFFLE)}, 0, epoch), kind="stable")
        ''',
    )


def write_dropout_mask(sources: Sources, dtype: str) -> None:
    """Write the function that draws a mask."""
    write_words(sources)
    sources.text(
        "dropout_mask",
        f'''
        def dropout_mask(shape, rate, layer, step):
            """Return 0 with probability rate, else 1 / (1 - rate)."""
            drawn = words(math.prod(shape), {int(Purpose.DROPOUT)}, layer, step).reshape(shape)
            return (drawn >= np.uint64(int(rate * 2.0**64))) * np.{dtype}(1 / (1 - rate))
        ''',
        "math",
    )


def write_codes_of(sources: Sources) -> None:
    """Write the function that reads codes."""
    sources.text(
        "codes_of",
        '''
        def codes_of(column, n_codes):
            """Return a column of numbers, (n, 1), as codes 0 ... n_codes - 1, (n,)."""
            codes = column[:, 0].astype(np.intp)
            if ((codes != column[:, 0]) | (codes < 0) | (codes >= n_codes)).any():
                raise ValueError(f"codes are whole numbers from 0 to {n_codes - 1}")
            return codes
        ''',
        "numpy",
    )
