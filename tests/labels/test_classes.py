"""The class list: what ingest writes, and what a reader of a damaged one is told."""

import json

import pytest

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.labels.classes import class_list, read_classes, write_classes

RUN = Run("home")


@pytest.fixture(autouse=True)
def _there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_comes_back_sorted_with_words_and_room_for_verb_and_noun():
    write_classes(RUN, class_list([["Walk"], [], ["Cook_Cut", "Walk"]], "multi"))
    found = read_classes(RUN)
    assert (found.names, found.many) == (["Cook_Cut", "Walk"], True)
    assert found.words == {"Cook_Cut": "cutting food", "Walk": "walking"}
    assert json.loads(RUN.classes.read_text())["classes"][0] == {
        "name": "Cook_Cut",
        "words": "cutting food",
        "verb": None,
        "noun": None,
    }
    assert found.among([["Walk"]], RUN) == ["Walk"]
    with pytest.raises(InputError, match=r"classes.json: no such class: Fly"):
        found.among([["Walk", "Fly"]], RUN)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "no class list"),
        ('{"labels": "many", "classes": []}', "key 'labels': no class list"),
        ('{"labels": "single", "classes": [{"name": "Walk"}]}', "classes.0.words"),
        ('{"labels": "single", "classes": [], "more": 1}', "key 'more'"),
        (
            '{"labels": "single", "classes": [{"name": "b", "words": "b"}, {"name": "a", "words": "a"}]}',
            "not sorted, each once",
        ),
    ],
)
def test_what_is_no_class_list_is_refused(text, says):
    RUN.data.mkdir(parents=True)
    RUN.classes.write_text(text)
    with pytest.raises(InputError, match=says):
        read_classes(RUN)


def test_a_run_without_one_says_what_brings_it():
    with pytest.raises(InputError, match=r"classes.json: no such file"):
        read_classes(RUN)
