import pytest

from stages.infer.outcome import asked_each, described, listed
from stages.vlm.base import Answer

WORDS = {"Cook": "cook", "Getup": "get up", "Sitdown": "sit down"}


def weights(*p):
    return dict(zip(WORDS.values(), p, strict=True))


def each(*said, p=None):
    return {
        name: Answer(text, tokens_in=10, tokens_out=1, p=p and {"Yes": p[name], "No": 1 - p[name]})
        for name, text in zip(WORDS, said, strict=True)
    }


def test_a_description_keeps_the_text_as_it_is():
    assert described(Answer(" A person\ncooks. ", tokens_in=3, tokens_out=4))[:2] == (" A person\ncooks. ", None)


@pytest.mark.parametrize("status", ["missing", "refused", "error"])
def test_what_is_no_answer_names_no_class(status):
    answer = Answer("", status, "why")
    for outcome in (described(answer), listed(answer, WORDS, True), listed(answer, WORDS, False)):
        assert (outcome.status, outcome.detail, outcome.labels, outcome.text) == (status, "why", None, None)


@pytest.mark.parametrize(
    ("text", "many", "labels", "status", "detail"),
    [
        ("get up", False, ["Getup"], "ok", None),
        ("sit down, cook", False, ["Sitdown"], "ok", "names several: Sitdown, Cook"),
        ("sit down, cook", True, ["Cook", "Sitdown"], "ok", None),
        ("cook, dance", True, ["Cook"], "ok", "names no class: dance"),
        ("none", True, [], "ok", None),
        ("none", False, [], "unmapped", "names no class: none"),
        ("dancing", False, [], "unmapped", "names no class: dancing"),
        ("dancing", True, [], "unmapped", "names no class: dancing"),
        (" \n", True, None, "unparsed", "empty answer"),
    ],
)
def test_list(text, many, labels, status, detail):
    outcome = listed(Answer(text), WORDS, many)
    assert (outcome.labels, outcome.status, outcome.detail) == (labels, status, detail)
    assert outcome.class_scores is None


def test_list_follows_the_scores_where_there_are_any():
    outcome = listed(Answer("get up", p=weights(0.1, 0.2, 0.7)), WORDS, many=False)
    assert outcome.labels == ["Sitdown"]
    assert dict(zip(outcome.classes, outcome.class_scores, strict=True)) == {"Cook": 0.1, "Getup": 0.2, "Sitdown": 0.7}


@pytest.mark.parametrize(
    ("said", "many", "labels", "status"),
    [
        (("No", "Yes", "No"), False, ["Getup"], "ok"),
        (("No", "No", "No"), False, [], "ok"),
        (("Yes", "Yes", "No"), False, [], "unmapped"),
        (("Yes", "Yes", "No"), True, ["Cook", "Getup"], "ok"),
        (("No one cooks", "Yes", "No"), True, ["Getup"], "unparsed"),
        (("perhaps", "", "no idea"), True, None, "unparsed"),
    ],
)
def test_per_class_by_words(said, many, labels, status):
    outcome = asked_each(each(*said), many)
    assert (outcome.labels, outcome.status, outcome.classes) == (labels, status, None)
    assert (outcome.tokens_in, outcome.tokens_out) == (30, 3)


def test_per_class_takes_the_likeliest_yes():
    outcome = asked_each(each("No", "Yes", "Yes", p={"Cook": 0.3, "Getup": 0.6, "Sitdown": 0.9}), many=False)
    assert outcome.labels == ["Sitdown"]
    assert outcome.class_scores == [0.3, 0.6, 0.9]


def test_an_unparsed_answer_has_no_score_and_is_no_no():
    outcome = asked_each(each("Yes", "Not sure", "No", p={"Cook": 0.6, "Getup": 0.9, "Sitdown": 0.1}), many=False)
    assert outcome.class_scores == [0.6, None, 0.1]
    assert (outcome.labels, outcome.status, outcome.detail) == (
        ["Cook"],
        "unparsed",
        "1 of 3 answers: Getup: Not sure",
    )


def test_the_worst_answer_gives_the_status():
    answers = each("Yes", "?", "No") | {"Sitdown": Answer("", "refused", "filter")}
    assert (asked_each(answers, many=True).status, asked_each(answers, many=True).labels) == ("refused", ["Cook"])
    assert asked_each(answers, many=True).detail == "2 of 3 answers: Getup: ?; Sitdown: filter"
