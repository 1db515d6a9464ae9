from pathlib import Path

import numpy as np
import pytest

import stages.caption
from stages.caption.loop import Clip, Rules, caption_all, caption_key
from stages.vlm.base import Answer, Media
from stages.vlm.prompts import Prompt
from tests.fake_vlm import Guesser

PROMPTS = Path(stages.caption.__file__).parent / "prompts"
KEYWORDS = {"Cook_Cut": ["chop", "knife"], "Walk": ["walk", "stroll"]}
WORDS = {"Cook_Cut": "cutting food", "Walk": "walking"}


def rules(attempts):
    return Rules(Prompt(PROMPTS, "ask"), Prompt(PROMPTS, "insist"), attempts, WORDS)


def clips(count, labels=("Cook_Cut",)):
    return [
        Clip(
            f"c{place:03}",
            Media("images", [np.full((2, 2 + place, 3), 7, np.uint8)]),
            {name: KEYWORDS[name] for name in labels},
        )
        for place in range(count)
    ]


def run(model, clips, attempts, asked=None):
    rounds = []

    def ask(requests):
        rounds.append(requests)
        answers = {id(request): answer for request, answer in model.answer(requests)}
        return [answers[id(request)] for request in requests]

    return caption_all(clips, asked or rules(attempts), ask), rounds


def teller(skill, count):
    """A model that names a keyword in this share of its free captions."""
    return Guesser({f"c{place:03}": "chop" for place in range(count)} | {"other": "humming"}, skill)


def test_attempts_follow_the_models_share_of_good_captions():
    captions, rounds = run(teller(0.5, 400), clips(400), attempts=4)
    assert all(caption.why is None and caption.keywords == ["chop"] for caption in captions.values())
    tries = np.bincount([caption.attempts for caption in captions.values()], minlength=5)[1:]
    # Half pass at each of the first three attempts, within four standard deviations; the last one constrains.
    assert abs(tries[0] - 200) < 40
    assert abs(tries[1] - 100) < 35
    assert [len(requests) for requests in rounds] == [400, 400 - tries[0], 400 - tries[:2].sum(), tries[3]]


def test_only_the_last_attempt_constrains_and_later_ones_insist():
    _, rounds = run(teller(0.0, 1), clips(1), attempts=3)
    (first,), (second,), (third,) = rounds
    assert (first.must_hold, second.must_hold, third.must_hold) == ((), (), ("chop", "knife"))
    assert "essential" not in first.prompt
    assert '"A person is humming."' in second.prompt
    assert all(word in request.prompt for request in (first, second, third) for word in ("cutting food", "chop, knife"))
    assert [request.repeat for request in (first, second, third)] == [0, 1, 2]


def test_a_single_attempt_is_constrained():
    captions, _ = run(teller(0.0, 3), clips(3), attempts=1)
    assert {caption.text for caption in captions.values()} == {"A person shows chop."}


def test_case_counts_as_in_the_paper():
    model = Guesser({}, silent={"c000": Answer("Chopping with a Knife.")})
    caption = run(model, clips(1), attempts=2)[0]["c000"]
    assert (caption.keywords, caption.lacking, caption.attempts) == ([], ["Cook_Cut"], 2)
    assert "no keyword of Cook_Cut" in caption.why


def test_a_cut_caption_passes_and_is_flagged():
    model = Guesser(
        {}, silent={"c000": Answer("A man chops the", ended="length", thinking="a knife?", tokens_thinking=3)}
    )
    caption = run(model, clips(1), attempts=2)[0]["c000"]
    assert (caption.why, caption.attempts, caption.ended) == (None, 1, "length")
    assert (caption.thinking, caption.tokens_thinking, caption.keywords) == ("a knife?", 3, ["chop"])


@pytest.mark.parametrize("answer", [Answer("", "refused", "filter"), Answer("", "error", "no answer"), Answer(" ")])
def test_what_is_no_caption_does_not_pass_and_is_asked_as_at_first(answer):
    captions, rounds = run(Guesser({}, silent={"c000": answer}), clips(1), attempts=2)
    assert captions["c000"].why
    assert rounds[0][0].prompt == rounds[1][0].prompt


def test_several_labels_need_a_keyword_of_each():
    both = clips(1, ("Cook_Cut", "Walk"))
    half = run(Guesser({}, silent={"c000": Answer("chop and hum")}), both, attempts=1)[0]["c000"]
    assert half.lacking == ["Walk"]
    assert run(Guesser({}, silent={"c000": Answer("chop, then walk")}), both, attempts=1)[0]["c000"].why is None


def test_a_clip_without_label_passes_with_any_caption():
    caption = run(teller(1.0, 1), clips(1, ()), attempts=2)[0]["c000"]
    assert (caption.why, caption.attempts, caption.keywords) == (None, 1, [])


def test_the_key_has_all_that_shapes_a_caption():
    clip, model = clips(2), teller(0.5, 2)
    key = caption_key(model, clip[0], rules(3))
    assert key == caption_key(model, clip[0]._replace(clip_id="renamed"), rules(3))
    changed = [
        caption_key(model, clip[1], rules(3)),
        caption_key(model, clip[0], rules(2)),
        caption_key(teller(0.6, 2), clip[0], rules(3)),
        caption_key(model, clip[0], rules(3)._replace(insist=Prompt(PROMPTS, "ask"))),
        caption_key(model, clip[0]._replace(keywords={"Cook_Cut": ["chop"]}), rules(3)),
    ]
    assert len({key, *changed}) == 6
