"""An option is a named setting of a public class, declared once: its domain, default, unit and one sentence.

A class that derives from `Configurable` writes its options as annotated class attributes; its constructor, the
validation and its messages, the ``repr``, the JSON configuration and the command line's help all come from that table.

    class SGD(Optimizer):
        learning_rate: float = option(Number(low=0), "Step size.", default=0.01)
"""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, dataclass_transform

import numpy as np

from pellucid.domains import Domain, Either
from pellucid.errors import OptionError, listed, near_miss

REQUIRED: Any = dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class Option:
    """What is declared of one option."""

    name: str
    domain: Domain
    default: Any
    sentence: str
    unit: str = ""

    def help(self) -> str:
        """Return the line that help pages show."""
        unit = f", in {self.unit}" if self.unit else ""
        return f"{self.sentence} ({self.domain.describe()}{unit})"


def option(domain: Domain, sentence: str, *, default: Any = REQUIRED, unit: str = "", kw_only: bool = True) -> Any:
    """Declare an option in the body of a `Configurable` class; without a default it must be given."""
    declared = {"domain": domain, "sentence": sentence, "unit": unit}
    return dataclasses.field(default=default, kw_only=kw_only, metadata={"option": declared})


@dataclass_transform(eq_default=False, kw_only_default=True, field_specifiers=(option,))
class Configurable(ABC):  # noqa: B024 - the families below it have the abstract methods
    """A class whose constructor takes exactly its declared options."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(cls, eq=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):  # a float64 number would turn float32 arithmetic into float64
                setattr(self, field.name, value.item())
        self.validate()

    def validate(self) -> None:
        """Raise `OptionError` for the first option whose value lies outside its domain."""
        for declared in options(type(self)):
            check(type(self).__name__, declared, getattr(self, declared.name))

    def __repr__(self) -> str:
        parts = []
        by_place = True
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if field.default is not REQUIRED and _same(value, field.default):
                by_place = False  # what follows one that is left out needs its name
                continue
            by_place = by_place and not field.kw_only
            parts.append(_literal(value) if by_place else f"{field.name}={_literal(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"


ConfigurableT = TypeVar("ConfigurableT", bound=Configurable)


def options(cls: type) -> list[Option]:
    """Return the declared options of a class, in the order of its constructor."""
    return [Option(field.name, default=field.default, **field.metadata["option"]) for field in _fields(cls)]


def check(owner: str, declared: Option, value: Any) -> None:
    """Raise `OptionError` if ``value`` lies outside the option's domain."""
    if declared.domain.contains(value):
        return
    names = [name for domain in _alternatives(declared.domain) for name in getattr(domain, "names", ())]
    hint = near_miss(value, names) if isinstance(value, str) else ""
    example = "" if declared.default is REQUIRED else f" The default is {declared.default!r}."
    raise OptionError(
        f"{owner}: {declared.name} got {_shown(value)}; it expects {declared.domain.describe()}{hint}"
        f"{'' if hint else '.'}{example}"
    )


def registered(family: type[ConfigurableT]) -> dict[str, type[ConfigurableT]]:
    """Return the concrete classes of a family by class name; to define one is to register it."""
    found: dict[str, type[ConfigurableT]] = {}
    if family is not Configurable and not inspect.isabstract(family) and family.__module__.startswith("pellucid."):
        found[family.__name__] = family
    for cls in family.__subclasses__():
        found.update(registered(cls))
    return dict(sorted(found.items()))


def to_config(value: Any) -> Any:
    """Return a configurable object, or a value of one of its options, as JSON data."""
    if isinstance(value, Configurable):
        fields = {field.name: to_config(getattr(value, field.name)) for field in _fields(type(value))}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return {"type": "array", "dtype": str(value.dtype), "values": value.tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [to_config(item) for item in value]
    if isinstance(value, Mapping):
        return {"type": "mapping", "items": [[key, to_config(item)] for key, item in value.items()]}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise OptionError(
        f"{value!r} cannot be written as JSON; it expects an object of Pellucid's own, a number or a text."
    )


def from_config(family: type[ConfigurableT], config: Mapping[str, Any]) -> ConfigurableT:
    """Build the object that `to_config` described; only classes of Pellucid can be named."""
    classes = registered(family)
    kind = config.get("type")
    if kind not in classes:
        raise OptionError(
            f"configuration: type got {kind!r}; it expects one of {listed(classes, limit=60)}"
            f"{near_miss(str(kind), classes)}"
        )
    given = {name: from_json(value) for name, value in config.items() if name != "type"}
    known = [field.name for field in _fields(classes[kind])]
    for name in given:
        if name not in known:
            raise OptionError(
                f"configuration of {kind}: no option {name!r}; there are {listed(known)}{near_miss(name, known)}"
            )
    fields = {field.name: field for field in _fields(classes[kind])}
    positional = [given.pop(name) for name in list(known) if name in given and not fields[name].kw_only]
    return classes[kind](*positional, **given)


def named(family: type[ConfigurableT], value: ConfigurableT | str, owner: str) -> ConfigurableT:
    """Return ``value`` if it is of the family, or the member with that ``name`` and default options."""
    if isinstance(value, family):
        return value
    by_name = {cls.name: cls for cls in registered(family).values()}  # type: ignore[attr-defined]
    by_name = {name: cls for name, cls in by_name.items() if not _requires(cls)}
    if isinstance(value, str) and value in by_name:
        return by_name[value]()
    hint = near_miss(value, by_name) if isinstance(value, str) else ""
    article = "an" if family.__name__[0] in "AEIOU" else "a"
    raise OptionError(
        f"{owner} got {_shown(value)}; it expects one of {listed(by_name, limit=30)}, or {article} {family.__name__}"
        f"{hint or '.'}"
    )


def from_json(value: Any) -> Any:
    """Return the value that `to_config` wrote as JSON data."""
    if isinstance(value, list):
        return tuple(from_json(item) for item in value)
    if not isinstance(value, Mapping):
        return value
    if value["type"] == "array":
        return np.array(value["values"], dtype=value["dtype"])
    if value["type"] == "mapping":
        return {key: from_json(item) for key, item in value["items"]}
    return from_config(Configurable, value)


def _fields(cls: type) -> list[dataclasses.Field[Any]]:
    """Return the options' fields in the order of the constructor: positional ones first."""
    declared = [field for field in dataclasses.fields(cls) if "option" in field.metadata]
    return [field for field in declared if not field.kw_only] + [field for field in declared if field.kw_only]


def _requires(cls: type) -> bool:
    """Return whether a class has an option without a default, so that its name alone does not make one."""
    return any(field.default is REQUIRED for field in _fields(cls))


def _alternatives(domain: Domain) -> Iterable[Domain]:
    return domain.domains if isinstance(domain, Either) else (domain,)


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(np.all(value == default))


def _literal(value: Any) -> str:
    """Return the value as code; an array's repr would round its numbers, and only a long one is worth that."""
    return repr(value.tolist() if isinstance(value, np.ndarray) and value.size <= 100 else value)


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"
