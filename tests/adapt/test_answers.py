"""What a model learns to say stands where it would write it, and ends where it would end."""

from typing import Any

import pytest

from stages.adapt.answers import IGNORED, Conversations
from stages.base.errors import InputError
from stages.vlm.base import Request
from tests.adapt.given import CASES
from tests.adapt.test_lora import local
from tests.vlm.given import media


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_labels_are_the_answer_and_its_end(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    engine = local(tiny_model(name)).engine()
    request = Request("Describe", media(kind, frames, 0))
    asked = engine.encode(request)
    tensors = Conversations(engine).inputs(request, "A person sits down.")
    ids, labels = tensors["input_ids"][0].tolist(), tensors["labels"][0].tolist()
    start = asked.length
    assert ids[:start] == asked.tensors["input_ids"][0].tolist()
    assert labels[:start] == [IGNORED] * start
    learnt = [token for token in labels if token != IGNORED]
    assert learnt[-1] in engine.ends
    assert engine.tokenizer.decode(learnt, skip_special_tokens=True).strip() == "A person sits down."
    assert [token for token, label in zip(ids, labels, strict=True) if label != IGNORED] == learnt


def test_a_template_that_does_not_end_an_answer_is_ended(tiny_model: Any) -> None:
    engine = local(tiny_model("mllama")).engine()
    engine.processor.chat_template = engine.processor.chat_template.replace("<|end|>", "")
    tensors = Conversations(engine).inputs(Request("Describe", media("images", 1, 0)), "Sits.")
    assert tensors["labels"][0, -1].item() in engine.ends
    assert (
        tensors["cross_attention_mask"].shape[1] == tensors["input_ids"].shape[1] == tensors["attention_mask"].shape[1]
    )


def test_a_template_that_hides_the_answer_is_refused(tiny_model: Any) -> None:
    engine = local(tiny_model("smolvlm")).engine()
    engine.processor.chat_template = engine.processor.chat_template.replace("<|assistant|>", "<|begin|><|begin|>")
    with pytest.raises(InputError, match="does not continue the question"):
        Conversations(engine).inputs(Request("Describe", media("images", 1, 0)), "Sits.")


def test_an_answer_longer_than_the_context_is_refused(tiny_model: Any) -> None:
    engine = local(tiny_model("smolvlm")).engine()
    with pytest.raises(InputError, match="context of 512"):
        Conversations(engine).inputs(Request("Describe", media("images", 1, 0), clip_id="clip1"), "water " * 600)
