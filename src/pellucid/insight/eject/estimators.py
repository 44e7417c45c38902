"""Ejecting a fitted estimator: from raw rows to predictions as a page, and its training where that is asked for."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from pellucid.insight.eject.encoding import write_encoder
from pellucid.insight.eject.ensembles import write_ensemble, write_link
from pellucid.insight.eject.fitting import refuse_population, start_of
from pellucid.insight.eject.layout import Expression, array_code, call, code, laid_out, list_of, quoted, tuple_of
from pellucid.insight.eject.networks import write_training
from pellucid.insight.eject.page import Page, forward_function, provenance, tape_of, weights
from pellucid.losses import CrossEntropy
from pellucid.tabular import ClassTarget
from pellucid.tabular.target_values import folded
from pellucid.tabular.temperature import log_odds, log_probabilities
from pellucid.tabular.values import number_text


def estimator_page(estimator: Any, training: bool, arguments: Mapping[str, Any]) -> str:
    """Return the page that predicts, and with ``training`` also trains, as the estimator does."""
    members: list[tuple[str, Expression]] = []
    page = Page(_title(estimator, training))
    write_encoder(page, estimator.encoder_, tuple(estimator.missing), estimator.network_.dtype.name)
    if training:
        refuse_population(estimator)
        start = start_of(estimator, **arguments)
        head = ["    X, T = encode(table), targets(table)"]
        if start.rows is not None:
            page.constant("ROWS", array_code(start.rows))
            head.insert(0, "    table = [table[k] for k in ROWS]")
        if start.recipe.samples.weight is not None:
            page.array("S", start.recipe.samples.weight)
        head += ["    for p, start in zip(PARAMETERS, START):", "        p[...] = start"]
        write_targets(page, estimator)
        began = start.network.copy()
        start.network.parameters[...] = estimator.network_.parameters
        constants = write_training(
            page, start.network, start.recipe, "outputs", head, "on a table, from the weights START", "table"
        )
        page.constant("START", tuple_of(array_code(view) for view in began.named_parameters.values()))
        for name, value in constants:
            page.constant(name, value)
    elif len(estimator.ensemble_.networks) == 1:
        tape, outputs = tape_of(estimator.network_, page.sources, training=False)
        page.function("outputs", forward_function("outputs", tape, estimator.network_, outputs))
        weights(page, tape, with_parameters=False)
    else:
        members = write_ensemble(page, estimator.ensemble_)
    columns = write_predict(page, estimator)
    for name, value in members:
        page.below(name, value)
    _write_main(page, estimator, columns, training)
    return page.text()


def write_predict(page: Page, estimator: Any) -> list[tuple[str, str]]:
    """Write `predict` and, for classes, `probabilities`; return heading and code of each column to print."""
    target, loss, temperature = estimator.target_, estimator.loss_, estimator.temperature_
    is_mean = len(estimator.ensemble_.networks) > 1
    if not isinstance(target, ClassTarget):
        computed = "average(encode(rows))" if is_mean else "outputs(encode(rows)).astype(np.float64)"
        _numbers(page, target)
        page.function(
            "predict",
            [
                "def predict(rows):",
                '    """Return the predicted numbers, within the range of the training rows."""',
                '    with np.errstate(over="ignore"):  # beyond every number is beyond that range',
                f"        numbers = {computed} * DEVIATION + MEAN",
                f"        return np.clip(numbers, LOW, HIGH){'[:, 0]' if target.is_single else ''}",
            ],
        )
        if target.is_single:
            return [("prediction", "predict(rows).tolist()")]
        return [("prediction of {}", "*predict(rows).T.tolist()")]
    name = write_link(page.sources, loss)
    computed = "average(encode(rows))" if is_mean else f"{name}(outputs(encode(rows)).astype(np.float64))"
    if temperature != 1.0:
        page.constant("TEMPERATURE", repr(temperature))
        inverse = page.sources.function(log_odds if loss.link == "sigmoid" else log_probabilities)
        computed = f"{name}({inverse}({computed}) / TEMPERATURE)"
    if target.is_multilabel:
        body = [f"    return {computed}"]
        answer, meaning = "(probabilities(rows) > 0.5).astype(np.int64)", "label"
    else:
        page.constant("CLASSES", call("np.array", list_of(map(code, target.classes.tolist()))))
        body = [f"    return {computed}"]
        if not isinstance(loss, CrossEntropy):
            body = [f"    yes = {computed}", "    return np.concatenate([1 - yes, yes], axis=1)"]
        answer, meaning = "CLASSES[probabilities(rows).argmax(axis=1)]", "class"
    head = f'    """Return the probability of each {meaning}, (n, {len(target.classes)})."""'
    page.function("probabilities", ["def probabilities(rows):", head, *body])
    sentence = "whether each label holds, 1 or 0" if target.is_multilabel else "the most probable class of each row"
    page.function("predict", ["def predict(rows):", f'    """Return {sentence}."""', f"    return {answer}"])
    first = (
        ("prediction of {}", "*predict(rows).T.tolist()")
        if target.is_multilabel
        else ("prediction", "predict(rows).tolist()")
    )
    return [first, ("probability of {}", "*probabilities(rows).T.tolist()")]


def write_targets(page: Page, estimator: Any) -> None:
    """Write `targets`, which reads what is to be learned from the rows of a table."""
    target = estimator.target_
    names = target_names(target)
    columns = f"[{', '.join(f'row[{quoted(name)}]' for name in names)}]"
    if len(names) > 1:
        page.constant("TARGETS", tuple_of(map(quoted, names)))
        columns = "[row[name] for name in TARGETS]"
    if not isinstance(target, ClassTarget):
        lines = [
            '    """Return T, the standardized targets."""',
            f"    numbers = np.array([{columns} for row in rows]).astype(np.float64)",
            "    return ((0.5 * numbers - 0.5 * MEAN) / (0.5 * DEVIATION)).astype(np.float32)",
        ]
    elif target.is_multilabel:
        lines = [
            '    """Return T, a column of 0 and 1 for each label."""',
            f"    return np.array([{columns} for row in rows]).astype(np.float32)",
        ]
    else:
        page.sources.function(number_text)
        value = f"row[{quoted(names[0])}]"
        text = f"number_text({value})"
        if target.classes.dtype.kind != "U":
            text = f"{page.sources.function(folded)}({value}, CLASSES)"
        codes = f"np.array([known[{text}] for row in rows])"
        column = codes if isinstance(estimator.loss_, CrossEntropy) else f"{codes}.astype(np.float32)[:, None]"
        lines = [
            '    """Return T, the number of each row\'s class."""',
            "    known = {number_text(value): code for code, value in enumerate(CLASSES.tolist())}",
            f"    return {column}",
        ]
    page.function("targets", ["def targets(rows):", *lines])


def target_names(target: Any) -> list[str]:
    """Return the names of the target's columns; "target" where the estimator was fitted on an array."""
    single = target.is_single if not isinstance(target, ClassTarget) else not target.is_multilabel
    count = 1 if single else len(target.classes if isinstance(target, ClassTarget) else target.mean)
    try:
        found = ast.literal_eval(target.name.partition(" ")[2])
    except (SyntaxError, ValueError):
        found = "target" if count == 1 else [f"target {index}" for index in range(count)]
    return [found] if isinstance(found, str) else [str(name) for name in found]


def _numbers(page: Page, target: Any) -> None:
    """Add what a target's numbers are scaled by."""
    for name, values in (
        ("MEAN", target.mean),
        ("DEVIATION", target.deviation),
        ("LOW", target.low),
        ("HIGH", target.high),
    ):
        page.array(name, values)


def _write_main(page: Page, estimator: Any, columns: list[tuple[str, str]], training: bool) -> None:
    """Write what the page does when it is run: it predicts the rows of a CSV file, or trains on them."""
    page.sources.modules |= {"csv", "sys", "numpy"}
    target = estimator.target_
    labels = [str(label) for label in target.classes.tolist()] if isinstance(target, ClassTarget) else []
    names = target_names(target)
    headings: list[str] = []
    for heading, _ in columns:
        of = labels if "probability" in heading and len(names) == 1 else names
        headings += [heading.format(name) for name in of] if "{}" in heading else [heading]
    depth = 8 if training else 4
    predicting = [
        "rows = read(sys.argv[1])",
        r'table = csv.writer(sys.stdout, lineterminator="\n")',
        *(line[depth:] for line in laid_out(call("table.writerow", list_of(map(quoted, headings))), indent=depth)),
        f"table.writerows(zip({', '.join(values for _, values in columns)}))",
    ]
    if not training:
        page.main = predicting
        return
    page.main = [
        'if sys.argv[1] == "--train":',
        "    ended = [p.copy() for p in PARAMETERS]",
        "    train(read(sys.argv[2]))",
        "    difference = max(float(np.abs(p - q).max()) for p, q in zip(PARAMETERS, ended))",
        '    print(f"largest difference to the weights of this page: {difference:.2g}")',
        "else:",
        *(f"    {line}" for line in predicting),
    ]


def _title(estimator: Any, training: bool) -> list[str]:
    names = ", ".join(target_names(estimator.target_))
    use = ["Run it with a CSV file to print a prediction for each row; columns are found by name."]
    if training:
        use = [
            "Run it with a CSV file to print a prediction for each row; columns are found by name. Run it with --train",
            "and the CSV file that the model learned from to train from the same start and arrive at the same weights.",
        ]
    count = len(estimator.ensemble_.networks)
    mean = f", the weighted mean of {count} networks," if count > 1 else ""
    return [f"A {type(estimator).__name__} of {names}{mean} in plain NumPy.", "", provenance(), *use]
