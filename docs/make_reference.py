"""Write docs/reference: options.md, with every public class and its options, and a page for each estimator.

All of it comes from the classes' own declarations and docstrings; a test holds the pages to them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pellucid
from pellucid.activations import Activation
from pellucid.estimators import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from pellucid.initializers import Initializer
from pellucid.layers import Layer
from pellucid.losses import Loss, Penalty
from pellucid.optimizers import Optimizer
from pellucid.options import REQUIRED, options, registered
from pellucid.schedules import Schedule
from pellucid.tabular.encoder import Encoder
from pellucid.training import Callback, Metric

FOLDER = Path(__file__).parent / "reference"
FAMILIES = (Layer, Activation, Initializer, Loss, Optimizer, Schedule, Callback, Metric)
ESTIMATORS = (MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor)
FROM_SCIKIT_LEARN = """\
### From scikit-learn

`score(X, y, sample_weight=None)`, the accuracy of classes or the R² of numbers, `get_params`, `set_params` and the
methods of metadata routing, such as `set_fit_request`, are those of scikit-learn's own estimators.
"""


def pages() -> dict[str, str]:
    """Return the text of each page by its file's name."""
    return {"options.md": options_page(), **{f"{cls.__name__}.md": estimator_page(cls) for cls in ESTIMATORS}}


def options_page() -> str:
    """Return the page of all families."""
    for name in pellucid.__all__:
        getattr(pellucid, name)  # a class is registered when it is loaded
    lines = ["# Every public class and its options", "", "Written by `make reference` from the classes themselves.", ""]
    groups = {
        f"{family.__name__}s": [cls for cls in registered(family).values() if cls.__name__ in pellucid.__all__]
        for family in FAMILIES
    }
    groups["Tables"] = [Encoder, Penalty]
    for title, classes in groups.items():
        lines += [f"## {title}", ""]
        for cls in classes:
            lines += [f"### {cls.__name__}", "", inspect.getdoc(cls).partition("\n\n")[0].replace("\n", " "), ""]
            lines += options_table(cls)
    lines += ["## Estimators", "", "Each has a page of its own:"]
    lines += [", ".join(f"[{cls.__name__}]({cls.__name__}.md)" for cls in ESTIMATORS) + "."]
    return "\n".join(lines).rstrip() + "\n"


def estimator_page(cls: type) -> str:
    """Return an estimator's page: what it is, its options, what `fit` leaves, its methods, an example."""
    opening, sections, example = read(inspect.getdoc(cls))
    lines = [f"# {cls.__name__}", "", "Written by `make reference` from the class itself.", "", opening, ""]
    lines += ["```pycon", example, "```", "", "## Options", "", *options_table(cls)]
    lines += ["## What `fit` leaves", "", "| attribute | what it is |", "|---|---|"]
    lines += [f"| {code(names)} | {cell(said)} |" for names, said in entries(sections["Attributes"])]
    lines += ["", "## Methods", ""]
    for name, method in methods(cls):
        opening, sections, _ = read(inspect.getdoc(method))
        lines += [f"### {name}{call(method)}", "", opening, ""]
        for title, text in sections.items():
            listed = [f"- {code(names)}: {said}" if said else f"- {names}" for names, said in entries(text)]
            lines += [f"**{title}**", "", *listed, ""]
    return "\n".join([*lines, FROM_SCIKIT_LEARN])


def options_table(cls: type) -> list[str]:
    """Return the lines of a class's table of options."""
    declared = options(cls)
    lines = ["| option | default | what it is | takes |", "|---|---|---|---|"] if declared else []
    for option in declared:
        default = "required" if option.default is REQUIRED else f"`{option.default!r}`"
        unit = f", in {option.unit}" if option.unit else ""
        lines.append(
            f"| `{option.name}` | {default} | {cell(option.sentence)} | {cell(option.domain.describe() + unit)} |"
        )
    return [*lines, ""] if declared else []


def methods(cls: type) -> Iterator[tuple[str, object]]:
    """Yield the public methods that this library defines."""
    for name, member in inspect.getmembers(cls, callable):
        if not name.startswith("_") and name != "validate" and member.__module__.startswith("pellucid."):
            yield name, member


def call(method: object) -> str:
    """Return the parentheses of a method's call, without types."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))


def read(docstring: str) -> tuple[str, dict[str, str], str]:
    """Return a docstring's opening, its underlined sections by title, and its example."""
    text, _, example = docstring.partition("\n\n>>> ")
    opening, *rest = re.split(r"(?:^|\n\n)(\w+)\n-{3,}\n", text)
    return opening, dict(zip(rest[::2], rest[1::2], strict=True)), ">>> " + example


def entries(section: str) -> list[tuple[str, str]]:
    """Return (names, what is said of them) of a section's ``names : text``; further lines are indented."""
    joined = re.sub(r"\n +", " ", section.strip())
    return [(names, said) for names, _, said in (line.partition(" : ") for line in joined.splitlines())]


def code(names: str) -> str:
    """Return each of several names in backticks."""
    return ", ".join(f"`{name}`" for name in names.split(", "))


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
