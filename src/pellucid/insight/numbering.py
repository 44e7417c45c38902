"""The numbers of symbols, the 2 of W² and Z²: the ledger and the ejected page take them from here."""

from __future__ import annotations

from itertools import count

from pellucid.layers import Layer


class Numbers:
    """Gives each layer its number: that of the dense layer before, or the next one where a letter has it already.

    Layers are to be asked for in the order of the forward pass, one that holds others before those.
    """

    def __init__(self) -> None:
        self._taken: set[tuple[str, int]] = set()
        self._dense = 1

    def next(self, layer: Layer) -> int:
        """Return the layer's number."""
        names = [*layer.parameters, *layer.buffers]
        letters = [layer.letters.get("y", "Y"), *(layer.letters.get(name, name) for name in names)]
        found = next(n for n in count(self._dense) if not any((letter, n) in self._taken for letter in letters))
        self._taken.update((letter, found) for letter in letters)
        if letters[0] == "Z":
            self._dense = found
        return found
