"""The batcher: what waits while a call computes is the next call's, within its bounds and in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from pellucid.serving.answers import Answer
from pellucid.serving.batching import Batcher
from pellucid.serving.questions import Question
from pellucid.serving.refusals import Refusal


class Predictor:
    """Answers each question with its number of rows, and notes what was asked together; its first call is held up."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.may_go_on = threading.Event()

    def __call__(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        self.calls.append([question.n_rows for question in questions])
        assert self.may_go_on.wait(30)
        return [
            ValueError("four") if question.n_rows == 4 else Answer(np.array([question.n_rows]))
            for question in questions
        ]


def asked(predictor: Predictor, *questions: Question, max_rows: int = 100, max_waiting: int = 100) -> list[object]:
    """Ask the first question, the others while it is computed, and return what became of each."""

    async def ask() -> list[object]:
        batcher = Batcher(predictor, max_rows=max_rows, max_waiting=max_waiting)
        tasks = [asyncio.create_task(batcher.ask(questions[0]))]
        while not predictor.calls:
            await asyncio.sleep(0.001)
        tasks += [asyncio.create_task(batcher.ask(question)) for question in questions[1:]]
        await asyncio.sleep(0)
        predictor.may_go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        return [int(one.prediction[0]) if isinstance(one, Answer) else one for one in found]

    return asyncio.run(ask())


def test_what_waits_is_predicted_together_up_to_the_most_rows() -> None:
    predictor = Predictor()
    sizes = [1, 2, 3, 5, 6, 1]
    assert asked(predictor, *(Question({}, size) for size in sizes), max_rows=10) == sizes
    assert predictor.calls == [[1], [2, 3, 5], [6, 1]]


def test_a_question_larger_than_a_batch_is_one_of_its_own() -> None:
    predictor = Predictor()
    assert asked(predictor, Question({}, 1), Question({}, 50), Question({}, 2), max_rows=10) == [1, 50, 2]
    assert predictor.calls == [[1], [50], [2]]


def test_tables_and_other_coverages_are_not_joined() -> None:
    predictor = Predictor()
    questions = [
        Question({}, 1),
        Question({}, 2, coverage=0.9),
        Question({}, 3, joins=False),
        Question({}, 5),
        Question({}, 6, coverage=0.9),
    ]
    assert asked(predictor, *questions) == [1, 2, 3, 5, 6]
    assert predictor.calls == [[1], [2, 6], [3], [5]]


def test_an_error_is_that_of_its_own_question() -> None:
    found = asked(Predictor(), *(Question({}, size) for size in (1, 3, 4, 5)))
    assert [found[0], found[1], found[3]] == [1, 3, 5]
    assert isinstance(found[2], ValueError)


def test_one_more_than_may_wait_is_refused() -> None:
    found = asked(Predictor(), *(Question({}, size) for size in (1, 2, 3, 5)), max_waiting=2)
    assert found[:3] == [1, 2, 3]
    assert isinstance(found[3], Refusal)
    assert found[3].status == 503


def test_a_question_that_was_given_up_is_not_predicted() -> None:
    predictor = Predictor()

    async def ask() -> None:
        batcher = Batcher(predictor, max_rows=10, max_waiting=10)
        first = asyncio.create_task(batcher.ask(Question({}, 1)))
        while not predictor.calls:
            await asyncio.sleep(0.001)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(batcher.ask(Question({}, 2)), 0.01)
        predictor.may_go_on.set()
        await first
        await batcher.ask(Question({}, 3))

    asyncio.run(ask())
    assert predictor.calls == [[1], [3]]
