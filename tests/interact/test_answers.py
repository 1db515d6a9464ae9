"""Both turns asked of a model with random weights."""

from __future__ import annotations

import pytest
import torch

from stages.interact.answers import Said, answers
from stages.interact.conversation import Conversation
from stages.pretrain import speaker
from tests.interact.small import CLASSES, SPEAKER, inputs_of_clips, interaction

PLACED = "Describe <p1> and <p2> in <bg>."


class Clips:
    """Two clips' features, as `Streamed` gives them."""

    def __init__(self) -> None:
        inputs = inputs_of_clips()
        self.inputs_of = {name: inputs[name] for name in ("features", "seen")}

    def __len__(self) -> int:
        return 2

    def inputs(self, indices, epoch, device):
        return {kind: {name: value[list(indices)] for name, value in of.items()} for kind, of in self.inputs_of.items()}


def asked(tokenizer, model, second: str, names_first: bool, batch: int = 2) -> list[Said]:
    questions = (PLACED, second)
    talk = Conversation(tokenizer, [tokenizer.eos_token_id], questions, ("p1", "p2", "bg"), 4, names_first)
    return answers(model, talk, Clips(), CLASSES, (6, 4), batch, torch.device("cpu"))


@pytest.mark.parametrize("names_first", [False, True])
def test_a_class_that_is_asked_first_hangs_on_the_streams_alone(names_first):
    """What the second turn asks changes the classes' likelihoods where they are told in that turn, and only then."""
    model, tokenizer = interaction().eval(), speaker.blank(SPEAKER)[1]
    one = asked(tokenizer, model, "One word.", names_first)
    other = asked(tokenizer, model, "What do they do?", names_first)
    for left, right in zip(one, other, strict=True):
        assert (left.logs == right.logs) == names_first
    assert one[0].logs != one[1].logs
    assert [said.logs for said in asked(tokenizer, model, "One word.", names_first, batch=1)] == [
        pytest.approx(said.logs, abs=1e-5) for said in one
    ]


def test_a_likelihood_is_that_of_the_words_and_their_end():
    """Each class's words and the end after the first question, token by token through the model as it trains."""
    model, tokenizer = interaction().eval(), speaker.blank(SPEAKER)[1]
    found = asked(tokenizer, model, "Describe it.", names_first=True)[0].logs
    talk = Conversation(tokenizer, [tokenizer.eos_token_id], (PLACED, "Describe it."), ("p1", "p2", "bg"), 4, True)
    inputs = Clips().inputs([0], None, None)
    for name, log in zip(CLASSES, found, strict=True):
        told = talk.told(name)
        ids, turns = torch.tensor([told.ids]), torch.tensor([told.turns])
        tokens = model.tokens(inputs["features"], inputs["seen"])
        with torch.no_grad():
            logits = model.language(inputs_embeds=model.embedded(ids, tokens)).logits[0, :-1].double().log_softmax(-1)
        places = (turns[0, 1:] == 1).nonzero().flatten()
        assert log == pytest.approx(float(logits[places, ids[0, 1:][places]].sum()), abs=1e-4)
        assert ids[0, 1:][places[-1]] == tokenizer.eos_token_id
