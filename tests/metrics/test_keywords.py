import pytest

from stages.metrics.keyword import keyword
from stages.metrics.keyword_word import keyword_word
from stages.text.keywords import forms


@pytest.mark.parametrize(
    ("text", "keywords", "value"),
    [
        ("A man is drinking from a cup.", ["drink"], 1),  # inside of a word
        ("A woman is seated.", ["eat"], 1),  # also of another word
        ("Drinking water", ["drink"], 0),  # case as it is
        ("watching TV", ["TV"], 1),
        ("watching tv", ["TV"], 0),
        ("a cozy living room", ["living room"], 1),
        ("a cozy living  room", ["living room"], 0),
        ("He drank it.", ["drink", "sip"], 0),
        ("", ["drink"], 0),
    ],
)
def test_the_papers_keyword_is_a_substring(text, keywords, value):
    assert keyword(text, keywords) == value


@pytest.mark.parametrize(
    ("text", "keywords", "value"),
    [
        ("A man is drinking from a cup.", ["drink"], 1),
        ("A woman is seated.", ["eat"], 0),
        ("DRINKS\nwater", ["drink"], 1),
        ("watching tv", ["TV"], 1),
        ("He drank it.", ["drink"], 0),
        ("She is cutting bread", ["cut"], 1),
        ("She takes pills, taking her time", ["take"], 1),
        ("He carries a bag", ["carry"], 1),
        ("a cozy living\n room", ["living room"], 1),
        ("pours water", ["pour water"], 1),
        ("pours the water", ["pour water"], 0),
        ("the microwave oven", ["wave"], 0),
        ("cook_stir", ["cook"], 0),
        ("cook", ["cooking"], 0),
        ("a (cup)", ["cup"], 1),
        ("The C++ book", ["c++"], 1),
        ("it is what it is", ["", " "], 0),
        ("", ["drink"], 0),
    ],
)
def test_keyword_word_is_a_word_in_any_case_and_simple_inflection(text, keywords, value):
    assert keyword_word(text, keywords) == value


@pytest.mark.parametrize(
    ("word", "inflected"),
    [
        ("wash", {"washes", "washed", "washing"}),
        ("cut", {"cuts", "cutting"}),
        ("stir", {"stirred", "stirring"}),
        ("take", {"takes", "taking"}),
        ("wipe", {"wiped", "wiping"}),
        ("tidy", {"tidies", "tidied", "tidying"}),
        ("play", {"plays", "played", "playing"}),
        ("chew", {"chews", "chewed", "chewing"}),
        ("read", {"reads", "reading"}),
        ("Sit", {"sits", "sitting"}),
        ("3d", {"3d"}),
    ],
)
def test_simple_inflections(word, inflected):
    assert inflected <= set(forms(word))


@pytest.mark.parametrize(("word", "never"), [("read", "readding"), ("chew", "chewwed"), ("take", "takeing")])
def test_no_doubling_where_none_belongs(word, never):
    assert never not in forms(word)
