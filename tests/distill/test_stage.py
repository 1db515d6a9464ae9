"""From rendered clips over a teacher to a student's predictions; what does not fit together is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.torch import load_file

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS, SIGNALS, SPLITS
from stages.base.tables import read_table
from stages.nets.models import build
from stages.nets.params import Net
from stages.teachers import fingerprint
from stages.teachers.signals import About, read, write
from tests.distill.small import change, language, prepare, student, values
from tests.nets.small import Shape
from tests.stage import Workplace, workplace  # noqa: F401
from tests.train.small import RECIPE, params

HEADS = {"verb": ["drink", "go"], "noun": ["cup", "door", "floor"]}
ALONE = {"terms": ["cross_entropy"], "lambda": 0}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Rendered and ingested once for all of these tests."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        prepare(Workplace(folder, patch), tmp_path_factory)
    return folder


@pytest.fixture
def place(prepared, workplace, monkeypatch):  # noqa: F811
    for room in ("train", "teach", "distill"):
        monkeypatch.setattr(f"stages.{room}.__main__.hold_arithmetic", lambda: None)
    shutil.copytree(prepared / "data", workplace.folder / "data")
    return workplace


def teach(place: Workplace, protocol: str = "cs", **changed) -> str:
    recipe = values({"tiny": language(**changed)})
    return place.run("teach", "home", "minilm", "tiny", protocol, "data/none", values=recipe)


def distil(
    place: Workplace, method: str = "kd_cs", teacher: str = "data/home/teachers/minilm", protocol: str = "cs", **changed
) -> str:
    recipe = values({"tiny": student(**changed)})
    return place.run("distill", "home", method, "tiny", protocol, teacher, values=recipe)


def test_a_teacher_says_of_each_narration_once_what_it_takes_it_for(place, capsys):
    assert teach(place) == ""
    assert "6 texts" in capsys.readouterr().out
    table = read_table(Path("data/home/teachers/minilm/signals.parquet"), SIGNALS)
    assert len(table) == 6
    assert table["key"].is_unique().all()
    assert table["fingerprint"].n_unique() == 1
    about = json.loads(Path("data/home/teachers/minilm/teacher.json").read_text())
    assert about["heads"] == [["verb", HEADS["verb"]], ["noun", HEADS["noun"]]]
    assert about["teacher"]["named"] == {"verb": 1.0, "noun": 1.0}
    for key, said, embedding in table.select("key", "log_probabilities", "embedding").iter_rows():
        assert len(embedding) == 384
        for part, word in ((said[:2], 0), (said[2:], 1)):
            assert np.exp(part).sum() == pytest.approx(1, abs=1e-5)
            truth = {"sip": (0, 0), "com": (1, 1), "pac": (1, 2)}[key[:3]][word]
            assert int(np.argmax(part)) == truth
    assert "class it names: verb 1.000, noun 1.000" in Path("data/home/teachers/minilm/README.md").read_text()
    first = {path: path.read_bytes() for path in Path("data/home/teachers/minilm").iterdir()}
    assert teach(place) == ""
    assert {path: path.read_bytes() for path in Path("data/home/teachers/minilm").iterdir()} == first


def test_a_student_of_verbs_and_nouns_predicts_the_test_clips_and_no_other(place):
    assert teach(place) == ""
    assert distil(place) == ""
    rows = read_table(Run("home").predictions("kd_cs"), PREDICTIONS)
    splits = read_table(Run("home").splits, SPLITS)
    test = splits.filter((pl.col("protocol") == "cs") & (pl.col("part") == "test"))["clip_id"]
    assert rows["clip_id"].to_list() == sorted(test)
    for row in rows.iter_rows(named=True):
        assert (row["verbs"], row["nouns"]) == (HEADS["verb"], HEADS["noun"])
        assert sum(row["verb_scores"]) == pytest.approx(1, abs=1e-5)
        assert sum(row["noun_scores"]) == pytest.approx(1, abs=1e-5)
        best = [row[f"{name}s"][int(np.argmax(row[f"{name}_scores"]))] for name in ("verb", "noun")]
        assert row["labels"] == [" ".join(best)]
        assert row["classes"] == ["drink cup", "go door", "go floor"]
        verb, noun = row["verb_scores"], row["noun_scores"]
        products = [verb[0] * noun[0], verb[1] * noun[1], verb[1] * noun[2]]
        assert row["class_scores"] == pytest.approx(products, abs=1e-6)
    assert {path.stem for path in Path("data/home/curves/kd_cs").iterdir()} == {
        "rate",
        "train_loss",
        "validation_loss",
        "validation_quality",
        "cross_entropy_verb",
        "cross_entropy_noun",
        "distillation_verb",
        "distillation_noun",
        "regression",
    }


def test_a_student_costs_at_use_what_the_plain_model_costs(place):
    """The same keys, shapes and bytes; it loads where the teacher is gone."""
    assert teach(place) == ""
    assert distil(place) == ""
    assert distil(place, "ce_cs", "data/none", distillation=ALONE) == ""
    plain, taught = (load_file(f"data/home/models/{name}/model.safetensors") for name in ("ce_cs", "kd_cs"))
    assert {name: value.shape for name, value in plain.items()} == {name: value.shape for name, value in taught.items()}
    configs = [json.loads(Path(f"data/home/models/{name}/config.json").read_text()) for name in ("ce_cs", "kd_cs")]
    assert configs[0] == configs[1]
    assert configs[0]["classes"] == ["verb:drink", "verb:go", "noun:cup", "noun:door", "noun:floor"]
    outs = configs[0]["classes"]
    assert build(Net(architecture="swin3d", weights="data/home/models/kd_cs"), Shape(4, 48, 32), outs).model is not None


def test_cross_entropy_alone_is_the_plain_model_to_the_bit(place):
    """What differs between the rows of a table is then the teacher, and nothing else."""
    assert distil(place, "ce_cs", "data/none", heads="label", distillation=ALONE) == ""
    assert place.run("train", "home", "plain_cs", "tiny", "cs", values=values({"tiny": params()})) == ""
    files = [Path(f"data/home/models/{name}/model.safetensors").read_bytes() for name in ("ce_cs", "plain_cs")]
    assert files[0] == files[1]
    losses = [Path(f"data/home/curves/{name}/train_loss.tsv").read_text() for name in ("ce_cs", "plain_cs")]
    assert losses[0] == losses[1]
    scores = [
        read_table(Run("home").predictions(name), PREDICTIONS)["class_scores"].to_list()
        for name in ("ce_cs", "plain_cs")
    ]
    assert scores[0] == scores[1]


def test_the_teacher_changes_what_is_learnt_and_the_same_params_give_the_same_bytes(place, monkeypatch, tmp_path):
    assert teach(place) == ""
    found = {}
    for number, more in enumerate(({}, {"distillation": {"lambda": 0.8}}, {"distillation": {"w": 3.0}}, {})):
        monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / str(number)))
        assert distil(place, **more) == ""
        found[number] = Path("data/home/models/kd_cs/model.safetensors").read_bytes()
    assert found[0] == found[3]
    assert len({found[0], found[1], found[2]}) == 3


def test_a_label_is_read_in_words_where_there_are_no_narrations(place):
    assert teach(place, by="label", heads="label") == ""
    assert distil(place, heads="label") == ""
    table = read_table(Path("data/home/teachers/minilm/signals.parquet"), SIGNALS)
    assert table["key"].to_list() == ["drink cup", "go door", "go floor"]


@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_what_a_student_regresses_is_a_parameter(place, pooling):
    assert teach(place, pooling=pooling) == ""
    own = read(Path("data/home/teachers/minilm"))
    assert own.embedding.shape == (6, 384)
    norms = np.linalg.norm(own.embedding, axis=1)
    assert np.abs(norms - 1).max() > 0.1  # hidden states, and no unit vectors
    assert distil(place) == ""


def test_a_video_model_teaches_and_several_teachers_do(place):
    assert distil(place, "ce_cs", "data/none", distillation=ALONE) == ""
    block = {**params(net={"architecture": "swin3d", "weights": "data/home/models/ce_cs"}), "teacher": "video"}
    given = values({"tiny": {**block, "heads": "verb_noun"}})
    assert place.run("teach", "home", "video", "tiny", "cs", "data/none", values=given) == ""
    table = Path("metrics/home/teachers/video.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in table[1:]] == [["video", "train", "verb"], ["video", "train", "noun"]]
    own = read(Path("data/home/teachers/video"))
    splits = read_table(Run("home").splits, SPLITS)
    train = splits.filter((pl.col("protocol") == "cs") & (pl.col("part") == "train"))["clip_id"]
    assert sorted(own.row) == sorted(train)
    assert own.embedding is not None
    assert teach(place) == ""
    for mix in ("mean", "sample", "set"):
        both = {"teacher": "data/home/teachers", "mix": mix}
        assert "embeddings are of 384, 32 numbers" in distil(place, **both)
        assert distil(place, **both, distillation={"terms": ["cross_entropy", "distillation"]}) == ""


def test_a_table_from_elsewhere_teaches_where_its_fingerprint_fits(place, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fingerprint", "home", "cs", "verb_noun", "clip"])
    capsys.readouterr()
    fingerprint.main()
    about = json.loads(capsys.readouterr().out)
    folder = Path("elsewhere/audio")
    splits = read_table(Run("home").splits, SPLITS)
    train = splits.filter((pl.col("protocol") == "cs") & (pl.col("part") == "train"))["clip_id"].to_list()
    write(folder, About.model_validate(about), train, np.full((len(train), 5), -1.0), None)
    kd = {"terms": ["cross_entropy", "distillation"]}
    assert distil(place, teacher=str(folder), distillation=kd) == ""
    assert "a teacher without embeddings" in distil(place, teacher=str(folder))
    write(folder, About.model_validate(about), train[1:], np.full((len(train) - 1, 5), -1.0), None)
    assert f"row {train[0]}: the table has no such key" in distil(place, teacher=str(folder), distillation=kd)


def test_a_teacher_of_other_classes_order_narrations_or_data_is_refused(place):
    assert teach(place) == ""
    path = Path("data/home/teachers/minilm")
    own = read(path)
    swapped = own.about.model_copy(update={"heads": [("verb", ["go", "drink"]), ("noun", HEADS["noun"])]})
    for about, said in (
        (swapped, "classes of verb in another order (place 0: go, not drink)"),
        (
            own.about.model_copy(update={"heads": [("verb", ["drink", "run"]), ("noun", HEADS["noun"])]}),
            "other classes of verb (go, run)",
        ),
        (own.about.model_copy(update={"heads": [("label", ["a", "b", "c", "d", "e"])]}), "its heads are label"),
    ):
        # As written by somebody whose classes are these: their fingerprint is another.
        write(
            path,
            about.model_copy(update={"fingerprint": "0" * 32}),
            list(own.row),
            own.log_probabilities,
            own.embedding,
        )
        assert said in distil(place)
    write(path, own.about, list(own.row), own.log_probabilities, own.embedding)
    assert distil(place) == ""
    change(lambda row: row | {"narration": row["narration"].replace("sip", "drink")})
    said = distil(place)
    assert "narrations that only one of the two has" in said
    assert "its fingerprint is" in said
    # The same narrations, of other classes: another data set that says the same words.
    change(lambda row: row | {"narration": row["narration"].replace("drink", "sip")})
    assert distil(place) == ""
    other = {"go door": "floor", "go floor": "door"}
    change(lambda row: row | {"noun": other.get(row["labels"][0], row["noun"])})
    assert "the same narrations, which name other classes" in distil(place)


def test_table_and_json_of_two_teachers_or_a_damaged_one_are_refused(place):
    assert teach(place) == ""
    path = Path("data/home/teachers/minilm")
    own = read(path)
    text = (path / "teacher.json").read_text()
    (path / "teacher.json").write_text(text.replace(own.about.fingerprint, "0" * 32))
    assert "are of two teachers" in distil(place)
    (path / "teacher.json").write_text(text)
    bad = own.log_probabilities.copy()
    bad[2, 1] = np.nan
    write(path, own.about, list(own.row), bad, own.embedding)
    assert "a number that is none" in distil(place)
    write(path, own.about, list(own.row), own.log_probabilities[:, :4], own.embedding)
    assert "has 4 numbers, its heads have 5 classes" in distil(place)
    assert "no teacher here" in distil(place, teacher="data/home/teachers/other")
    (path / "teacher.json").write_text("{}")
    assert "Field required" in distil(place)


def test_what_lacks_a_text_or_a_class_is_said(place):
    assert teach(place) == ""
    change(lambda row: row | {"narration": None if row["clip_id"].startswith("Enter") else row["narration"]})
    for said in (distil(place), teach(place)):
        assert "the clip has no narration" in said
        assert "row Enter" in said
    change(lambda row: row | {"noun": None if row["clip_id"].startswith("Walk") else row["noun"]})
    for said in (distil(place), teach(place)):
        assert "the clip has no noun" in said
        assert "heads: label" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"distillation": {"tau": 0}}, "greater than 0, got 0"),
        ({"distillation": {"lambda": 1.5}}, "less than or equal to 1, got 1.5"),
        ({"distillation": {"lambda": -0.5}}, "greater than or equal to 0"),
        ({"teacher": "data/none"}, "a teacher is what distillation and regression need"),
        ({"distillation": ALONE}, "cross_entropy alone needs none"),
        ({"teachers": ["x"]}, "Extra inputs"),
    ],
)
def test_what_is_wrong_in_the_params_is_said(place, changed, said):
    found = distil(place, **changed)
    assert said in found
    assert "recipes.tiny" in found or "key 'teacher'" in found


def test_folds_have_no_teacher(place):
    assert "choose a protocol with one fold" in distil(place, protocol="leave_one_subject_out")
    assert "choose a protocol with one fold" in teach(place, protocol="leave_one_subject_out")


def test_terms_in_training_are_those_logged(place):
    assert teach(place) == ""
    assert distil(place, recipe={**RECIPE, "class_weights": False}, distillation={"lambda": 0.4, "w": 0.5}) == ""

    def curve(name: str) -> np.ndarray:
        lines = Path(f"data/home/curves/kd_cs/{name}.tsv").read_text().splitlines()[1:]
        return np.array([float(line.split("\t")[1]) for line in lines])

    ce = (curve("cross_entropy_verb") + curve("cross_entropy_noun")) / 2
    kd = (curve("distillation_verb") + curve("distillation_noun")) / 2
    assert curve("train_loss") == pytest.approx(0.6 * ce + 0.4 * kd + 0.5 * curve("regression"), abs=1e-5)
