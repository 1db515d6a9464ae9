"""`python -m stages.interact` from streams to predictions, in a fresh process, killed, swapped, and on bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from safetensors.torch import load_file

from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS, SPLITS, STREAMED
from stages.base.tables import read_table, write_table
from tests.conftest import ROOT
from tests.interact.small import CLASSES, NAMING, RECIPE, TALKING, values, write_models, write_set
from tests.stage import Workplace, workplace  # noqa: F401

STREAMS = "data/two/streams/truth"


@pytest.fixture
def place(workplace, monkeypatch):  # noqa: F811
    monkeypatch.setattr("stages.interact.__main__.hold_arithmetic", lambda: None)
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / ".journal"))
    write_set(workplace.folder)
    write_models(Path("data/models"))
    return workplace


def run(place: Workplace, method: str, recipe: dict, model="speaker", pose="pose", vision="embedded", streams=STREAMS):
    given = ("two", method, model, pose, vision, "tiny", "cs", streams)
    return place.run("interact", *given, values=values(tiny=recipe))


def predicted(method: str) -> pl.DataFrame:
    return read_table(Run("two").predictions(method), PREDICTIONS)


def outputs(folder: Path, method: str) -> dict[str, bytes]:
    run = folder / "data/two"
    files = [run / "predictions" / f"{method}.parquet", *(run / "models" / method).rglob("*")]
    files += (run / "curves" / method).rglob("*")
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(files) if path.is_file()}


def test_it_describes_and_names_and_leaves_what_it_learnt(place, capsys):
    assert run(place, "ov", TALKING) == ""
    said = capsys.readouterr().out
    assert "4 clips asked; 6 steps" in said
    rows = predicted("ov")
    assert rows["clip_id"].to_list() == ["clip06", "clip07", "clip14", "clip15"]
    assert rows["classes"].to_list() == [list(CLASSES)] * 4
    assert np.array(rows["class_scores"].to_list()).sum(1) == pytest.approx(1, abs=2e-6)
    best = [CLASSES[int(np.argmax(scores))] for scores in rows["class_scores"]]
    assert rows["labels"].to_list() == [[name] for name in best]
    assert rows["text"].null_count() == 0
    assert set(rows["status"]) == {"ok"}
    weights = load_file("data/two/models/ov/model.safetensors")
    assert {name.split(".")[0] for name in weights} == {"branches"}
    about = json.loads(Path("data/two/models/ov/config.json").read_text())
    assert about["frozen"].keys() == {"language", "pose", "vision"}
    assert about["widths"] == {"bg": 16, "p1": 16, "p2": 16}
    curves = {path.stem for path in Path("data/two/curves/ov").glob("*.tsv")}
    assert {"train_loss", "describe", "one_word", "validation_loss"} <= curves
    assert "embedded at" in Path("data/two/models/ov/README.md").read_text()


def test_a_fresh_process_says_the_same_words(place):
    assert run(place, "ov", TALKING) == ""
    code = """
import json, yaml, torch
torch.set_num_threads(1)
from stages.interact.answers import answers
from stages.interact.cell import Frozen
from stages.interact.learning import conversation
from stages.interact.saved import load
from stages.interact.params import PARAMS
from stages.interact.seen import ROOM, Shows
from stages.interact.source import Streamed
from stages.base.journal.arrays import Arrays
from stages.learn.data import read_task
from stages.base.params import read
from stages.base.paths import Run
from pathlib import Path
names = dict(recipe="tiny", model="speaker", pose="pose", vision="embedded")
way, *models = (read(PARAMS, **names)[key] for key in PARAMS)
frozen = Frozen(way, *models)
model, about = load(Path("data/two/models/ov"), frozen.named, frozen.engine().model)
shows = Shows(way.seeing, Path("data/two/streams/truth"), frozen.shapes)
test = read_task(Run("two"), "cs").folds[0].test
with Arrays(ROOM) as arrays:
    source = Streamed([shows.look(clip) for clip in test], arrays, torch.zeros(len(test), 1))
    words = list(about["classes"].values())
    for batch in (32, 1):
        talk = conversation(way, frozen.engine())
        said = answers(model, talk, source, words, way.longest, batch, torch.device("cpu"))
        print(json.dumps([[one.description, one.word, [round(log, 9) for log in one.logs]] for one in said]))
"""
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    whole, alone = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert whole == alone, "an answer depends on its neighbours"
    rows = predicted("ov")
    assert [one[0] for one in whole] == rows["text"].to_list()
    exact = np.array([one[2] for one in whole])
    shares = np.exp(exact - exact.max(1, keepdims=True))
    assert np.allclose(shares / shares.sum(1, keepdims=True), np.array(rows["class_scores"].to_list()), atol=1e-6)


def test_persons_who_change_places_change_who_acts(place):
    """The classifier learns who is red and moves; in the control it names the other one, and trains no other model."""
    recipe = NAMING | {"recipe": RECIPE | {"epochs": 30, "rate": 0.02}, "dropout": 0.0}
    assert run(place, "plain", recipe) == ""
    truth = {row["clip_id"]: row["labels"] for row in read_table(Run("two").manifest, MANIFEST).to_dicts()}
    plain = predicted("plain")
    assert plain["labels"].to_list() == [truth[clip] for clip in plain["clip_id"]]
    assert run(place, "swapped", recipe | {"swapped": True}) == ""
    swapped = predicted("swapped")
    other = {CLASSES[0]: CLASSES[1], CLASSES[1]: CLASSES[0]}
    assert swapped["labels"].to_list() == [[other[name] for name in labels] for labels in plain["labels"].to_list()]
    assert swapped["revision"].to_list() == plain["revision"].to_list()
    assert swapped["journal_key"].to_list() == plain["journal_key"].to_list()


def test_whole_frames_and_no_background(place):
    whole = TALKING | {"seeing": {"frames": 4, "media": "whole_frames"}, "describe": "describe_whole_frames"}
    assert run(place, "whole", whole, model="embedded", pose="none", streams="data/none") == ""
    assert {name.split(".")[1] for name in load_file("data/two/models/whole/model.safetensors")} == {"frames"}
    bare = TALKING | {"seeing": {"frames": 4, "background": False}, "describe": "describe_no_background"}
    assert run(place, "bare", bare, vision="none") == ""
    assert {name.split(".")[1] for name in load_file("data/two/models/bare/model.safetensors")} == {"person"}
    assert run(place, "named", NAMING | {"seeing": {"frames": 4, "media": "whole_frames"}}, pose="none") == ""


def test_a_changed_recipe_computes_no_feature_again(place, monkeypatch):
    assert run(place, "ov", TALKING) == ""

    def never(*_):
        raise AssertionError("features are there")

    monkeypatch.setattr("stages.interact.cell.Frozen.encoders", never)
    assert run(place, "more", TALKING | {"recipe": RECIPE | {"epochs": 1}, "shared": False}) == ""


def test_what_is_said_may_name_the_class(place):
    assert run(place, "said", TALKING | {"classifier": "said"}) == ""
    rows = predicted("said")
    for row in rows.to_dicts():  # a model that learnt three epochs with random words before says no class
        assert (row["status"] == "unmapped") == (row["labels"] == [])
        assert "names no class" in (row["detail"] or "") or row["labels"]
    assert "one-word answers name no class" in Path("data/two/models/said/README.md").read_text()


def test_the_class_may_be_asked_first(place):
    order = {"first": "one_word", "one_word": "one_word_streams", "describe": "describe_named"}
    assert run(place, "ov", TALKING | order) == ""
    rows = predicted("ov")
    best = [CLASSES[int(np.argmax(scores))] for scores in rows["class_scores"]]
    assert rows["labels"].to_list() == [[name] for name in best]
    assert {"describe", "one_word"} <= {path.stem for path in Path("data/two/curves/ov").glob("*.tsv")}
    assert "stands 0 times" in run(place, "ov", TALKING | {"first": "one_word"})


def test_each_fold_has_a_model_of_its_own_and_asks_its_own_clips(place):
    """As leave-one-sequence-out has it: no validation part."""
    clips = [f"clip{number:02}" for number in range(16)]
    rows = [
        {"protocol": "cs", "fold": fold, "clip_id": clip, "part": "test" if number // 8 == int(fold) else "train"}
        for fold in "01"
        for number, clip in enumerate(clips)
    ]
    write_table(Run("two").splits, rows, SPLITS)
    assert run(place, "ov", TALKING | {"recipe": RECIPE | {"epochs": 1}}) == ""
    rows = predicted("ov")
    assert rows["clip_id"].to_list() == clips
    models = Path("data/two/models/ov")
    first, second = (load_file(models / fold / "model.safetensors") for fold in "01")
    assert any(not np.array_equal(first[name], second[name]) for name in first)
    of_fold = [set(rows["revision"][part].to_list()) for part in (slice(0, 8), slice(8, 16))]
    assert [len(one) for one in of_fold] == [1, 1]
    assert of_fold[0] != of_fold[1]


def test_bad_input_is_said(place):
    manifest = read_table(Run("two").manifest, MANIFEST)
    no_words = manifest.with_columns(
        pl.when(pl.col("clip_id") == "clip01").then(None).otherwise(pl.col("narration")).alias("narration")
    )
    write_table(Run("two").manifest, no_words, MANIFEST)
    assert "row clip01, key 'narration': the clip has no narration" in run(place, "ov", TALKING)
    write_table(Run("two").manifest, manifest, MANIFEST)
    assert "the record has no pose model" in run(place, "ov", TALKING, pose="none")
    assert "nothing to see them with" in run(place, "ov", TALKING, vision="none")
    assert "a model of text has no vision tower" in run(place, "ov", TALKING, vision="speaker")
    assert "the record has none" in run(place, "ov", TALKING, streams="data/none")
    assert "<bg> stands 0 times" in run(place, "ov", TALKING | {"describe": "describe_no_background"})
    assert "no such prompt" in run(place, "ov", TALKING | {"describe": "ask"})
    write_set(place.folder, 8, "other")
    assert "of another data set" in run(place, "ov", TALKING, streams="data/other/streams/truth")
    rows = read_table(Path(STREAMS) / "clips.parquet", STREAMED).to_dicts()
    for row in rows[14:]:
        row |= {"error": "cut short", "people": None, "why": None}
    write_table(Path(STREAMS) / "clips.parquet", rows, STREAMED)
    assert "2 of 4 test clips are errors" in run(place, "ov", TALKING)
    assert not Run("two").predictions("ov").exists()
    assert run(place, "ov", TALKING | {"errors": 0.5}) == ""
    errors = predicted("ov").filter(pl.col("status") == "error")
    assert errors["clip_id"].to_list() == ["clip14", "clip15"]
    assert errors["detail"].to_list() == ["its streams: cut short"] * 2


def test_another_frozen_model_is_refused(place):
    from stages.base.errors import InputError
    from stages.interact.saved import load

    assert run(place, "ov", TALKING) == ""
    about = json.loads(Path("data/two/models/ov/config.json").read_text())["frozen"]
    other = about | {"pose": {"name": "else", "revision": "0"}}
    with pytest.raises(InputError, match="was trained on pose"):
        load(Path("data/two/models/ov"), other)


def test_killed_in_features_and_in_training_it_ends_in_the_same_bytes(place, tmp_path):
    """The real command line, ended by SIGKILL at the third clip, then at two steps, and started again each time."""
    block = TALKING | {"recipe": RECIPE | {"epochs": 4, "average": 0.9}}
    assert run(place, "whole", block) == ""
    killing = (
        "import os, signal, functools; from stages.exact import reproducible\n"
        "reproducible.hold_arithmetic = lambda: None\n"
        "import stages.interact.__main__ as stage\n"
        "stage.hold_arithmetic = lambda: None\n"
        "from stages.interact import learning, seen\n"
        "from stages.learn import stepping\n"
        "learning.fit = functools.partial(learning.fit, every=0.0)\n"
        "take, features = stepping.Stepper.take, seen.Shows.features\n"
        "count = 0\n"
        "def taking(self, step):\n"
        "    if step == int(os.environ['STEP']):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return take(self, step)\n"
        "def looking(self, *given):\n"
        "    global count\n"
        "    count += 1\n"
        "    if count == int(os.environ['CLIP']):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return features(self, *given)\n"
        "stepping.Stepper.take, seen.Shows.features = taking, looking\n"
        "stage.main()\n"
    )
    (place.folder / "params.yaml").write_text(yaml.safe_dump(values(tiny=block)))
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HAR_JOURNAL": str(tmp_path / "other")}
    given = ["two", "whole", "speaker", "pose", "embedded", "tiny", "cs", STREAMS]
    whole = outputs(place.folder, "whole")
    for path in whole:
        (place.folder / "data/two" / path).unlink()
    for clip, step, code in ((3, -1, -9), (-1, 2, -9), (1, 5, -9), (-1, -1, 0)):
        done = subprocess.run(
            [sys.executable, "-c", killing, *given],
            env=env | {"CLIP": str(clip), "STEP": str(step)},
            capture_output=True,
            text=True,
            check=False,
        )
        if (clip, step) == (1, 5):
            assert done.returncode == -9, done.stderr  # no clip is looked at again: it comes to its step
            continue
        assert done.returncode == code, done.stderr
    again = outputs(place.folder, "whole")
    assert [name for name in whole if whole[name] != again.get(name)] == []
    assert int(done.stdout.rpartition(";")[2].split()[0]) >= 5, "what was learnt before the kill is learnt again"
