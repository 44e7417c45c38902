"""The sources of an ejected page: the library's own functions, carried over as text: no formula is written twice.

A method becomes a function, its ``self.option`` a keyword argument, and a branch that the options decide is gone. What
a function calls is carried along; a name that is neither Python's, NumPy's nor Pellucid's cannot be.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from pellucid.errors import OptionError
from pellucid.insight.eject.folding import decided, first_paragraph, folded, functions_node
from pellucid.insight.eject.layout import call, code, laid_out
from pellucid.insight.eject.names import RESERVED, snake_case
from pellucid.options import REQUIRED, Configurable, options

_Function = ast.FunctionDef
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


class Sources:
    """What was carried: ``texts`` by name, what is needed before what needs it, and the ``modules`` to import."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.modules: set[str] = set()
        self._names: dict[Callable[..., Any], str] = {}
        self._bodies: dict[str, tuple[Any, ...]] = {}
        self._defaults: dict[str, Mapping[str, Any]] = {}

    def function(self, function: Callable[..., Any]) -> str:
        """Carry a function and return its name on the page."""
        if function not in self._names:
            name = function.__name__.lstrip("_")
            name = f"{name}_function" if name in RESERVED else name
            self._names[function] = self._carry(function, None, name, None).name
        return self._names[function]

    def method(
        self, owner: Configurable, method: str, name: str, sentence: str | None = None, *, only_used: bool = False
    ) -> Carried:
        """Carry a method of an object as the function ``name``; with ``only_used`` its idle arguments are dropped."""
        return self._carry(getattr(type(owner), method), owner, name, sentence, only_used=only_used)

    def constant(self, module: ModuleType, name: str) -> str:
        """Carry a module's constant, with its comment, and return its name."""
        new = name.lstrip("_")
        if new not in self.texts:
            source = inspect.getsource(module)
            found = [n for n in ast.parse(source).body if isinstance(n, ast.Assign) and _targets(n) == [name]]
            lines = source.splitlines()[found[0].lineno - 1 : found[0].end_lineno]
            self.texts[new] = "\n".join([new + lines[0].removeprefix(name), *lines[1:]])
        return new

    def text(self, name: str, lines: str, *modules: str) -> str:
        """Add a function that is written for the page, and return its name."""
        self.texts.setdefault(name, textwrap.dedent(lines).strip("\n"))
        self.modules.update(modules)
        return name

    def _carry(
        self,
        function: Any,
        owner: Configurable | None,
        name: str,
        sentence: str | None,
        *,
        only_used: bool = False,
    ) -> Carried:
        source = textwrap.dedent(inspect.getsource(function))
        source = source if owner is None else folded(source, owner)
        node, statements = functions_node(source)
        helper = _helper_of(statements, node, function)
        if helper is not None and owner is not None:
            inner = functions_node(textwrap.dedent(inspect.getsource(helper)))[1]
            if helper.__name__.lstrip("_") == name or (len(inner) == 1 and isinstance(inner[0], ast.Return)):
                sentence = sentence or first_paragraph(type(owner))
                return self._carry(helper, None, name, sentence, only_used=only_used)
        translation = _Translation(self, source, node, function, owner)
        body = translation.of(statements)
        arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs) if argument.arg != "self"]
        if only_used:
            used = {found.id for s in statements for found in ast.walk(s) if isinstance(found, ast.Name)}
            arguments = [argument for argument in arguments if argument in used]
        while name in self._bodies and self._bodies[name] != (arguments, body):
            name += "_2"
        if name not in self.texts:
            declared = {o.name: o.default for o in options(type(owner)) if o.default is not REQUIRED} if owner else {}
            defaults = {option: declared.get(own, value) for option, (own, value) in translation.options.items()}
            self._bodies[name], self._defaults[name] = (arguments, body), defaults
            parameters = [*arguments, *(f"{option}={code(value)}" for option, value in defaults.items())]
            public = not function.__name__.startswith("_")
            doc = sentence or first_paragraph(function) or (first_paragraph(type(owner)) if owner and public else "")
            self.texts[name] = _definition(name, parameters, doc, body)
        given = {option: value for option, (_, value) in translation.options.items()}
        own = [f"{option}={code(value)}" for option, value in given.items() if self._defaults[name][option] != value]
        return Carried(name, tuple(arguments), tuple(own))


class _Translation(ast.NodeVisitor):
    """The text of a function's statements with other names: edits are ranges of the source and what replaces them."""

    def __init__(
        self, sources: Sources, source: str, node: _Function, function: Any, owner: Configurable | None
    ) -> None:
        self.options: dict[str, tuple[str, Any]] = {}
        self._sources, self._function, self._owner = sources, function, owner
        self._bytes = source.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._edits: list[tuple[int, int, str]] = []
        self._handed: set[str] = set()
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._locals = stored | {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in n.args}

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
            if carried is not None and [carried.name] == _targets(node):  # softplus = Softplus().value
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
        value = self._global(node.id)
        if isinstance(value, ModuleType):
            self._sources.modules.add(value.__name__)
        elif value is _NOTHING and not hasattr(builtins, node.id):
            raise self._refusal(node.id)
        elif value is not _NOTHING:
            module = inspect.getmodule(self._function)
            known = isinstance(value, int | float | list | tuple) and module is not None
            self._replace(node, self._sources.constant(module, node.id) if known and module else self._named(value))

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
        if not (isinstance(value, FunctionType) and self._is_ours(value)):
            raise self._refusal(getattr(value, "__name__", repr(value)))
        return self._sources.function(value)

    def _global(self, name: str) -> Any:
        return self._function.__globals__.get(name, _NOTHING)

    @staticmethod
    def _is_ours(value: Any) -> bool:
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
        return str(module).startswith("pellucid")

    def _refusal(self, name: str) -> OptionError:
        return OptionError(
            f"eject: {self._function.__module__}.{self._function.__qualname__} uses {name!r}, which a page of plain "
            "NumPy does not have. Use the library's own parts, or write the function with NumPy alone."
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


def _definition(name: str, parameters: list[str], doc: str, body: str) -> str:
    head = laid_out(call(f"def {name}", *parameters), after=":")
    lines = doc.splitlines()
    quoted = [f'    """{lines[0]}', *(f"    {line}".rstrip() for line in lines[1:])] if lines else []
    if quoted:
        quoted[-1] += '"""' if len(lines) == 1 else '\n    """'
    return "\n".join([*head, *quoted, body])


def _targets(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _helper_of(statements: list[ast.stmt], node: _Function, function: Any) -> Any:
    """Return the function to which the whole work is handed with the function's own arguments, or None."""
    if len(statements) != 1 or not isinstance(statements[0], ast.Return):
        return None
    value = statements[0].value
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        return None
    handed = [argument.id if isinstance(argument, ast.Name) else "" for argument in value.args]
    own = [argument.arg for argument in node.args.args if argument.arg != "self"]
    helper = function.__globals__.get(value.func.id)
    return helper if isinstance(helper, FunctionType) and handed == own[: len(handed)] else None
