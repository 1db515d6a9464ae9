"""A system prompt and examples: turns before the question, from clips that no protocol tests, and part of the key."""

from functools import partial

import pytest
from pydantic import TypeAdapter, ValidationError

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import SPLITS
from stages.base.tables import read_table
from stages.infer.params import Examples, Strategy
from stages.infer.shots import shots
from stages.infer.strategies import Classes, Clip, strategy
from stages.vlm.base import request_key
from stages.vlm.chat import encode
from stages.vlm.checkpoint import load_processor
from stages.vlm.local import Local
from stages.vlm.messages import messages, sent
from stages.vlm.params import LocalParams
from stages.vlm.show import Show
from stages.vlm.tiny import save
from tests.small_run import MODEL, write_run

PNG = partial(sent, form="png", side=None, detail=None)
CLASSES = Classes({"Cook_Cut": "cutting", "Drink_Fromcup": "drinking from a cup", "Walk": "walking"}, False)


@pytest.fixture
def show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, clips=30)
    return Show(Run("home"), LocalParams(**MODEL))


def parts(part):
    splits = read_table(Run("home").splits, SPLITS)
    return set(splits.filter(splits["part"] == part)["clip_id"]) - {"broken"}


def test_examples_train_and_are_never_asked_about(show):
    found = shots(Examples(protocol="cs", per_class=2), Run("home"), show, [*CLASSES.words], parts("test"))
    assert sorted(shot.labels[0] for shot in found) == sorted([*CLASSES.words] * 2)
    tested = {show.media(clip).digest for clip in parts("test")}
    assert not {shot.media.digest for shot in found} & tested


def test_a_test_clip_as_an_example_is_refused(show):
    clip = min(parts("test"))
    with pytest.raises(InputError, match="no usable clip of the train part"):
        shots(Examples(protocol="cs", clips=[clip]), Run("home"), show, [*CLASSES.words], parts("test"))
    train = min(parts("train"))
    with pytest.raises(InputError, match="is tested"):
        shots(Examples(protocol="cs", clips=[train]), Run("home"), show, [*CLASSES.words], {train})
    with pytest.raises(InputError, match="not 9"):
        shots(Examples(protocol="cs", per_class=9), Run("home"), show, [*CLASSES.words], parts("test"))


def test_a_description_needs_written_answers():
    block = {"kind": "describe", "prompt": "describe", "examples": {"protocol": "cs", "per_class": 1}}
    with pytest.raises(ValidationError, match="a description is no label"):
        TypeAdapter(Strategy).validate_python(block)


class Plain:
    samples = False

    def shape(self):
        return {"backend": "plain"}


def asked(show, kind, **more):
    block = TypeAdapter(Strategy).validate_python({"kind": kind, "prompt": kind, **more})
    found = shots(block.examples, Run("home"), show, [*CLASSES.words], parts("test"))
    made = strategy(block, Plain(), Plain(), CLASSES, found)
    clip = Clip("x", show.media(min(parts("test"))))
    return made.requests(clip) if kind == "per_class" else [made.request(clip)]


def test_they_are_turns_with_the_answers_of_the_labels_and_part_of_the_key(show):
    examples = {"protocol": "cs", "per_class": 1}
    [one] = asked(show, "list", weigh=False, examples=examples)
    assert sorted(example.answer for example in one.examples) == sorted(CLASSES.words.values())
    assert {example.prompt for example in one.examples} == {one.prompt}
    for request in asked(show, "per_class", examples=examples):
        assert sorted(example.answer for example in request.examples) == ["No", "No", "Yes"]
    [bare] = asked(show, "list", weigh=False)
    [told] = asked(show, "list", weigh=False, system="describe")
    assert len({request_key(Plain(), each) for each in (one, bare, told)}) == 3
    assert "examples" not in bare.shape(), "the keys of questions without examples are what they were"


def test_both_back_ends_send_them_as_turns(show, tmp_path):
    [one] = asked(show, "list", weigh=False, system="describe", examples={"protocol": "cs", "per_class": 1})
    turns = messages(one, PNG)
    assert [turn["role"] for turn in turns] == ["system", *["user", "assistant"] * 3, "user"]
    assert sum(part["type"] == "image_url" for turn in turns[1::2] for part in turn["content"]) == 8
    folder = save("smolvlm", tmp_path / "tiny")
    processor = load_processor(str(folder), None, True)
    ids = encode(processor, one, {})["input_ids"][0]
    text = processor.tokenizer.decode(ids)
    assert text.index("<|system|>") < text.index("<|user|>") < text.index("<|assistant|>")
    assert text.count("<|assistant|>") == 4
    local = LocalParams(**(MODEL | {"name": str(folder), "revision": None, "max_new_tokens": 3}))
    [(_, answer)] = Local(local, "cpu").answer([one])
    assert answer.tokens_in == len(ids)


@pytest.mark.parametrize(("kind", "more"), [("describe", {}), ("list", {"weigh": False}), ("per_class", {})])
def test_text_first_is_a_param_of_the_strategy(show, kind, more):
    behind = asked(show, kind, **more)
    before = asked(show, kind, text_first=True, **more)
    for late, early in zip(behind, before, strict=True):
        assert [part["type"] for part in messages(late, PNG)[-1]["content"]].index("text") == 2
        assert [part["type"] for part in messages(early, PNG)[-1]["content"]].index("text") == 0
        assert "text_first" not in late.shape()
        assert request_key(Plain(), late) != request_key(Plain(), early)
