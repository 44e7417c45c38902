"""The calls of a recorded step: every array gets its symbol, and every layer its quantities to explain."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pellucid.formulas import Columns, Entry, LayerCall, Matrix, Symbol
from pellucid.insight.ledger.recording import Recording
from pellucid.insight.numbering import Numbers
from pellucid.layers import Chain, Layer, Residual
from pellucid.layers import Columns as ColumnsLayer


class Calls:
    """The call of the network's chain as ``top``, with those of all layers inside; and its arrays by name.

    enters : for the slope of an input, the path of the layer that the input enters
    """

    def __init__(self, made: Recording, X: Entry) -> None:
        self._made = made
        self._numbers = Numbers()
        self.parameters: dict[str, Entry] = {}
        self.gradients: dict[str, Entry] = {}
        self.buffers: dict[str, Entry] = {}
        self.enters: dict[Entry, str] = {}
        chain = made.network.chain
        self.top = self._forward(chain, "", X)
        self.top_slope = Entry(self.top.y.symbol.slope("L"), made.passages[""].dy)
        self.enters[self.top_slope] = "loss"
        self._back(chain, "", self.top, self.top_slope, X.symbol.slope("L"))

    def walk(self) -> Iterator[tuple[str, LayerCall]]:
        """Yield the call of each layer with the layer's path, the holding ones before the held."""

        def inside(path: str, call: LayerCall) -> Iterator[tuple[str, LayerCall]]:
            yield path, call
            for name, inner in call.inner.items():
                yield from inside(f"{path}{name}.", inner)

        yield from inside("", self.top)

    def _forward(self, layer: Layer, path: str, x: Matrix) -> LayerCall:
        """Return the layer's call, and those inside, as far as the way forward goes."""
        made, passage = self._made, self._made.passages[path]
        is_chain = type(layer) is Chain
        number = 0 if is_chain else self._numbers.next(layer)
        source = f"layer {path.rstrip('.')}: {textwrap.shorten(repr(layer), 40, placeholder=' ...')}"
        inner: dict[str, LayerCall] = {}
        entering = x
        for name, child in layer.children.items():
            if isinstance(layer, ColumnsLayer):
                start, stop, _ = layer.parts[name]
                entering = _columns(x, start, stop)
            inner[name] = self._forward(child, f"{path}{name}.", entering)
            entering = inner[name].y
        letter = layer.letters.get("y", "Y")
        y = entering if is_chain else Entry(Symbol.of(letter, number), passage.y, source=source)
        assert isinstance(y, Entry)
        call = LayerCall(x, y, y, None, passage.cache, inner=inner, rates=made.rates, number=number, source=source)
        for name, gradient in passage.gradients.items():
            full, symbol = f"{path}{name}", Symbol.of(layer.letters.get(name, name), number)
            value = made.network.views(made.start)[full]
            call.parameters[name] = Entry(symbol, value, full, name, source=source)
            call.parameters[name].over("kj" if value.ndim == 2 else "j")
            call.gradients[name] = Entry(symbol.slope("L"), gradient, full, source=source)
            self.parameters[full], self.gradients[full] = call.parameters[name], call.gradients[name]
        updates = layer.buffer_updates(passage.cache) if not layer.children else {}
        for name, value in layer.buffers.items():
            full, symbol = f"{path}{name}", Symbol.of(layer.letters.get(name, name), number)
            meaning = f"running {name}" if name in updates else name
            old = Entry(symbol, made.buffers[full], full, meaning, source=source)
            self.buffers[full] = call.buffers[name] = old.over("kj" if value.ndim == 2 else "j")
            if name in updates:
                new = Entry(symbol.new, value.copy(), full, f"running {name} after the step", source=source)
                new.replaces = old
                call.new_buffers[name] = new
        return call

    def _back(self, layer: Layer, path: str, call: LayerCall, dy: Matrix, symbol: Symbol) -> None:
        """Fill in dy and dx, also inside; ``symbol`` is that of dx."""
        call.dy = dy
        passage = self._made.passages[path]
        if isinstance(layer, ColumnsLayer):
            start = 0
            for name, child in layer.children.items():
                inner = call.inner[name]
                stop = start + inner.y.shape[1]
                through = call.x.symbol.slope("L", through=name)
                self._back(child, f"{path}{name}.", inner, _columns(dy, start, stop), through)
                start = stop
        elif layer.children:
            slope: Matrix | None = dy
            first = call.x.symbol.slope("L", through=call.y.symbol.text) if isinstance(layer, Residual) else symbol
            for name, child in reversed(list(layer.children.items())):
                inner = call.inner[name]
                assert slope is not None
                own = first if name == "0" else inner.x.symbol.slope("L")
                self._back(child, f"{path}{name}.", inner, slope, own)
                slope = inner.dx
            if type(layer) is Chain:
                call.dx = call.inner["0"].dx
                return
        if passage.dx is not None:
            call.dx = Entry(symbol, passage.dx, source=call.source)
            self.enters[call.dx] = path


def _columns(of: Matrix, start: int, stop: int) -> Columns:
    return Columns(of.entry, of.start + start, of.start + stop) if isinstance(of, Columns) else Columns(of, start, stop)
