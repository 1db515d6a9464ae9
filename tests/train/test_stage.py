"""The stage from rendered clips to predictions, weights and curves; what is given wrong is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS, SPLITS
from stages.base.tables import read_table
from stages.nets.models import build
from stages.nets.params import Net
from tests.class_list import write_class_list
from tests.nets.small import ARCHITECTURES, Shape
from tests.stage import Workplace, workplace  # noqa: F401
from tests.train.small import CLASSES, RECIPE, params, prepare, values

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(workplace, tmp_path_factory, monkeypatch):  # noqa: F811
    # A stage holds torch's arithmetic before it imports torch; in this process torch is there already.
    monkeypatch.setattr("stages.train.__main__.hold_arithmetic", lambda: None)
    prepare(workplace, tmp_path_factory)
    return workplace


def train(place: Workplace, method: str, block: dict, protocol: str = "cs", **given) -> str:
    return place.run("train", "home", method, "tiny", protocol, values=values({"tiny": block}), **given)


def outputs(method: str) -> dict[str, bytes]:
    folders = [Path("data/home/models") / method, Path("data/home/curves") / method]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): path.read_bytes() for path in [*paths, Run("home").predictions(method)]}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_predicts_the_test_clips_and_no_other(place, architecture):
    method = f"{architecture}_cs"
    assert train(place, method, params(architecture)) == ""
    rows = read_table(Run("home").predictions(method), PREDICTIONS)
    splits = read_table(Run("home").splits, SPLITS)
    test = splits.filter((pl.col("protocol") == "cs") & (pl.col("part") == "test"))["clip_id"]
    assert rows["clip_id"].to_list() == sorted(test)
    assert rows["method"].unique().to_list() == [method]
    assert rows["classes"].to_list() == [CLASSES] * len(rows)
    for labels, scores in rows.select("labels", "class_scores").iter_rows():
        assert sum(scores) == pytest.approx(1, abs=1e-5)
        assert labels == [CLASSES[max(range(3), key=scores.__getitem__)]]
    folder = f"data/home/models/{method}"
    assert build(Net(architecture=architecture, weights=folder), Shape(4, 48, 32), CLASSES).model is not None
    assert sorted(path.name for path in Path("data/home/curves", method).iterdir()) == [
        "rate.tsv",
        "train_loss.tsv",
        "validation_loss.tsv",
        "validation_quality.tsv",
    ]
    assert "| all |" in Path(folder, "README.md").read_text()


def test_leave_one_out_predicts_each_clip_by_the_model_that_did_not_see_it(place):
    method = "swin3d_leave_one_subject_out"
    assert train(place, method, params(), "leave_one_subject_out") == ""
    rows = read_table(Run("home").predictions(method), PREDICTIONS)
    splits = read_table(Run("home").splits, SPLITS).filter(pl.col("protocol") == "leave_one_subject_out")
    test = splits.filter(pl.col("part") == "test")
    assert rows["clip_id"].to_list() == sorted(test["clip_id"])
    joined = rows.join(test, on="clip_id")
    assert joined.group_by("fold").agg(pl.col("revision").n_unique())["revision"].to_list() == [1, 1, 1, 1]
    assert joined["revision"].n_unique() == 4
    folds = sorted(path.name for path in Path("data/home/models", method).iterdir() if path.is_dir())
    assert folds == sorted(test["fold"].unique())


def test_several_labels_and_views(place):
    views = {"times": 2, "places": 3, "crop": 0.8}
    write_class_list(Run("home"), "multi")
    assert train(place, "swin3d_cs", params(views=views)) == ""
    rows = read_table(Run("home").predictions("swin3d_cs"), PREDICTIONS)
    for labels, scores in rows.select("labels", "class_scores").iter_rows():
        assert labels == [name for name, score in zip(CLASSES, scores, strict=True) if score > 0.5]


def test_validation_clips_for_thresholds(place):
    assert train(place, "swin3d_cs", params(parts=["validation", "test"])) == ""
    rows = read_table(Run("home").predictions("swin3d_cs"), PREDICTIONS)
    splits = read_table(Run("home").splits, SPLITS).filter((pl.col("protocol") == "cs") & (pl.col("part") != "train"))
    assert rows["clip_id"].to_list() == sorted(splits["clip_id"])
    method = "swin3d_leave_one_subject_out"
    block = params(parts=["validation", "test"])
    assert "say parts: [test]" in train(place, method, block, "leave_one_subject_out")
    assert "add test" in train(place, "swin3d_cs", params(parts=["validation"]))


def test_same_params_same_bytes(place, monkeypatch, tmp_path):
    assert train(place, "swin3d_cs", params()) == ""
    first = outputs("swin3d_cs")
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "other"))
    assert train(place, "swin3d_cs", params()) == ""
    assert outputs("swin3d_cs") == first


def test_killed_it_goes_on_to_the_same_bytes(place, monkeypatch, tmp_path):
    """The real command line, killed in the middle of training by SIGKILL, started again."""
    block = params(recipe={**RECIPE, "epochs": 6})
    (place.folder / "params.yaml").write_text(yaml.safe_dump(values({"tiny": block})))
    (place.folder / "compute.yaml").write_text("workers: 1\n")
    saving = (
        "import os, signal, sys; import stages.train.__main__ as stage; import stages.exact.reproducible\n"
        "stage.hold_arithmetic()\n"
        "stage.hold_arithmetic = lambda: None\n"
        "from stages.learn import loop, stepping\n"
        "take, fit = stepping.Stepper.take, loop.fit\n"
        "def taking(self, step):\n"
        "    if step == STOP:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return take(self, step)\n"
        "def fitting(*a, **k):\n"
        "    return fit(*a, **k, every=0)\n"
        "STOP = int(os.environ['STOP'])\n"
        "stepping.Stepper.take, loop.fit = taking, fitting\n"
        "stage.main()\n"
    )

    def run(stop: int) -> int:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "STOP": str(stop), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", saving, "home", "swin3d_cs", "tiny", "cs"],
            cwd=place.folder,
            env=env,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    assert run(11) == -signal.SIGKILL
    assert run(14) == -signal.SIGKILL
    assert not Run("home").predictions("swin3d_cs").exists()
    assert run(10**6) == 0
    broken = outputs("swin3d_cs")
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "other"))
    assert run(10**6) == 0
    assert outputs("swin3d_cs") == broken


def test_from_a_checkpoint_of_another_data_set(place):
    assert train(place, "swin3d_cs", params()) == ""
    block = params(net={"architecture": "swin3d", "weights": "data/home/models/swin3d_cs"})
    assert train(place, "again_cs", block) == ""
    block = params(net={"architecture": "vivit", "weights": "data/home/models/swin3d_cs"})
    assert "is a swin3d, expected a vivit" in train(place, "other_cs", block)
    few = values({"few": params(net={"architecture": "swin3d", "weights": "data/home/models/swin3d_cs"})})
    clips = sorted(Path("data/home/clips").glob("Walk*"))
    for clip in clips:
        clip.unlink()
    assert place.run("ingest", "home", "data/home/clips", values=few) == ""
    said = place.run("train", "home", "few_cs", "few", "cs", values=few)
    assert "3 classes apart" in said
    assert "head: remake" in said


def test_a_class_with_one_train_clip_and_no_validation_part_are_stated(place, capsys):
    clips = sorted(Path("data/home/clips").glob("Walk*"))
    train_side = [clip for clip in clips if "_p03_" in clip.name or "_p19_" in clip.name]
    for clip in train_side[1:]:
        clip.unlink()
    given = values({"tiny": params()}, cs={"validation": False})
    assert place.run("ingest", "home", "data/home/clips", values=given) == ""
    assert place.run("train", "home", "swin3d_cs", "tiny", "cs", values=given) == ""
    said = capsys.readouterr().out
    assert "one train clip of Walk" in said
    assert "no validation part: no early stop, the last epoch's weights are kept" in said
    card = Path("data/home/models/swin3d_cs/README.md").read_text()
    assert "no validation part" in card
    assert sorted(path.name for path in Path("data/home/curves/swin3d_cs").iterdir()) == ["rate.tsv", "train_loss.tsv"]


def test_a_loss_that_is_no_number_ends_in_words(place):
    said = train(place, "swin3d_cs", params(recipe={**RECIPE, "rate": 1e30, "clip": None}))
    assert "the loss is nan at step" in said or "the loss is inf at step" in said
    assert "lower `rate`" in said


def test_what_is_wrong_in_the_params_is_said(place):
    assert "no such protocol" in train(place, "swin3d_cv9", params(), "cv9")
    assert "three places need a crop below 1" in train(place, "a_cs", params(views={"places": 3}))
    assert "multiples of 16 pixels" in train(
        place, "a_cs", params("videomae", pixels={"frames": 4, "size": [40, 32], "kept": 4, "kept_size": [48, 32]})
    )
    said = place.run("train", "home", "a_cs", "other", "cs", values=values({"tiny": params()}))
    assert "no such param" in said
    assert "recipes.other" in said
    for key in ("protocol", "labels"):  # of the record, and of the data set
        said = train(place, "a_cs", params(**{key: "cs"}))
        assert "Extra inputs are not permitted" in said
        assert f"recipes.tiny.{key}" in said


def test_a_method_is_called_as_its_record_says(place):
    """One recipe, two methods: neither name says recipe or protocol."""
    for method in ("baseline", "again"):
        assert train(place, method, params()) == ""
        rows = read_table(Run("home").predictions(method), PREDICTIONS)
        assert rows["method"].unique().to_list() == [method]
    one, other = outputs("baseline"), outputs("again")
    assert one["data/home/models/baseline/model.safetensors"] == other["data/home/models/again/model.safetensors"]
