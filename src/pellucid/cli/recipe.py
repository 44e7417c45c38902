"""The recipe's options as flags: derived from what the estimators declare, so that there is one place to change."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from pellucid.domains import Boolean, Choice, Domain, Either, Integer, Nothing, Number, Several, Text
from pellucid.errors import near_miss
from pellucid.estimators import TabularClassifier, TabularRegressor
from pellucid.estimators.duration import Duration
from pellucid.options import Option, options

# train has --kind, --missing and --seed; class weights are of one of the two estimators
OWN_FLAG = ("callbacks", "class_weight", "kinds", "missing", "random_state", "verbose")
PANEL = "The recipe"


def parameters() -> list[inspect.Parameter]:
    """Return a parameter for each option of the estimators that a text can state."""
    return [_parameter(declared) for declared in _declared()]


def values(given: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the options that were given; a text that states none is wrong usage."""
    return {o.name: _value(o, given[o.name]) for o in _declared() if given.get(o.name) is not None}


def flag(option: Option) -> str:
    """Return the flag of an option."""
    return "--" + option.name.replace("_", "-")


def _declared() -> list[Option]:
    return [o for o in options(TabularClassifier) if o.name not in OWN_FLAG and _is_text(o.domain)]


def _parameter(option: Option) -> inspect.Parameter:
    """Return the parameter of an option; it is None where the flag is not given, so that the default stays its own."""
    shown = _shown_default(option)
    annotation: Any
    if isinstance(option.domain, Boolean):
        details = typer.Option(help=option.sentence, show_default=shown, rich_help_panel=PANEL)
        annotation = Annotated[bool | None, details]
    else:
        details = typer.Option(
            flag(option), help=option.help(), metavar=_noun(option.domain), show_default=shown, rich_help_panel=PANEL
        )
        annotation = Annotated[str | None, details]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _shown_default(option: Option) -> str:
    """Return the default in words; the two tasks may have their own."""
    regression = next(other for other in options(TabularRegressor) if other.name == option.name)
    if regression.default == option.default:
        return _text(option)
    return f"{_text(option)}, or {_text(regression)} for numbers"


def _value(option: Option, text: Any) -> Any:
    if isinstance(text, bool):
        return text
    try:
        return _parsed(text, option.domain)
    except ValueError:
        names = [name for part in _alternatives(option.domain) if isinstance(part, Choice) for name in part.names]
        raise typer.BadParameter(
            f"got {text!r}; it expects {option.domain.describe()}{near_miss(text, names) or '.'}",
            param_hint=flag(option),
        ) from None


def _parsed(text: str, domain: Domain) -> Any:
    """Return the value of a domain that a text states, or raise `ValueError`."""
    value: Any = text
    if isinstance(domain, Either):
        for alternative in domain.domains:
            try:
                return _parsed(text, alternative)
            except ValueError:
                continue
        raise ValueError(text)
    if isinstance(domain, Nothing):
        if text.lower() != "none":
            raise ValueError(text)
        return None
    if isinstance(domain, Several):
        value = tuple(_parsed(part.strip(), domain.item) for part in text.split(",") if part.strip())
    elif isinstance(domain, Integer):
        value = int(text)
    elif isinstance(domain, Number):
        value = float(text)
    if not domain.contains(value):
        raise ValueError(text)
    return value


def _alternatives(domain: Domain) -> tuple[Domain, ...]:
    return tuple(domain.domains) if isinstance(domain, Either) else (domain,)


def _is_text(domain: Domain) -> bool:
    """Return whether a text can state some value of the domain besides None."""
    domains = [part.item if isinstance(part, Several) else part for part in _alternatives(domain)]
    return any(isinstance(part, Number | Text | Choice | Boolean | Duration) for part in domains)


def _noun(domain: Domain) -> str:
    """Return what help pages show for a value."""
    first = _alternatives(domain)[0]
    if isinstance(first, Several):
        return f"{_noun(first.item)},..."
    if isinstance(first, Integer):
        return "INTEGER"
    if isinstance(first, Number):
        return "NUMBER"
    return "TIME" if isinstance(first, Duration) else "TEXT"


def _text(option: Option) -> str:
    """Return the default as it would be written after the flag, or what None means."""
    if option.default is None:
        return next((part.meaning for part in _alternatives(option.domain) if isinstance(part, Nothing)), "none")
    return ",".join(map(str, option.default)) if isinstance(option.default, list | tuple) else str(option.default)
