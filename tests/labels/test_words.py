import pytest

from stages.ingest.adapters import load
from stages.labels.words import _WORDS, in_words


@pytest.mark.parametrize("adapter", ["smarthome", "weizmann", "ut_interaction"])
def test_every_class_of_a_known_data_set_has_words_of_its_own(adapter):
    classes = load(adapter).classes
    assert classes <= set(_WORDS)
    assert len({in_words(label) for label in classes}) == len(classes)


@pytest.mark.parametrize(
    ("label", "words"),
    [("opening_door", "opening door"), ("HighFive", "high five"), ("baby visible", "baby visible"), ("TV-on", "tv on")],
)
def test_other_labels_are_cut_where_they_show_it(label, words):
    assert in_words(label) == words
