import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.errors import InputError
from stages.keywords.checks import checked, of_classes, warnings
from stages.keywords.files import from_notebook, from_yaml

words = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5)


def notebook(path, *cells):
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    return path


def test_the_published_lists(remote_file):
    path = remote_file("data/published/vlms_har_rhms/Keywords_Evaluate_all_data.ipynb")
    lists = from_notebook(path, "activity_dict_cleaned")
    assert len(lists) == 31
    assert lists["Drink_Fromcan"][:3] == ["drink", "can", "soda"]
    assert lists["WatchTV"][1] == "living room"
    doubts = warnings(lists, shared_by=8)
    assert "Cook_Cleanup: 'wipe' stands 2 times in its list" in doubts
    assert any(doubt.startswith("'drink' is a keyword of") for doubt in doubts)


@settings(deadline=None)
@given(st.dictionaries(st.text(), words, min_size=1))
def test_a_literal_comes_back_as_it_was(tmp_path_factory, lists):
    path = tmp_path_factory.mktemp("n") / "n.ipynb"
    assert from_notebook(notebook(path, "x = 1\n", [f"lists = {lists!r}\n", "lists\n"]), "lists") == lists


def test_the_last_assignment_counts_and_nothing_is_run(tmp_path):
    touched = tmp_path / "touched"
    run = f"open({str(touched)!r}, 'w')\nlists: dict = {{'a': ['b']}}\n"
    path = notebook(tmp_path / "n.ipynb", "lists = 7", "%magic lists = {}", run, "print(lists)")
    assert from_notebook(path, "lists") == {"a": ["b"]}
    assert not touched.exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("lists = dict(a=['b'])", "is no literal"),
        ("lists = {'a': ['b' + c]}", "is no literal"),
        ("lists = {'a': ['b'], **more}", "is no literal"),
        ("other = {}", "no code cell assigns lists"),
        ("lists = {'a': ['b'", "no code cell assigns lists"),
        ("def f():\n    lists = {'a': ['b']}", "no code cell assigns lists"),
        ("lists = {'a': ['b'], 'a': ['c']}", "names a class twice"),
        ("lists = ['a']", "expected lists of keywords by class"),
        ("lists = {'a': 'b'}", "expected a list of keywords"),
        ("lists = {'a': []}", "has no keywords"),
        ("lists = {'a': ['b', ' ']}", "no keyword: ' '"),
        ("lists = {'a': [" + "[" * 5000 + "]" * 5000 + "]}", "lists"),
    ],
)
def test_a_notebook_without_usable_lists_says_why(tmp_path, cell, message):
    with pytest.raises(InputError, match=message) as told:
        from_notebook(notebook(tmp_path / "n.ipynb", cell), "lists")
    assert "n.ipynb" in str(told.value)


@pytest.mark.parametrize("content", ['{"cells": [', "[]", "{}"])
def test_what_is_no_notebook_says_so(tmp_path, content):
    (tmp_path / "n.ipynb").write_text(content)
    with pytest.raises(InputError, match=r"n\.ipynb"):
        from_notebook(tmp_path / "n.ipynb", "lists")


def test_missing_files_say_how_to_get_them(tmp_path):
    (tmp_path / "n.ipynb.dvc").touch()
    with pytest.raises(InputError, match=r"dvc pull .*HAR_REMOTE"):
        from_notebook(tmp_path / "n.ipynb", "lists")
    with pytest.raises(InputError, match="no such file"):
        from_yaml(tmp_path / "n.yaml", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("version: 2\nclasses: {a: [b]}", "the file is version 2, the params ask for 1"),
        ("classes: {a: [b]}", "expected the keys version and classes"),
        ("version: 1\nclasses: {a: [on]}", "no keyword: True"),
        ("version: 1\nclasses: {a: }", "expected a list of keywords"),
        ("version: 1\nclasses: [", "not YAML"),
    ],
)
def test_a_bad_yaml_says_why(tmp_path, content, message):
    (tmp_path / "l.yaml").write_text(content)
    with pytest.raises(InputError, match=message):
        from_yaml(tmp_path / "l.yaml", 1)


def test_a_class_without_keywords_is_named():
    lists = checked({"a": ["x"], "b": ["y"]}, "l.yaml")
    assert of_classes(lists, ["b"], "l.yaml") == {"b": ["y"]}
    with pytest.raises(InputError, match=r"l\.yaml: 2 classes of the data set have no keywords: c, d"):
        of_classes(lists, {"a", "d", "c"}, "l.yaml")


def test_warnings_tell_of_repeats_and_of_what_many_classes_share():
    lists = {"a": ["x", "X", "y"], "b": ["x"], "c": ["x", "y"]}
    assert warnings(lists, shared_by=3) == [
        "a: 'x' stands 2 times in its list",
        "'x' is a keyword of 3 classes: a, b, c",
    ]
