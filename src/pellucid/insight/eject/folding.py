"""Folding a function's source: the branches that an object's options decide are decided."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from pellucid.options import Configurable


def functions_node(source: str) -> tuple[ast.FunctionDef, list[ast.stmt]]:
    """Return the function that a source defines, and its statements without the docstring."""
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    statements = node.body
    if isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    return node, statements


def first_paragraph(documented: Any) -> str:
    """Return the first paragraph of a docstring, without the marks of markup, or an empty text."""
    text = inspect.cleandoc(getattr(documented, "__doc__", None) or "")
    return text.split("\n\n")[0].replace("``", "").replace("::", ":")


def decided(test: ast.expr, owner: Configurable | None) -> bool | None:
    """Return whether a condition holds that depends on nothing but the owner's options; else None."""
    nodes = list(ast.walk(test))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    if owner is None or names != {"self"} or any(isinstance(node, ast.Call) for node in nodes):
        return None
    return bool(eval(compile(ast.Expression(test), "<option>", "eval"), {"self": owner}))  # our own source


def folded(source: str, owner: Configurable) -> str:
    """Return the source with each ``if`` on options alone replaced by the branch that is taken."""
    whole = source
    while True:
        found = _first(functions_node(source)[1], owner)
        if found is None:
            return source if source == whole else _without_idle(source)
        node, holds, rest = found
        chosen = node.body if holds else node.orelse
        lines = source.splitlines()
        last = int(node.end_lineno or 0)
        taken = []
        if chosen:
            shift = chosen[0].col_offset - node.col_offset
            taken = [line[shift:] for line in lines[chosen[0].lineno - 1 : int(chosen[-1].end_lineno or 0)]]
            if _ends(chosen[-1]) and rest:
                last = int(rest[-1].end_lineno or 0)
        source = "\n".join([*lines[: node.lineno - 1], *taken, *lines[last:]]) + "\n"


def _without_idle(source: str) -> str:
    """Return the source without names that only a branch that is gone has read."""
    node, statements = functions_node(source)
    names = [found for found in ast.walk(node) if isinstance(found, ast.Name)]
    read = {found.id for found in names if isinstance(found.ctx, ast.Load)}
    lines = source.splitlines()
    for statement in reversed(statements):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id not in read:
            del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(lines) + "\n"


def _first(statements: list[ast.stmt], owner: Configurable) -> tuple[ast.If, bool, list[ast.stmt]] | None:
    for position, statement in enumerate(statements):
        if isinstance(statement, ast.If):
            holds = decided(statement.test, owner)
            if holds is not None:
                return statement, holds, statements[position + 1 :]
        for inner in (getattr(statement, "body", []), getattr(statement, "orelse", [])):
            found = _first(inner, owner)
            if found is not None:
                return found
    return None


def _ends(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.With):
        return _ends(statement.body[-1])
    return isinstance(statement, ast.Return | ast.Raise)
