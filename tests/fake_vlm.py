"""A model with a stated statistical property, for tests of what asks models. It is no mock of our code.

`Guesser` knows what each clip shows and is right with probability `skill`, independently for each question; where it
is wrong it says another thing at random. The same question gets the same answer (its draws are seeded by the question),
as of a greedy model; with `samples` a repeated question is another draw. It understands questions as a model does, from
their text: one that lists several of its activities is answered with one of them, one that asks for Yes or No (or True
or False) with either, and with their probabilities where it `weighs`, and anything else with a sentence that names an
activity.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stages.vlm.base import Answer, Request, request_key


class Guesser:
    revision = "guess-1"

    def __init__(
        self,
        truth: Mapping[str, str],
        skill: float = 1.0,
        weighs: bool = False,
        samples: bool = False,
        seconds: float = 0.0,
        silent: Mapping[str, Answer] | None = None,
    ) -> None:
        self.truth, self.skill, self.weighs, self.samples, self.seconds = truth, skill, weighs, samples, seconds
        self.activities = sorted(set(truth.values()))
        self.silent = silent or {}
        """Clips to which it has no answer, with what comes back instead."""
        self.answered = 0

    def shape(self) -> dict[str, Any]:
        return {"guesser": self.skill, "weighs": self.weighs, "samples": self.samples}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        for request in reversed(requests):  # any order is allowed
            time.sleep(self.seconds)
            self.answered += 1
            yield request, self.silent.get(request.clip_id or "") or self._one(request)

    def _one(self, request: Request) -> Answer:
        draw = random.Random(request_key(self, request))
        right = draw.random() < self.skill
        named = [activity for activity in self.activities if activity in request.prompt]
        seen = self.truth.get(request.clip_id or "") or next(iter(named), "")
        other = draw.choice([activity for activity in self.activities if activity != seen] or [seen])
        closed = next((pair for pair in (("Yes", "No"), ("True", "False")) if pair[0] in request.prompt), None)
        p = None
        if request.must_hold:
            text = f"A person shows {request.must_hold[0]}."
        elif closed:
            # The last activity named is the one asked about; a caption may stand before it.
            asked = max(named, key=request.prompt.rfind, default="")
            shown = seen == asked if request.clip_id in self.truth else request.prompt.count(asked) > 1
            text = closed[0] if shown == right else closed[1]
            sure = 0.5 + draw.random() / 2
            p = {name: sure if name == text else 1 - sure for name in closed} if self.weighs else None
        elif len(named) > 1:
            text = seen if right else other
            if self.weighs and request.options:
                rest = 0.2 / max(1, len(request.options) - 1)
                p = {name: 0.8 if name == text else rest for name in request.options}
        else:
            text = f"A person is {seen if right else other}."
        return Answer(text, tokens_in=len(request.prompt.split()), tokens_out=len(text.split()), p=p)
