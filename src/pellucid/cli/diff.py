"""``pellucid diff``: what differs between two models: data, options, versions, plan, weights, quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.cli.arguments import Json


def diff(
    first: Annotated[Path, typer.Argument(metavar="A", help="A model.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="NEW", help="A table with the target, to score both on.", show_default=False),
    ] = None,
    json: Json = False,
) -> int:
    """Say what differs between two models: first how A is, then how B is.

    The exit code is 0 if nothing differs, and 1 if something does. What training took is no difference.
    """
    from pellucid.cli.display import Display, listing, scores_table
    from pellucid.cli.evaluate import evaluated
    from pellucid.model import compare_models, load

    display = Display(as_json=json)
    own, other = load(first), load(second)
    found = compare_models(own, other)
    same = not any(found.values())
    for name, sentences in found.items():
        display.say(f"{name}: {'' if sentences else 'the same'}".rstrip())
        listing(display, sentences)
    document: dict[str, Any] = {"a": str(first), "b": str(second), "same": same, "differences": found}
    if data is not None:
        scores = [evaluated(each, data)[-1] for each in (own, other)]
        document["metrics"] = {"data": str(data), "a": scores[0], "b": scores[1]}
        display.say()
        display.say(f"on {data}:")
        if set(scores[0]) == set(scores[1]):
            display.show(scores_table({"A": scores[0], "B": scores[1]}))
        else:  # they predict different things
            for name, scored in zip("AB", scores, strict=True):
                display.show(scores_table({name: scored}))
    display.finish(document)
    return 0 if same else 1
