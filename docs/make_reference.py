"""Write docs/reference/options.md: every public class with its options, from the classes' own declarations."""

from __future__ import annotations

import inspect
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

PAGE = Path(__file__).parent / "reference" / "options.md"
FAMILIES = (Layer, Activation, Initializer, Loss, Optimizer, Schedule, Callback, Metric)


def page() -> str:
    """Return the page's text."""
    for name in pellucid.__all__:
        getattr(pellucid, name)  # a class is registered when it is loaded
    lines = ["# Every public class and its options", "", "Written by `make reference` from the classes themselves.", ""]
    groups = {
        f"{family.__name__}s": [cls for cls in registered(family).values() if cls.__name__ in pellucid.__all__]
        for family in FAMILIES
    }
    groups["Tables"] = [Encoder, Penalty, TabularClassifier, TabularRegressor]
    groups["In place of scikit-learn's"] = [MLPClassifier, MLPRegressor]
    for title, classes in groups.items():
        lines += [f"## {title}", ""]
        for cls in classes:
            lines += [f"### {cls.__name__}", "", inspect.getdoc(cls).partition("\n\n")[0].replace("\n", " "), ""]
            declared = options(cls)
            if declared:
                lines += ["| option | default | what it is | takes |", "|---|---|---|---|"]
            for option in declared:
                default = "required" if option.default is REQUIRED else f"`{option.default!r}`"
                unit = f", in {option.unit}" if option.unit else ""
                takes = f"{option.domain.describe()}{unit}".replace("|", "\\|")
                lines.append(f"| `{option.name}` | {default} | {option.sentence} | {takes} |")
            lines += [""] if declared else []
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
