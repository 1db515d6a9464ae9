import pytest

from stages.text.named import classes_named

WORDS = {
    "Drink.Fromcan": "drink from a can",
    "Drink.Fromcup": "drink from a cup",
    "Getup": "get up",
    "Sitdown": "sit down",
    "Uselaptop": "use a laptop",
    "Laptop": "laptop",
}


@pytest.mark.parametrize(
    ("text", "labels", "unmapped"),
    [
        ("sit down", ["Sitdown"], []),
        ("Sit down.", ["Sitdown"], []),
        ("**Drink.Fromcup**", ["Drink.Fromcup"], []),
        ("1. get up\n2. sit down", ["Getup", "Sitdown"], []),
        ("get up, sit down, get up", ["Getup", "Sitdown"], []),
        ("The person is about to use a laptop", ["Uselaptop"], []),
        ("drinks from a cup", [], ["drinks from a cup"]),
        ("drink from a cup; dance", ["Drink.Fromcup"], ["dance"]),
        ("upset down", [], ["upset down"]),
        ("None.", [], []),
        ("", [], []),
    ],
)
def test_what_an_answer_names(text, labels, unmapped):
    assert classes_named(text, WORDS) == (labels, unmapped)


def test_words_of_every_class_name_that_class_alone():
    for name, said in WORDS.items():
        assert classes_named(said, WORDS).labels == [name]
        assert classes_named(name, WORDS).labels == [name]
