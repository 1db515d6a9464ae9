import pytest

from stages.infer.answer_rows import _answer as answer_of
from stages.infer.outcome import asked_each, described, listed
from stages.infer.strategies import Classes, OneQuestion
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


def test_list_follows_the_text_and_the_scores_are_scores():
    outcome = listed(Answer("get up", p=weights(0.1, 0.2, 0.7)), WORDS, many=False)
    assert outcome.labels == ["Getup"]
    assert dict(zip(outcome.classes, outcome.class_scores, strict=True)) == {"Cook": 0.1, "Getup": 0.2, "Sitdown": 0.7}


def test_of_several_classes_that_are_named_the_one_of_the_highest_score_counts():
    outcome = listed(Answer("cook, sit down", p=weights(0.1, 0.6, 0.3)), WORDS, many=False)
    assert (outcome.labels, outcome.detail) == (["Sitdown"], "names several: Cook, Sitdown")


@pytest.mark.parametrize(
    ("text", "labels", "status"),
    [
        ("get up, because he", ["Getup"], "ok"),
        ("sit down", ["Sitdown"], "ok"),
        ("sit", [], "unmapped"),  # sit down, perhaps
        ("sit.", ["Sit"], "ok"),
        ("get u", [], "unmapped"),
        ("The man in the", [], "unmapped"),
    ],
)
def test_an_answer_that_was_cut_counts_where_a_class_stands_whole_in_it(text, labels, status):
    outcome = listed(Answer(text, ended="length"), WORDS | {"Sit": "sit"}, many=False)
    assert (outcome.labels, outcome.status, outcome.ended) == (labels, status, "length")


def test_per_class_says_which_answers_were_cut():
    answers = each("Yes, the", "The man", "No")
    answers = {
        name: answer._replace(ended="stop" if answer.text == "No" else "length") for name, answer in answers.items()
    }
    outcome = asked_each(answers, many=True)
    assert (outcome.labels, outcome.ended, outcome.status) == (["Cook"], "length", "unparsed")
    assert outcome.detail == "1 of 3 answers: Getup: The man (cut after 1 tokens)"


def test_per_class_ranks_only_where_every_answer_has_a_score():
    answers = each("Yes", "Yes", "No", p={"Cook": 0.6, "Getup": 0.9, "Sitdown": 0.1})
    answers["Cook"] = answers["Cook"]._replace(p=None)
    outcome = asked_each(answers, many=False)
    assert (outcome.labels, outcome.status, outcome.class_scores) == ([], "unmapped", [None, 0.9, 0.1])


def test_thinking_of_several_answers_stands_under_their_classes():
    answers = each("Yes", "No", "No")
    answers["Cook"] = answers["Cook"]._replace(thinking="a pot", tokens_thinking=2)
    answers["Getup"] = answers["Getup"]._replace(thinking="a chair", tokens_thinking=3)
    outcome = asked_each(answers, many=True)
    assert (outcome.thinking, outcome.tokens_thinking) == ("Cook: a pot\n\nGetup: a chair", 5)


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


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("classes", [True, False])
def test_an_answer_is_made_again_from_its_row(many, classes):
    """So a pulled output fills a journal: nothing that the back end said of its answer may be lost."""
    asking = OneQuestion(None, None, Classes(WORDS, many) if classes else None)
    plain = Answer("get up", tokens_in=9, tokens_out=4, ended="stop")
    answers = [
        plain,
        plain._replace(p=weights(0.1, 0.6, 0.3)),
        plain._replace(detail="longer than asked: 90 tokens, max_new_tokens is 8"),
        plain._replace(text="cook, dance, sit down", detail="no log-probabilities came back"),
        plain._replace(text="dancing", thinking="a step?", tokens_thinking=2, detail="no log-probabilities came back"),
        plain._replace(
            text="", thinking="cook or", tokens_thinking=4, ended="length", detail="no answer after its thinking"
        ),
        plain._replace(text="", ended="length"),
        Answer("", "refused", "the provider's content filter", ended="filter"),
    ]
    for answer in answers:
        row = asking.read(answer)
        again = answer_of(row._asdict(), asking)
        assert asking.read(again) == row
        assert again._replace(p=None, text="") == answer._replace(p=None, text="")
