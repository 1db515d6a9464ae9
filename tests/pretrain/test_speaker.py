"""The language model of two people: tokens as its template has them, both turns learnt, words of every interaction."""

from __future__ import annotations

import numpy as np
import torch

from stages.pretrain import speaker
from stages.pretrain.packed import IGNORED
from stages.pretrain.speech import DIRECTED, MUTUAL, SECOND, Talk, talk
from stages.vlm.checkpoint import load_config, load_model, load_processor
from stages.vlm.params import LocalParams
from tests.interact.small import SPEAKER, block


def test_a_batch_is_what_the_chat_template_writes():
    _, tokenizer = speaker.blank(SPEAKER)
    one = Talk(("Describe interaction between a and b?", SECOND), ("two people hug each other", "hug"))
    short = Talk(("Describe interaction in hall?", SECOND), ("two people bow", "bow"))
    ids, wanted = speaker.batch(tokenizer, [one, short])
    for row, each in enumerate((one, short)):
        turns = []
        for question, answer in zip(each.questions, each.answers, strict=True):
            turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        whole = tokenizer.apply_chat_template(turns, tokenize=True, return_dict=True)["input_ids"]
        assert ids[row, : len(whole)].tolist() == whole
        assert (ids[row, len(whole) :] == tokenizer.pad_token_id).all()
        assert (wanted[row, len(whole) :] == IGNORED).all()
        said = tokenizer.decode([token for token in wanted[row].tolist() if token != IGNORED])
        assert said == "<end>".join([*each.answers, ""])


def test_every_interaction_is_spoken_of_and_half_of_the_questions_hold_the_words():
    rng = np.random.default_rng(0)
    talks = [talk(rng) for _ in range(2000)]
    words = {one.answers[1] for one in talks}
    forms = {form for called in (*DIRECTED, *MUTUAL) for form in called}
    assert {form for form in forms if "{" not in form} <= words
    assert {"left kicks right", "right kicks left", "right hands over to left"} <= words
    whole = [
        set(one.answers[0].replace(",", "").split()) <= set(one.questions[0].replace("?", "").split()) for one in talks
    ]
    assert 0.3 < np.mean(whole) < 0.7
    for one in talks:
        if one.answers[1] == "left kicks right":
            assert one.answers[0].index("left") < one.answers[0].index("right")


def test_it_learns_and_loads_as_any_text_model(tmp_path, monkeypatch):
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "journal"))
    recipe = SPEAKER.model_copy(update={"steps": 60, "batch": 8})
    torch.manual_seed(0)
    model, tokenizer = speaker.blank(recipe)
    ids, wanted = speaker.batch(tokenizer, [talk(np.random.default_rng(1)) for _ in range(8)])
    with torch.no_grad():
        before = float(
            torch.nn.functional.cross_entropy(model(ids).logits[:, :-1].flatten(0, 1), wanted[:, 1:].flatten())
        )
    made = speaker.make(recipe, tmp_path / "speaker")
    assert made.loss < 0.6 * before
    name = str(tmp_path / "speaker")
    params = LocalParams.model_validate(block("speaker") | {"name": name})
    config = load_config(name, None)
    loaded = load_model(name, None, config, params, "cpu")
    read = load_processor(name, None, vision=False)
    assert read.chat_template == tokenizer.chat_template
    assert loaded.generation_config.eos_token_id == tokenizer.eos_token_id
    assert loaded(ids).logits.shape == (*ids.shape, len(tokenizer))
