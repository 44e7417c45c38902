"""Texts of a model in C: as identifiers, as string literals, and in comments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST_NAME = 48
LONGEST_LITERAL = 4095  # characters that every C99 compiler takes (5.2.4.1)

# C99 and C11; C++, which may include the header; macros that headers or compilers define in plain letters.
WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await co_return co_yield
compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export false friend
mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast
requires static_assert static_cast template this thread_local throw true try typeid typename typeof typeof_unqual
using virtual wchar_t xor xor_eq
EOF HUGE_VAL I INFINITY NAN NULL assert complex errno far huge imaginary linux near stderr stdin stdout unix
"""
RESERVED = frozenset(WORDS.split())


def identifier(text: str, otherwise: str) -> str:
    """Return a C identifier like a text; ``otherwise`` begins it where the text has no letter to begin with.

    >>> identifier("Größe (mm)", "column"), identifier("2024", "column"), identifier("", "column")
    ('Grosse_mm', 'column_2024', 'column')
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = re.sub(r"[^0-9A-Za-z]+", "_", plain)[:LONGEST_NAME].strip("_")
    if not name[:1].isalpha():
        name = f"{otherwise}_{name}" if name else otherwise
    return name


def identifiers(texts: Iterable[str], otherwise: str) -> dict[str, str]:
    """Return an identifier for each text that is no keyword; no two are the same: later ones get numbers.

    >>> identifiers(["a b", "a-b", "int"], "column")
    {'a b': 'a_b', 'a-b': 'a_b_2', 'int': 'int_'}
    """
    found: dict[str, str] = {}
    taken = set[str]()
    for text in texts:
        first, number = identifier(text, otherwise), 1
        name = f"{first}_" if first in RESERVED else first
        while name in taken:
            number += 1
            name = f"{first}_{number}"
        taken.add(name)
        found[text] = name
    return found


def literal(text: str) -> str:
    """Return the UTF-8 bytes of a text as a string literal.

    >>> print(literal('a "b"'), literal("é"), literal("??/"))
    "a \\"b\\"" "\\303\\251" "\\?\\?/"
    """
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_LITERAL:
        return "(const char[]){" + "".join(f"'\\{byte:03o}', " for byte in encoded) + "0}"
    return '"' + "".join(_CHARACTERS[byte] for byte in encoded) + '"'


def quoted(text: str) -> str:
    """Return a text for use in a comment, in quotes, on one line, and such that it cannot end the comment."""
    plain = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{commented(plain)}"'


def commented(text: str) -> str:
    """Return a text in which nothing begins or ends a comment or makes a trigraph.

    >>> commented("a /* b */ ??/")
    'a / * b * / ? ?/'
    """
    return re.sub(r"(?<=/)(?=\*)|(?<=\*)(?=/)|(?<=\?)(?=\?)", " ", text)


def _character(byte: int) -> str:
    if chr(byte) in '"\\?':  # two question marks may begin a trigraph
        return f"\\{chr(byte)}"
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


_CHARACTERS = [_character(byte) for byte in range(256)]
