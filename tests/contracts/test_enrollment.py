"""To register a class is to enroll it: each one has examples for the contract tests."""

from __future__ import annotations

import pytest

from pellucid.options import registered
from tests.contracts.examples import EXAMPLES


@pytest.mark.parametrize("family", EXAMPLES, ids=lambda family: family.__name__)
def test_every_registered_class_has_examples(family: type) -> None:
    examples = EXAMPLES[family]
    assert sorted(examples) == sorted(registered(family)), "add examples of the class to tests/contracts/examples.py"
    for name, cls in registered(family).items():
        assert examples[name], name
        assert all(type(example.make()) is cls for example in examples[name])
