"""A batcher predicts requests that arrive together in one call.

While one call computes, further requests wait in a line, and the next call takes all of them. So a lone request waits
for nothing, and under load the fixed cost of a call is shared: the batch grows with the load by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pellucid.serving.answers import Answer
from pellucid.serving.questions import Question
from pellucid.serving.refusals import Refusal


class _Waiting(NamedTuple):
    question: Question
    reply: asyncio.Future[Answer]


class Batcher:
    """The line of questions, and one thread that answers them.

    predict : called in that thread with questions of the same coverage, either one of any kind or several that join;
        it returns an answer, or an error, for each
    max_rows : of a batch of several questions
    max_waiting : questions in the line; one more is refused
    """

    def __init__(
        self,
        predict: Callable[[Sequence[Question]], Sequence[Answer | Exception]],
        *,
        max_rows: int,
        max_waiting: int,
    ) -> None:
        self._predict, self._max_rows, self._max_waiting = predict, max_rows, max_waiting
        self._line: list[_Waiting] = []
        self._runner: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pellucid-predict")

    async def ask(self, question: Question) -> Answer:
        """Return the answer, or raise the error that it met; `Refusal` 503 where the line is full."""
        if len(self._line) >= self._max_waiting:
            message = f"{self._max_waiting} requests are waiting already; try again in a second."
            raise Refusal(503, "busy", message, headers={"Retry-After": "1"})
        waiting = _Waiting(question, asyncio.get_running_loop().create_future())
        self._line.append(waiting)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await waiting.reply

    async def _run(self) -> None:
        try:
            while batch := self._next():
                questions = [waiting.question for waiting in batch]
                loop = asyncio.get_running_loop()
                try:
                    answers = await loop.run_in_executor(self._thread, self._predict, questions)
                except Exception as error:
                    answers = [error] * len(batch)
                for waiting, found in zip(batch, answers, strict=True):
                    if waiting.reply.done():  # whoever asked has given up
                        continue
                    if isinstance(found, Exception):
                        waiting.reply.set_exception(found)
                    else:
                        waiting.reply.set_result(found)
        finally:
            self._runner = None

    def _next(self) -> list[_Waiting]:
        """Take the first question out of the line, and those after it that join it, as many as a batch may hold."""
        line = [waiting for waiting in self._line if not waiting.reply.done()]
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        n_rows = 0
        for waiting in line:
            first, question = batch[0].question if batch else None, waiting.question
            joins = first is None or (
                first.joins
                and question.joins
                and first.coverage == question.coverage
                and n_rows + question.n_rows <= self._max_rows
            )
            if joins:
                batch.append(waiting)
                n_rows += question.n_rows
            else:
                left.append(waiting)
        self._line = left
        return batch
