"""The functions of the template, copied for the types that a program uses them with."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from pellucid.export.target import template

MATH = ("cos", "erfc", "exp", "expm1", "fabs", "floor", "fmod", "log", "log1p", "rint", "sin", "sqrt", "tanh")
Variant = tuple[str, str, str]
"""A function of the template, with the type of its values and of its constants."""


def variant_name(variant: Variant) -> str:
    """Return the name of a variant, with its types.

    >>> variant_name(("affine", "float", "float")), variant_name(("affine", "double", "float"))
    ('affine_float', 'affine_double_float')
    """
    function, real, kept = variant
    source = functions()[function]
    if not re.search(r"\b(real|kept)\b", source):
        return function
    return f"{function}_{real}" if real == kept or not re.search(r"\bkept\b", source) else f"{function}_{real}_{kept}"


@functools.cache
def functions() -> dict[str, str]:
    """Return the sources of the template's functions by name, each with the comment before it."""
    pattern = r"^(?:/\*[^\n]*\*/\n)?static [^\n(]*?(\w+)\(.*?^}\n"
    found = re.finditer(pattern, template("c_functions.c"), re.DOTALL | re.MULTILINE)
    return {match[1]: match[0] for match in found}


def copied(variants: Iterable[Variant]) -> list[str]:
    """Return the sources of variants, and of those that they call, in the template's order."""
    sources = functions()
    found: dict[str, dict[str, str]] = {name: {} for name in sources}
    queue = list(variants)
    while queue:
        name, real, kept = queue.pop()
        own = variant_name((name, real, kept))
        if own in found[name]:
            continue
        source = sources[name]
        for called in set(re.findall(r"\b(\w+)\(", source)) & set(sources):
            source = re.sub(rf"\b{called}\(", f"{variant_name((called, real, kept))}(", source)
            if called != name:
                queue.append((called, real, kept))
        if real == "float" and re.search(r"\breal\b", source):
            source = re.sub(rf"\b({'|'.join(MATH)})\(", r"\1f(", source)
        found[name][own] = re.sub(r"\breal\b", real, re.sub(r"\bkept\b", kept, source))
    return [source for made in found.values() for source in made.values()]
