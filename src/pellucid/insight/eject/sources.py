"""The sources of an ejected page: the library's own functions, carried over as text: no formula is written twice.

A method becomes a function, its ``self.option`` a keyword argument, and a branch that the options decide is gone. What
a function calls is carried along; a name that is neither Python's, NumPy's nor Pellucid's cannot be.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pellucid.insight.eject.folding import first_paragraph, folded, functions_node
from pellucid.insight.eject.layout import call, code, laid_out
from pellucid.insight.eject.names import RESERVED
from pellucid.insight.eject.translation import Carried, Translation, targets_of
from pellucid.options import REQUIRED, Configurable, options

_Function = ast.FunctionDef
NOTHING_GIVEN: Mapping[str, str] = {}


class Sources:
    """What was carried: ``texts`` by name, what is needed before what needs it, and the ``modules`` to import."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.modules: set[str] = set()
        self._constants: dict[str, Any] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        self._bodies: dict[str, tuple[Any, ...]] = {}
        self._defaults: dict[str, Mapping[str, Any]] = {}

    def function(self, function: Callable[..., Any], **given: str) -> str:
        """Carry a function and return its name on the page.

        Arguments with a default do not travel: in their place stands what is given, else the default.
        """
        key = (function, *given.items())
        if key not in self._names:
            name = function.__name__.lstrip("_")
            name = f"{name}_function" if name in RESERVED else name
            self._names[key] = self._carry(function, None, name, None, given=given).name
        return self._names[key]

    def method(
        self, owner: Configurable, method: str, name: str, sentence: str | None = None, *, only_used: bool = False
    ) -> Carried:
        """Carry a method of an object as the function ``name``; with ``only_used`` its idle arguments are dropped."""
        return self._carry(getattr(type(owner), method), owner, name, sentence, only_used=only_used)

    def constant(self, module: ModuleType, name: str) -> str:
        """Carry a module's constant, with its comment, and return its name."""
        value = vars(module)[name]
        assert self._constants.get(name, value) == value, f"two constants of the library are called {name!r}"
        if name not in self._constants:
            source = inspect.getsource(module)
            found = [n for n in ast.parse(source).body if isinstance(n, ast.Assign) and name in targets_of(n)]
            translation = Translation(self, source, found[0], vars(module), name)
            head, equals, right = translation.of([found[0]]).partition("=")
            self._constants |= {target: vars(module)[target] for target in targets_of(found[0])}
            self.texts[name.lstrip("_")] = re.sub(r"\b_+", "", head) + equals + right
        return name.lstrip("_")

    def text(self, name: str, lines: str, *modules: str) -> str:
        """Add a function that is written for the page, and return its name."""
        text = textwrap.dedent(lines).strip("\n")
        assert self.texts.setdefault(name, text) == text, f"two functions of the page are called {name!r}"
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
        given: Mapping[str, str] = NOTHING_GIVEN,
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
        label = f"{function.__module__}.{function.__qualname__}"
        translation = Translation(self, source, node, function.__globals__, label, owner)
        translation.replace_defaults(node.args, given)
        body = translation.of(statements)
        arguments = [argument.arg for argument in node.args.args if argument.arg not in ("self", *translation.given)]
        if only_used:
            used = {found.id for s in statements for found in ast.walk(s) if isinstance(found, ast.Name)}
            arguments = [argument for argument in arguments if argument in used]
        while name in self.texts and self._bodies.get(name) != (arguments, body):
            name += "_2"
        if name not in self.texts:
            declared = {o.name: o.default for o in options(type(owner)) if o.default is not REQUIRED} if owner else {}
            defaults = {option: declared.get(own, value) for option, (own, value) in translation.options.items()}
            self._bodies[name], self._defaults[name] = (arguments, body), defaults
            parameters = [*arguments, *(f"{option}={code(value)}" for option, value in defaults.items())]
            public = not function.__name__.startswith("_")
            doc = sentence or first_paragraph(function) or (first_paragraph(type(owner)) if owner and public else "")
            self.texts[name] = _definition(name, parameters, doc, body)
        values = {option: value for option, (_, value) in translation.options.items()}
        own = [f"{option}={code(value)}" for option, value in values.items() if self._defaults[name][option] != value]
        return Carried(name, tuple(arguments), tuple(own))


def _definition(name: str, parameters: list[str], doc: str, body: str) -> str:
    head = laid_out(call(f"def {name}", *parameters), after=":")
    lines = doc.splitlines()
    quoted = [f'    """{lines[0]}', *(f"    {line}".rstrip() for line in lines[1:])] if lines else []
    if quoted:
        quoted[-1] += '"""' if len(lines) == 1 else '\n    """'
    return "\n".join([*head, *quoted, body])


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
