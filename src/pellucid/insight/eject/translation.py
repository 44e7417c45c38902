"""A translation is the text of a function's statements with the names of an ejected page."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError
from pellucid.insight.eject.folding import decided
from pellucid.insight.eject.names import snake_case
from pellucid.options import Configurable

if TYPE_CHECKING:
    from pellucid.insight.eject.sources import Sources

_NOTHING: Any = object()


@dataclass(frozen=True)
class Carried:
    """A function of the page: how it is called."""

    name: str
    arguments: tuple[str, ...]
    own_options: tuple[str, ...]

    def call(self, **given: str) -> str:
        """Return the call with those of the given arguments that the function takes, in its order."""
        return self.call_in_order([given[name] for name in self.arguments])

    def call_in_order(self, given: Iterable[str]) -> str:
        """Return the call with these arguments."""
        return f"{self.name}({', '.join([*given, *self.own_options])})"


class Translation(ast.NodeVisitor):
    """The text of a function's statements with other names: edits are ranges of the source and what replaces them."""

    def __init__(
        self,
        sources: Sources,
        source: str,
        node: ast.stmt,
        names: Mapping[str, Any],
        label: str,
        owner: Configurable | None = None,
    ) -> None:
        self.options: dict[str, tuple[str, Any]] = {}
        self.given: dict[str, str] = {}
        self._sources, self._names, self._label, self._owner = sources, names, label, owner
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._edits: list[tuple[int, int, str]] = []
        self._handed: set[str] = set()
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._locals = stored | {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in n.args}

    def replace_defaults(self, arguments: ast.arguments, given: Mapping[str, str]) -> None:
        """Let arguments with a default be replaced by what is given, or by the default."""
        with_default = arguments.args[len(arguments.args) - len(arguments.defaults) :]
        for argument, default in zip(with_default, arguments.defaults, strict=True):
            self.given[argument.arg] = given.get(argument.arg) or self._rendered(default)
            self._locals.discard(argument.arg)

    def of(self, statements: list[ast.stmt]) -> str:
        for statement in statements:
            self.visit(statement)
        start, end = self._starts[statements[0].lineno - 1], self._starts[int(statements[-1].end_lineno or 0)]
        return self._applied(start, end, self._edits).rstrip("\n")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            carried = self._method(node.func)
            if carried is not None:
                self._replace(node, carried.call_in_order(self._rendered(argument) for argument in node.args))
                return
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        carried = self._method(node)
        if carried is not None:
            self._replace(node, carried.name)
        elif self._object(node.value) is self._owner and self._owner is not None:
            option = f"given_{node.attr}" if node.attr in self._locals else node.attr
            self.options[option] = (node.attr, getattr(self._owner, node.attr))
            self._replace(node, option)
        elif isinstance(node.value, ast.Name) and self._is_ours(self._global(node.value.id)):
            self._replace(node, self._named(getattr(self._global(node.value.id), node.attr)))
        else:
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Attribute):
            carried = self._method(node.value)
            if carried is not None and [carried.name] == targets_of(node):  # softplus = Softplus().value
                self._edits.append((self._starts[node.lineno - 1], self._starts[node.lineno], ""))
                self._locals.discard(carried.name)
                self._handed.add(carried.name)
                return
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._edits.append((self._end(node.target), self._end(node.annotation), ""))
        assert node.value is not None
        self.visit(node.value)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        holds = decided(node.test, self._owner)
        if holds is None:
            self.generic_visit(node)
        else:
            self._replace(node, self._rendered(node.body if holds else node.orelse))

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self._locals or node.id in self._handed or not isinstance(node.ctx, ast.Load):
            return
        if node.id in self.given:
            self._replace(node, self.given[node.id])
            return
        value = self._global(node.id)
        if isinstance(value, ModuleType):
            self._sources.modules.add(value.__name__)
        elif value is _NOTHING and not hasattr(builtins, node.id):
            raise self._refusal(node.id)
        elif callable(value) and value.__module__.split(".")[0] in sys.stdlib_module_names:
            self._sources.modules.add(value.__module__)
            self._replace(node, f"{value.__module__}.{value.__name__}")
        elif callable(value):
            self._replace(node, self._named(value))
        elif value is not _NOTHING:
            self._replace(node, self._sources.constant(sys.modules[self._names["__name__"]], node.id))

    def _method(self, node: ast.Attribute) -> Carried | None:
        """Carry what an attribute names, if that is a method of an object of ours."""
        owner = self._object(node.value)
        if not isinstance(owner, Configurable) or not callable(getattr(owner, node.attr, None)):
            return None
        plain = node.attr in ("value", "factor")
        own = getattr(owner, "name", "") if node.attr == "value" else snake_case(type(owner).__name__)
        helper = node.attr.lstrip("_") if node.attr.startswith("_") else f"{own}_{node.attr}"
        helper = f"{helper}_of" if helper in self._locals else helper
        return self._sources.method(owner, node.attr, own if plain else helper)

    def _object(self, node: ast.expr) -> Any:
        """Return the object of ours that ``self``, ``self.option`` or ``Class()`` stands for."""
        if isinstance(node, ast.Name) and node.id == "self":
            return self._owner
        if isinstance(node, ast.Attribute) and self._owner is not None and self._object(node.value) is self._owner:
            return getattr(self._owner, node.attr, None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            kind = self._global(node.func.id)
            return kind() if isinstance(kind, type) and issubclass(kind, Configurable) else None
        return None

    def _named(self, value: Any) -> str:
        value = inspect.unwrap(value)  # a page has no need of a cache
        if not (isinstance(value, FunctionType) and self._is_ours(value)):
            raise self._refusal(getattr(value, "__name__", repr(value)))
        return self._sources.function(value)

    def _global(self, name: str) -> Any:
        return self._names.get(name, _NOTHING)

    @staticmethod
    def _is_ours(value: Any) -> bool:
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        return str(module).startswith("pellucid")

    def _refusal(self, name: str) -> OptionError:
        return OptionError(
            f"eject: {self._label} uses {name!r}, which a page of plain NumPy does not have. "
            " Use the library's own parts, or write the function with NumPy alone."
        )

    def _replace(self, node: ast.expr, text: str) -> None:
        assert text not in self._locals or text in self.options, f"{text!r} is also a local name"
        self._edits.append((self._start(node), self._end(node), text))

    def _rendered(self, node: ast.expr) -> str:
        outer, self._edits = self._edits, []
        self.visit(node)
        text = self._applied(self._start(node), self._end(node), self._edits)
        self._edits = outer
        return text

    def _applied(self, start: int, end: int, edits: list[tuple[int, int, str]]) -> str:
        parts, at = [], start
        for first, last, text in sorted(edits):
            parts += [self._bytes[at:first], text.encode()]
            at = last
        return b"".join([*parts, self._bytes[at:end]]).decode()

    def _start(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr) -> int:
        return self._starts[int(node.end_lineno or 0) - 1] + int(node.end_col_offset or 0)


def targets_of(node: ast.Assign) -> list[str]:
    """Return the names that an assignment sets."""
    return [found.id for target in node.targets for found in ast.walk(target) if isinstance(found, ast.Name)]
