"""Which methods a data set has: from records to the list that travels with the measures."""

from typing import Any

import pytest

from stages.base.errors import InputError
from stages.base.paths import NULLS, Run
from stages.methods.records import Method, Record, methods_of, read_methods, write_methods
from tests import records as written

HOME = Run("home")


def records(*methods: str, **changes: Any) -> dict[str, Record]:
    """Return records of methods that are asked."""
    return {key: Record.model_validate(one) for key, one in written.records(HOME, *methods, **changes).items()}


def learning(slot: str, method: str, protocol: str = "cs") -> dict[str, Record]:
    """Return the record of a method that learns, with the slot of its kind."""
    values = {"dataset": "home", "method": method, "title": method, "recipe": "r", "protocol": protocol}
    return {f"home_{method}": Record.model_validate({**values, slot: "data/none"})}


def names(methods: list[Method]) -> list[str]:
    return [one.name for one in methods]


def test_what_is_asked_comes_before_what_learns_and_null_models_last() -> None:
    given = learning("captions", "lora") | records("list") | learning("weights", "net", "cv1") | records("describe")
    found = methods_of(HOME, given, sets=False, told=False)
    assert names(found) == ["list", "describe", "net", "lora", *NULLS]
    assert [one.kind for one in found] == ["asked", "asked", "learnt", "learnt", "null", "null", "null"]
    assert [one.protocol for one in found] == ["all", "all", "cv1", "cs", "all", "all", "all"]


def test_a_record_without_a_title_and_one_of_another_data_set_are_no_methods() -> None:
    given = records("list") | records("adapted", title=None) | records("elsewhere", dataset="away")
    assert names(methods_of(HOME, given, sets=False, told=False)) == ["list", *NULLS]


def test_references_are_measured_where_the_truth_is_known_and_they_are_sentences() -> None:
    assert names(methods_of(HOME, records("list"), sets=False, told=True)) == ["list", "references", *NULLS]
    assert names(methods_of(HOME, records("list"), sets=True, told=True)) == ["list", *NULLS]


def test_null_models_of_sets_are_called_otherwise() -> None:
    titles = [
        [one.title for one in methods_of(HOME, records("list"), sets=sets, told=False)[1:]] for sets in (False, True)
    ]
    assert not set(titles[0]) & set(titles[1])


@pytest.mark.parametrize("titles", [("one", "other"), ("one", None), (None, "other")])
def test_two_records_that_write_the_same_table_are_refused(titles: tuple[str | None, str | None]) -> None:
    one, other = (records("list", title=title)["home_list"] for title in titles)
    with pytest.raises(InputError, match=r"params\.yaml, key 'home_again': method list of home is another record's"):
        methods_of(HOME, {"home_list": one, "home_again": other}, sets=False, told=False)


@pytest.mark.parametrize("name", [*NULLS, "references"])
def test_a_record_may_not_be_called_as_a_null_model(name: str) -> None:
    with pytest.raises(InputError, match=f"method {name} of home is another record's or a null model's"):
        methods_of(HOME, records(name), sets=False, told=False)


@pytest.mark.parametrize("given", [{}, records("list", dataset="away"), records("list", title=None)])
def test_a_data_set_without_a_method_is_told(given: dict[str, Record]) -> None:
    with pytest.raises(InputError, match=r"no record is of the data set home"):
        methods_of(HOME, given, sets=False, told=False)


def test_the_list_comes_back(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = methods_of(HOME, records("list") | learning("weights", "net"), sets=False, told=True)
    write_methods(HOME, found)
    assert read_methods(HOME) == found


@pytest.mark.parametrize("text", ["{}", "null", '["list"]', '[{"name": "list"}]', '[{"more": 1}]', '{"a": 1}'])
def test_what_is_no_list_of_methods_is_refused(text: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"measures/methods\.json: no such file"):
        read_methods(HOME)
    HOME.methods.parent.mkdir(parents=True)
    HOME.methods.write_text(text)
    with pytest.raises(InputError, match=r"measures/methods\.json: no list of methods"):
        read_methods(HOME)
