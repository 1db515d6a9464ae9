"""Two turns as tokens, against strings written by hand."""

from __future__ import annotations

import pytest

from stages.base.errors import InputError
from stages.interact.conversation import Conversation
from stages.interact.model import SLOTS
from stages.pretrain import speaker
from tests.interact.small import SPEAKER

QUESTIONS = ("Describe interaction between <p1> and <p2> in <bg>?", "Describe the activity in one word.")
STREAMS = ("p1", "p2", "bg")


@pytest.fixture(scope="module")
def tokenizer():
    return speaker.blank(SPEAKER)[1]


@pytest.fixture
def conversation(tokenizer):
    return Conversation(tokenizer, [tokenizer.eos_token_id], QUESTIONS, STREAMS, 3)


def spelt(tokenizer, *parts) -> list[int]:
    """Return tokens of texts, and a stream's slots where a part is its name."""
    found = []
    for part in parts:
        found += [SLOTS[part]] * 3 if part in SLOTS else tokenizer(part, add_special_tokens=False)["input_ids"]
    return found


def test_a_conversation_is_the_template_with_slots_for_placeholders(tokenizer, conversation):
    parts = ["<user>Describe interaction between ", "p1", " and ", "p2", " in ", "bg", "?<assistant>"]
    first = spelt(tokenizer, *parts)
    assert conversation.asked() == first
    second = spelt(tokenizer, "<user>Describe the activity in one word.<assistant>")
    told = conversation.told("two people hug", "hugging")
    one, two = spelt(tokenizer, "two people hug<end>"), spelt(tokenizer, "hugging<end>")
    assert told.ids == first + one + second + two
    assert told.turns == [0] * len(first) + [1] * len(one) + [0] * len(second) + [2] * len(two)
    assert conversation.asked("two people hug") == first + one + second
    assert conversation.answer_ids("two people hug") == one
    assert conversation.answer_ids("hugging", "two people hug") == two
    assert conversation.read([*two, 7, 8]) == "hugging"
    assert conversation.read(one[:-1]) == "two people hug"


def test_the_word_may_come_first(tokenizer):
    questions = ("Name what <p1> and <p2> do in <bg>.", "Describe it.")
    conversation = Conversation(tokenizer, [tokenizer.eos_token_id], questions, STREAMS, 3, names_first=True)
    assert conversation.in_order("two people hug", "hugging") == ("hugging", "two people hug")
    first = spelt(tokenizer, "<user>Name what ", "p1", " and ", "p2", " do in ", "bg", ".<assistant>")
    assert conversation.asked() == first
    word = spelt(tokenizer, "hugging<end>")
    assert conversation.answer_ids("hugging") == word
    told = conversation.told("hugging", "two people hug")
    assert told.ids[: len(first) + len(word)] == first + word
    assert conversation.answer_ids("two people hug", "hugging") == spelt(tokenizer, "two people hug<end>")


def test_placeholders_must_be_those_of_the_streams(tokenizer):
    ends = [tokenizer.eos_token_id]
    with pytest.raises(InputError, match=r"<bg> stands 1 times in the prompt .* it has to stand there 0 times"):
        Conversation(tokenizer, ends, QUESTIONS, STREAMS[:2], 3)
    with pytest.raises(InputError, match="<p2> stands 0 times"):
        Conversation(tokenizer, ends, ("Describe <p1> in <bg>.", "One word."), STREAMS, 3)
    with pytest.raises(InputError, match="<p1> stands 1 times in the prompt 'One word for"):
        Conversation(tokenizer, ends, (QUESTIONS[0], "One word for <p1>."), STREAMS, 3)
    with pytest.raises(InputError, match=r"key 'one_word'.*<p1> stands 0 times") as told:
        Conversation(tokenizer, ends, QUESTIONS[::-1], STREAMS, 3, names_first=True)
    assert "the order of turns" in str(told.value)


def test_the_tokenizer_of_the_model_stays_as_it_was(tokenizer, conversation):
    before = len(tokenizer)
    assert conversation.tokenizer is not tokenizer
    assert len(conversation.tokenizer) == before + 4
    assert len(tokenizer) == before


def test_a_template_that_writes_no_end_or_another_turn_is_said(tokenizer, conversation):
    plain = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
    conversation.tokenizer.chat_template = plain + "{% if add_generation_prompt %}<assistant>{% endif %}"
    with pytest.raises(InputError, match="writes no end of the answer 'two people hug'"):
        conversation.told("two people hug", "hugging")
    conversation.tokenizer.chat_template = plain + "{% if add_generation_prompt %}<user><user>{% endif %}"
    with pytest.raises(InputError, match="does not continue the question with the answer"):
        conversation.told("two people hug", "hugging")
    conversation.tokenizer.chat_template = "{{ raise_exception('no such role') }}"
    with pytest.raises(InputError, match="the model's chat template refuses it"):
        conversation.asked()


def test_without_an_end_behind_the_last_answer_one_is_put_there(tokenizer, conversation):
    """Llama's template ends every turn; some leave the last one open."""
    conversation.tokenizer.chat_template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}"
        "{% if m['role'] == 'assistant' and not loop.last %}<end>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    told = conversation.told("two people hug", "hugging")
    assert told.ids[-1] == tokenizer.eos_token_id
    assert told.turns[-1] == 2
