"""The taxonomy: what stands in the file is checked as a whole, and a clip gets the sentence of its class."""

import re
from pathlib import Path

import pytest
import yaml

from stages.base.errors import InputError
from stages.labels.words import in_words
from stages.taxonomy.load import extended, interaction, load, read
from stages.taxonomy.model import FILE

SMALL = {
    "version": 1,
    "sources": {"one": {"a": "hug", "b": "push"}, "two": {"1": "hug"}},
    "open": {"three": "nobody says"},
    "classes": {"hug": ["They hug.", "One hugs the other."], "push": ["One pushes the other."]},
}


def written(folder: Path, change: dict, name: str = "taxonomy.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({**SMALL, **change}))
    return path


def test_what_we_have_is_whole():
    taxonomy = load()
    assert set(taxonomy.open) == {"sports_hhi", "kinetics_interactions"}
    assert min(map(len, taxonomy.classes.values())) >= 3
    counts = {source: len(labels) for source, labels in taxonomy.sources.items()}
    assert counts == {
        **{"ut_interaction": 6, "tv_human_interaction": 5, "sbu_kinect": 8, "jpl_interaction": 7, "shakefive2": 4},
        **{"hollywood2": 12, "ntu_rgbd": 26, "air_act2act": 10, "ov_hhir_unseen": 5},
    }


def test_labels_of_several_sets_are_one_class():
    taxonomy = load()
    names = {("ut_interaction", "handshake"), ("tv_human_interaction", "handShake"), ("sbu_kinect", "shake_hands")}
    names |= {("ntu_rgbd", "A058"), ("air_act2act", "A005"), ("hollywood2", "HandShake"), ("shakefive2", "hand_shake")}
    assert {taxonomy.unified(*name) for name in names} == {"handshake"}


def test_a_clip_gets_one_of_its_class_sentences_always_the_same_and_all_are_used():
    taxonomy = load()
    told = {f"{number}_1_0": interaction("ut_interaction", "handshake", f"{number}_1_0") for number in range(200)}
    assert {one.label for one in told.values()} == {"handshake"}
    assert {one.sentence for one in told.values()} == set(taxonomy.classes["handshake"])
    assert told["7_1_0"].sentence == taxonomy.sentence("handshake", "7_1_0")
    golden = "Two people stand face to face and shake hands in greeting."
    assert taxonomy.sentence("handshake", "17_3_0") == golden  # a manifest's bytes depend on it
    assert any(
        taxonomy.sentence("hug", str(place), seed=1) != taxonomy.sentence("hug", str(place)) for place in range(9)
    )


def test_a_clip_of_several_classes_is_told_by_a_sentence_of_each():
    taxonomy = load()
    said = taxonomy.narration(["kissing", "hug"], "c")
    assert said == f"{taxonomy.sentence('hug', 'c')} {taxonomy.sentence('kissing', 'c')}"
    assert taxonomy.narration([], "c") is None


def test_a_label_that_nobody_knows():
    assert interaction("ntu_rgbd", "A001", "x") == ("A001", None)
    with pytest.raises(InputError, match=r"ntu_rgbd has no label 'A001'"):
        load().unified("ntu_rgbd", "A001")
    with pytest.raises(InputError, match=r"no data set 'ntu'"):
        load().labels_of("ntu")
    with pytest.raises(InputError, match=r"the labels of sports_hhi are open: the 34 names"):
        load().labels_of("sports_hhi")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": {**SMALL["classes"], "push": []}}, "key 'classes.push': a class without a sentence"),
        ({"classes": {**SMALL["classes"], "push": [" "]}}, "key 'classes.push': a class without a sentence"),
        ({"classes": {**SMALL["classes"], "push": ["They hug."]}}, "key 'classes.push': 'They hug.' tells hug too"),
        ({"classes": {"hug": ["They hug."]}}, "key 'sources.one.b': there is no class 'push'"),
        ({"classes": {**SMALL["classes"], "kick": ["x."]}}, "key 'classes.kick': no data set has a label of this"),
        ({"open": {"one": "x"}}, "key 'open.one': its labels are under `sources`"),
        ({"version": 0}, "key 'version'"),
        ({"sentences": {}}, "key 'sentences'"),
        ({"sources": {"one": ["hug"]}}, "key 'sources.one'"),
    ],
)
def test_what_a_file_must_not_hold(tmp_path, change, message):
    with pytest.raises(InputError, match=f"taxonomy.yaml, {message}"):
        read(written(tmp_path, change))


def test_two_names_for_one_class(tmp_path):
    classes = {**SMALL["classes"], "high_five": ["a."], "high-five": ["b."]}
    sources = {"one": {"a": "hug", "b": "push", "c": "high_five", "d": "high-five"}}
    with pytest.raises(InputError, match=r"is the same class, 'high five' in words"):
        read(written(tmp_path, {"classes": classes, "sources": sources}))


def test_a_key_that_stands_twice_and_what_is_no_yaml(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(FILE.read_text().replace("    kick: kick\n", "    kick: kick\n    kick: push\n", 1))
    with pytest.raises(InputError, match=re.escape("'kick' stands here twice")):
        read(path)
    path.write_text("version: [1")
    with pytest.raises(InputError, match=r"t.yaml: not YAML"):
        read(path)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.yaml")


def test_a_set_whose_labels_are_open_brings_its_own(tmp_path):
    assert extended(tmp_path) is load()
    own = {
        "version": 1,
        "sources": {"sports_hhi": {"x - y": "blocking", "x - z": "hug"}},
        "classes": {"blocking": ["z."]},
    }
    (tmp_path / "taxonomy.yaml").write_text(yaml.safe_dump(own))
    found = extended(tmp_path)
    assert found.unified("sports_hhi", "x - y") == "blocking"
    assert found.classes_of("sports_hhi") == {"blocking", "hug"}
    assert set(found.open) == {"kinetics_interactions"}
    assert found.unified("ut_interaction", "hug") == "hug"


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"version": 1, "sources": {"ut_interaction": {"hug": "push"}}, "classes": {}}, "is hug already"),
        ({"version": 1, "sources": {}, "classes": {"hug": ["z."]}}, "interactions.yaml has the class already"),
        ({"version": 1, "sources": {"sports_hhi": {"a": "b"}}, "classes": {}}, "there is no class 'b'"),
    ],
)
def test_what_a_set_of_its_own_must_not_say(tmp_path, own, message):
    (tmp_path / "taxonomy.yaml").write_text(yaml.safe_dump(own))
    with pytest.raises(InputError, match=message):
        extended(tmp_path)


def test_no_two_classes_are_called_alike():
    assert len({in_words(name) for name in load().classes}) == len(load().classes)
