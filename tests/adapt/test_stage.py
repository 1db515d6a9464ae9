"""Cells end to end on a few clips: what they write, what they say of bad input, what the journal spares them."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml
from dvc.repo import Repo
from pydantic import TypeAdapter

from stages.adapt.cell import Cell
from stages.adapt.features import FEATURES
from stages.adapt.make import Result, make
from stages.adapt.params import Way
from stages.adapt.saved import load
from stages.adapt.sources import Shown
from stages.base.errors import GateError, InputError
from stages.base.params import compute
from stages.base.schema import MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_table
from stages.vlm.local import Local
from stages.vlm.params import LocalParams
from stages.vlm.show import Show
from tests.adapt.small import LORA, PAINT, RECIPE, WAYS, vlm, write_run
from tests.conftest import ROOT

CPU = {"device": "cpu", "batch": 4, "workers": 1}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compute.yaml").write_text(yaml.safe_dump(CPU))
    compute.cache_clear()
    return tmp_path


def cell_of(way: str, protocol: str = "cs") -> Cell:
    return Cell("home", f"tiny_{way}_{protocol}", "tiny", way, protocol)


def run(base: Path, way: str, **differs: Any) -> Result:
    """Adapt the tiny model by a recipe that differs from the small run's."""
    return make(cell_of(way), TypeAdapter(Way).validate_python(WAYS[way] | differs), LocalParams(**vlm(base)))


def predictions(method: str) -> pl.DataFrame:
    return read_table(Path(f"data/home/predictions/{method}.parquet"), PREDICTIONS)


def right(table: pl.DataFrame) -> float:
    labels = dict(read_table(Path("data/home/manifest.parquet"), MANIFEST).select("clip_id", "labels").iter_rows())
    return float(
        sum(set(named) == set(labels[clip]) for clip, named in table.select("clip_id", "labels").iter_rows())
    ) / len(table)


@pytest.mark.parametrize("name", ["embedded", "smolvlm"])
@pytest.mark.parametrize("labels", ["single", "multi"])
@pytest.mark.parametrize("way", ["ft_lc", "ft_c_lora"])
def test_classes_are_learnt_and_test_clips_predicted(
    place: Path, tiny_model: Any, name: str, labels: str, way: str
) -> None:
    write_run(place, many=labels == "multi")
    did = run(tiny_model(name), way, recipe=RECIPE | {"epochs": 40 if way == "ft_lc" else 24})
    table = predictions(f"tiny_{way}_cs")
    tested = [f"clip{number:03}" for number in range(24) if number // 4 % 4 == 3]
    assert table["clip_id"].to_list() == tested
    assert set(table["status"]) == {"ok"}
    assert table["classes"].to_list() == [sorted(PAINT)] * len(tested)
    assert right(table) >= (0.75 if labels == "multi" else 1.0)
    if labels == "single":
        assert all(sum(scores) == pytest.approx(1, abs=1e-5) for scores in table["class_scores"])
    folder = Path(f"data/home/models/tiny_{way}_cs")
    files = {"README.md", "head.json", "head.safetensors"}
    files |= {"features.parquet"} if way == "ft_lc" else {"adapter_config.json", "adapter_model.safetensors"}
    assert {path.name for path in folder.iterdir()} == files
    curves = pl.read_csv(f"data/home/curves/tiny_{way}_cs/train_loss.tsv", separator="\t")
    assert curves["step"].to_list() == list(range(1, len(curves) + 1))
    assert "validation" in did.words
    base = Local(LocalParams(**vlm(tiny_model(name))), "cpu")
    headed, classes = load(folder, base)
    source = Shown(
        base.engine(),
        "Describe the activity in one sentence.",
        tested,
        Show(cell_of("").run, base.params).media,
        torch.zeros(len(tested)),
        text_first=True,
    )
    with torch.no_grad():
        logits = headed(**source.inputs(range(len(tested)), None, torch.device("cpu")))
    found = logits.sigmoid() if labels == "multi" else logits.softmax(1)
    torch.testing.assert_close(found, torch.tensor(table["class_scores"].to_list()), atol=1e-4, rtol=0)
    assert classes == sorted(PAINT)


def test_validation_clips_are_predicted_where_a_threshold_is_tuned_on_them(place: Path, tiny_model: Any) -> None:
    write_run(place, many=True)
    run(tiny_model("smolvlm"), "ft_lc", parts=["validation", "test"], recipe=RECIPE | {"epochs": 1})
    clips = predictions("tiny_ft_lc_cs")["clip_id"].to_list()
    assert clips == [f"clip{number:03}" for number in range(24) if number // 4 % 4 in (2, 3)]
    write_run(place, many=True, folds=2)
    with pytest.raises(InputError, match="folds"):
        run(tiny_model("smolvlm"), "ft_lc", parts=["validation", "test"])


def test_a_head_parameter_costs_no_feature(place: Path, tiny_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(place)
    assert "24 of 24 features computed" in run(tiny_model("smolvlm"), "ft_lc").words
    monkeypatch.setattr(Local, "engine", lambda _: pytest.fail("the model was loaded"))
    did = run(tiny_model("smolvlm"), "ft_lc", recipe=RECIPE | {"rate": 0.02})
    assert "0 of 24 features computed" in did.words
    assert did.cached == 0
    again = run(tiny_model("smolvlm"), "ft_lc", recipe=RECIPE | {"rate": 0.02})
    assert again.cached > 0, "the same run comes from its checkpoint"


def test_features_fill_the_journal_from_the_last_output(
    place: Path, tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(place)
    run(tiny_model("smolvlm"), "ft_lc")
    monkeypatch.setenv("HAR_JOURNAL", str(place / "elsewhere"))
    assert "0 of 24 features computed" in run(tiny_model("smolvlm"), "ft_lc").words
    table = read_table(Path("data/home/models/tiny_ft_lc_cs/features.parquet"), FEATURES)
    assert table["journal_key"].n_unique() == 24


@pytest.mark.parametrize("way", ["ft_lc", "ft_c_lora"])
def test_each_fold_has_its_model_and_predicts_its_own_clips(place: Path, tiny_model: Any, way: str) -> None:
    write_run(place, folds=4)
    did = run(tiny_model("smolvlm"), way, recipe=RECIPE | {"epochs": 2})
    table = predictions(f"tiny_{way}_cs")
    assert len(table) == table["clip_id"].n_unique() == 24
    assert table["revision"].n_unique() == 4
    assert {path.name for path in Path(f"data/home/models/tiny_{way}_cs").iterdir() if path.is_dir()} == set("0123")
    assert "4 folds" in did.words


def test_a_later_fold_does_not_start_from_the_one_before(place: Path, tiny_model: Any) -> None:
    write_run(place, folds=2)
    run(tiny_model("smolvlm"), "ft_c_lora", recipe=RECIPE | {"epochs": 2})
    together = Path("data/home/models/tiny_ft_c_lora_cs/1/adapter_model.safetensors").read_bytes()
    os.environ["HAR_JOURNAL"] = str(place / "elsewhere")
    splits = pl.read_parquet("data/home/splits.parquet").filter(pl.col("fold") == "1")
    write_table(Path("data/home/splits.parquet"), splits, SPLITS)
    run(tiny_model("smolvlm"), "ft_c_lora", recipe=RECIPE | {"epochs": 2})
    assert Path("data/home/models/tiny_ft_c_lora_cs/1/adapter_model.safetensors").read_bytes() == together


@pytest.mark.slow
def test_an_adapted_model_says_the_captions(place: Path, tiny_model: Any) -> None:
    write_run(place)
    lora = LORA | {
        "rank": 16,
        "alpha": 32,
        "dropout": 0.0,
        "targets": ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
    }
    did = run(tiny_model("embedded"), "captions", lora=lora, recipe=RECIPE | {"epochs": 30})
    folder = Path("data/home/models/tiny_captions_cs")
    assert {path.name for path in folder.iterdir()} == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    assert predictions("tiny_captions_cs").height == 0, "it learnt to speak: whoever asks it writes what it says"
    block = LocalParams(**vlm(tiny_model("embedded"), adapter=str(folder), max_new_tokens=32))
    (place / "params.yaml").write_text(
        yaml.safe_dump(
            {
                "infer": {"home": {"parts": ["test"]}},
                "vlm": {"adapted": block.model_dump()},
                "strategies": {"describe": {"kind": "describe", "prompt": "describe"}},
            }
        )
    )
    Repo.init(no_scm=True).close()
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "stages.infer", "home", "adapted_describe", "adapted", "describe", "cs"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = dict(predictions("adapted_describe").select("clip_id", "text").iter_rows())
    labels = dict(read_table(Path("data/home/manifest.parquet"), MANIFEST).select("clip_id", "labels").iter_rows())
    assert said == {
        clip: {"Drink": "A person is drinking.", "Walk": "A person is walking."}[labels[clip][0]] for clip in said
    }
    assert "steps" in did.words


def test_what_is_said_of_bad_input(place: Path, tiny_model: Any) -> None:
    base = tiny_model("smolvlm")
    write_run(place)
    for way, differs, expected in [
        ("ft_lc", {"recipe": RECIPE | {"rate": 1e37, "clip": None, "epochs": 30}}, "loss is"),
        ("ft_c_lora", {"lora": LORA | {"targets": ["query"]}}, "no module of language is called query"),
        ("ft_lc", {"prompt": "nowhere"}, "no such prompt"),
    ]:
        with pytest.raises(InputError, match=expected) as raised:
            run(base, way, **differs)
        assert "what to do" in str(raised.value)
    with pytest.raises(InputError, match="no visual tokens"):
        run(tiny_model("llama"), "ft_lc")
    with pytest.raises(InputError, match="has an adapter already"):
        make(
            cell_of("captions"),
            TypeAdapter(Way).validate_python(WAYS["captions"]),
            LocalParams(**vlm(base, adapter="x")),
        )
    with pytest.raises(InputError, match="no such protocol"):
        make(
            cell_of("ft_lc", "cv9"),
            TypeAdapter(Way).validate_python(WAYS["ft_lc"]),
            LocalParams(**vlm(base)),
        )
    write_run(place, folds=2)
    with pytest.raises(InputError, match="2 folds would be as many models"):
        run(base, "captions")


def test_a_clip_without_keyframes_is_a_row_and_the_run_goes_on(place: Path, tiny_model: Any) -> None:
    write_run(place)
    manifest = Path("data/home/manifest.parquet")
    rows = read_table(manifest, MANIFEST).to_dicts()
    more = [rows[0] | {"clip_id": f"more{number}"} for number in range(2)]
    write_table(manifest, [*rows, *more], MANIFEST)
    splits = pl.read_parquet("data/home/splits.parquet").to_dicts()
    splits += [
        {"protocol": "cs", "fold": "", "clip_id": f"more{number}", "part": part}
        for number, part in enumerate(("train", "test"))
    ]
    write_table(Path("data/home/splits.parquet"), splits, SPLITS)
    for way in ("ft_lc", "ft_c_lora"):
        table = Path(f"data/home/predictions/tiny_{way}_cs.parquet")
        with pytest.raises(GateError, match=r"1 of 5 predicted clips are errors.*\n  more1: .*no keyframes"):
            run(tiny_model("smolvlm"), way, recipe=RECIPE | {"epochs": 1})
        assert not table.exists()
        did = run(tiny_model("smolvlm"), way, recipe=RECIPE | {"epochs": 1}, errors=0.2)
        assert did.cached > 0  # what was learnt was kept
        row = predictions(f"tiny_{way}_cs").filter(pl.col("clip_id") == "more1").to_dicts()[0]
        assert (row["status"], row["labels"]) == ("error", None)
        assert "no keyframes" in row["detail"]
        assert did.failed == ["more1"]


@pytest.mark.slow
def test_killed_at_any_step_and_continued_it_ends_in_the_same(place: Path, tiny_model: Any) -> None:
    base = tiny_model("embedded")
    recipe = RECIPE | {"epochs": 4, "average": 0.9}
    values = {"recipes": {"ft_c_lora": WAYS["ft_c_lora"] | {"recipe": recipe}}, "vlm": {"tiny": vlm(base)}}
    ends = []
    for name, kills in (("whole", 0), ("killed", 3)):
        folder = place / name
        folder.mkdir()
        write_run(folder)
        (folder / "params.yaml").write_text(yaml.safe_dump(values))
        (folder / "compute.yaml").write_text(yaml.safe_dump(CPU))
        Repo.init(str(folder), no_scm=True).close()
        for kill in range(kills):
            process = start(folder)
            wait_for_state(process, folder, kill)
            process.kill()
            process.communicate()
        said, error = start(folder).communicate()
        assert "steps" in said, error
        ends.append(
            {
                str(path.relative_to(folder)): path.read_bytes()
                for path in sorted((folder / "data/home").rglob("*"))
                if path.is_file() and path.parent.name != "keyframes"
            }
        )
        cached = int(said.rpartition(";")[2].split()[0])
        assert (cached > 0) == (kills > 0), said
    assert ends[0].keys() == ends[1].keys()
    assert [name for name in ends[0] if ends[0][name] != ends[1][name]] == []


def start(folder: Path) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "HAR_JOURNAL": str(folder / ".journal")}
    command = [sys.executable, "-m", "tests.adapt.run_saving", "home", "lora", "tiny", "ft_c_lora", "cs"]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_state(process: subprocess.Popen[str], folder: Path, kill: int) -> None:
    """Return when this run has saved a state of its own, at another step for each kill."""
    began, seen = time.time(), set()
    while len(seen) < 2 + 2 * kill:
        assert process.poll() is None, process.communicate()[1]
        seen |= {
            path.stat().st_mtime_ns for path in folder.glob(".journal/learn/*/state.pt") if path.stat().st_mtime > began
        }
        time.sleep(0.002)


def test_the_prompt_is_the_one_that_describe_asks() -> None:
    prompts = [ROOT / "stages" / room / "prompts/describe.txt" for room in ("adapt", "infer")]
    assert prompts[0].read_text() == prompts[1].read_text()


@pytest.mark.slow
def test_the_command_line(place: Path, tiny_model: Any) -> None:
    write_run(place)
    values = {"recipes": WAYS, "vlm": {"tiny": vlm(tiny_model("smolvlm"))}}
    (place / "params.yaml").write_text(yaml.safe_dump(values))
    Repo.init(no_scm=True).close()
    env = os.environ | {"PYTHONPATH": str(ROOT)}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stages.adapt", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    done = call("home", "probe", "tiny", "ft_lc", "cs")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("adapt home probe: ")
    assert predictions("probe")["method"].unique().to_list() == ["probe"]
    again = shutil.copytree("data/home/models/probe", place / "first")
    assert call("home", "probe", "tiny", "ft_lc", "cs").returncode == 0
    for path in again.iterdir():
        assert path.read_bytes() == Path("data/home/models/probe", path.name).read_bytes()
    assert json.loads((again / "head.json").read_text())["classes"] == sorted(PAINT)
    for model, recipe, said in [("tiny", "ft_x", "recipes.ft_x"), ("nobody", "ft_lc", "vlm.nobody")]:
        wrong = call("home", "probe", model, recipe, "cs")
        assert wrong.returncode == 1
        assert said in wrong.stderr
        assert "Traceback" not in wrong.stderr
