"""papers/ov_hhir has no cell until one of its studies is made active; then each record leads somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.base.errors import InputError
from tests.conftest import ROOT
from tests.pipeline import graph
from tools.records import checks

PAPER = ROOT / "papers/ov_hhir"
TEXT = (PAPER / "params.yaml").read_text()


def activated(before: str, text: str = TEXT) -> str:
    """Return the params with what the comments beside the empty lists say to write, behind `before` in them."""
    return re.sub(rf"(?m)^(\w+: (?:&\w+ )?)\{{\}} # {before}(\{{<<: (?:\*\w+|\[\*\w+, \*\w+\])\}}).*$", r"\1\2", text)


#: The blocks of params.yaml whose records each study has: BlazePose's is the small one and more.
BLOCKS = {"study": ["study"], "small": ["small"], "blazepose": ["small", "blazepose"]}
#: The params of each study.
ACTIVE = {
    "study": activated(""),
    "small": activated(r".*\bsmall: "),
    "blazepose": activated(r".*\bsmall: ", activated(r".*\bblazepose: ")),
}
VALUES = {study: yaml.safe_load(text) for study, text in ACTIVE.items()}
BODIES = yaml.safe_load((PAPER / "dvc.yaml").read_text())["stages"]
STAGES = [stage for stage in graph.stages() if stage.pipeline.parent == PAPER]
OF_A_SET = ["ingest", "keyframes_kept", "keywords", "caption", "nulls", "measure", "score", "report"]
#: Cells of each stage: one a data set, a model, a finder, a training.
CELLS = {
    "study": {"model": 3, "streams": 10, "train": 10, "interact": 16} | dict.fromkeys(OF_A_SET, 10),
    "small": {"model": 1, "streams": 1, "infer": 1, "train": 1, "adapt": 1, "interact": 7} | dict.fromkeys(OF_A_SET, 1),
}
CELLS["blazepose"] = CELLS["small"] | {"streams": 2, "interact": 10}
each = pytest.mark.parametrize("study", list(ACTIVE))


def block(folder: str, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "params" / folder / f"{name}.yaml").read_text()))


@each
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_params_fit_once_a_study_is_active(stage: graph.Stage, study: str) -> None:
    assert stage.cells == ()
    cells = graph.cells_of(BODIES[stage.name], VALUES[study])
    assert len(cells) == CELLS[study].get(stage.name, 0)
    for cell in cells:
        graph.check_params(stage, cell)


@each
def test_all_of_a_study_is_active_and_each_record_is_named_by_its_data_set(study: str) -> None:
    values = VALUES[study]
    wanted: dict[str, dict[str, Any]] = {}
    for name in BLOCKS[study]:
        for part, records in values[name].items():
            wanted.setdefault(part, {}).update(records)
    for part, records in wanted.items():
        assert values[part] == records, part
        for key, record in records.items():
            assert part in ("fetched", "kept") or key == f"{record['dataset']}_{record['method']}"


@each
def test_every_record_leads_somewhere(study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the clips there, and next to the root's study, which makes the small models."""
    place = tmp_path / "papers/ov_hhir"
    place.mkdir(parents=True)
    for file in ("dvc.yaml", "targets.json"):
        shutil.copy(PAPER / file, place)
    (place / "params.yaml").write_text(ACTIVE[study])
    for name in ("dvc.yaml", "params.yaml", "params", "stages", "metrics"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "data/weights/smollm2_135m").mkdir(parents=True)
    for none in ("data/none", "data/models/none"):
        (tmp_path / none).parent.mkdir(exist_ok=True)
        (tmp_path / none).touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"papers/ov_hhir/params.yaml, key '\w+': ingest@\w+ reads data/\w+/\w+"):
        list(checks())
    for record in VALUES[study]["kept"].values():
        Path(record["clips"]).mkdir(parents=True)
    _, own = checks()
    assert own == sum(CELLS[study][stage] for stage in CELLS[study] if stage not in OF_A_SET[1:])


@each
def test_what_a_data_set_asks_of_its_methods_is_there(study: str) -> None:
    """Which a check of names cannot see: a language model learns one class a clip, and null models exchange answers."""
    values = VALUES[study]
    for record in values["interacting"].values():
        assert block("datasets", record["dataset"])["ingest"].get("labels", "single") == "single"
        folder = f"data/{record['dataset']}/streams/"
        found = {one["method"] for one in values["streamed"].values() if one["dataset"] == record["dataset"]}
        assert record["streams"] in ({"data/none"} | {folder + method for method in found})
        whole = block("recipes", record["recipe"])["seeing"]["media"] == "whole_frames"
        assert whole == (record["streams"] == "data/none") == (record["pose"] == "none")
    for name, record in values["kept"].items():
        own = block("datasets", name)
        methods = {one["method"] for one in values["methods"].values() if one["dataset"] == name}
        assert set(own["nulls"]["models"]) <= methods
        assert ("prompted_class" in own["measure"]["metrics"]) <= (record["judge"] != "none")


def test_smollm2s_recipes_differ_in_what_is_seen_only() -> None:
    names = ("ut_smollm2", "ut_smollm2_no_background", "ut_smollm2_whole_frames")
    streams, without, whole = (block("recipes", name) for name in names)
    for one in (streams, without, whole):
        one.pop("one_word")  # the prompt, which has a place for each stream
        one["tokens"] = one["qformer"].pop("queries") * {"streams": 3, "whole_frames": 1}[one["seeing"].pop("media")]
    assert streams["seeing"].pop("background") != without["seeing"].pop("background")
    assert streams == without
    for one in (streams, whole):
        one.pop("seeing")
    streams.pop("shared")
    assert streams == whole
