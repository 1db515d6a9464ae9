"""A record that leads nowhere is found before anything runs, by file and key, with what to do."""

import shutil
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from stages.base.errors import InputError
from stages.base.params import resolver
from tests.conftest import ROOT
from tests.ingest.clips import write_clip
from tests.pipeline import cells
from tests.pipeline.project import edit_yaml
from tools.records import UNIONS, checks

ASKED = {
    "dataset": "ward",
    "method": "said",
    "title": "asked",
    "model": "embedded",
    "strategy": "describe",
    "protocol": "all",
    "adapter": "data/none",
}
TRAINED = {
    "dataset": "ward",
    "method": "net",
    "title": None,
    "recipe": "r2plus1d",
    "protocol": "leave_one_subject_out",
    "weights": "data/none",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study of one data set with a method of two kinds; nothing was run in it."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "lists.yaml").touch()
    folder = tmp_path / "project"
    folder.mkdir()
    cells.study(
        folder,
        {"ward": {"clips": str(tmp_path / "clips"), "keywords": "../lists.yaml"}},
        fetched={"embedded": {"file": "data/none"}},
        asked={"ward_said": ASKED},
        trained={"ward_net": TRAINED},
    )
    shutil.copy(ROOT / "params/datasets/weizmann.yaml", folder / "params/datasets/ward.yaml")
    monkeypatch.chdir(folder)
    return folder


def put(kind, key, **changed):
    """Return a change of params.yaml: a record with these slots, `...` for one that it lacks."""

    def change(values):
        record = values[kind].get(key) or {"asked": ASKED, "trained": TRAINED, "pushed": values["pushed"]["ward"]}[kind]
        record = {slot: value for slot, value in (record | changed).items() if value is not ...}
        values[kind][key] = record
        for union in UNIONS[kind]:
            values[union][key] = record

    return change


def test_an_input_behind_a_pointer_of_another_folder_is_there(project):
    """A pointer may lie above its file; what a folder of clips brings along, called like a pointer, is none."""
    (project / "data/other/clips").mkdir(parents=True)
    (project / "data/other/clips/strange.dvc").write_bytes(b"\xff\x00: [")
    (project / "data/lists").mkdir()
    (project / "data/lists/test.txt.dvc").write_text("outs:\n- path: cs/test.txt\n")
    edit_yaml(project / "params.yaml", put("pushed", "ward", official="data/lists/cs"))
    assert list(checks()) == [4]
    edit_yaml(project / "params.yaml", put("pushed", "ward", official="data/lists/cv"))
    with pytest.raises(InputError, match="data/lists/cv, which is not there"):
        list(checks())
    (project / "data/lists/bad.dvc").write_text("outs: [")
    with pytest.raises(InputError, match=r"data/lists/bad\.dvc: DVC cannot read it"):
        list(checks())


def test_the_projects_own_records_lead_somewhere(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert sum(checks()) > 20


def test_a_paper_may_take_models_of_the_default_study_and_of_no_other(project):
    for name, found in (("one", {}), ("two", {"qwen3_vl_8b": {"file": "data/none"}})):
        paper = project / "papers" / name
        paper.mkdir(parents=True)
        shutil.copy(project / "dvc.yaml", paper)
        shutil.copy(project / "params/datasets/ward.yaml", project / f"params/datasets/{name}.yaml")
        values = yaml.safe_load((project / "params.yaml").read_text().replace("ward", name))
        values |= {"here": f"papers/{name}/", "root": "../..", "fetched": found}
        (paper / "params.yaml").write_text(yaml.safe_dump(values))
    assert sorted(checks()) == [3, 4, 4]
    params = project / "papers/one/params.yaml"
    params.write_text(params.read_text().replace("model: embedded", "model: qwen3_vl_8b"))
    with pytest.raises(InputError, match=r"papers/one/params\.yaml, .*no stage finds the model qwen3_vl_8b"):
        list(checks())


def test_a_study_that_is_whole_passes(project):
    assert list(checks()) == [4]


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        (put("asked", "ward_said", dataset="nowhere"), "asked.ward_said.dataset", "no record of a data set nowhere"),
        (put("asked", "home_said", dataset="home"), "asked.home_said.dataset", "no record of a data set home"),
        (put("asked", "ward_said", model="ghost"), "asked.ward_said.model", "no params/models/ghost.yaml"),
        (put("asked", "ward_said", model="qwen3_vl_8b"), "asked.ward_said.model", "no stage finds the model"),
        (put("asked", "ward_said", strategy="ghost"), "asked.ward_said.strategy", "no strategy ghost"),
        (put("asked", "ward_said", adapter=...), "asked.ward_said", "lacks adapter"),
        (put("asked", "ward_said", title=...), "asked.ward_said", "lacks title"),
        (put("asked", "ward_said", adaptor="data/none"), "asked: adaptor", "is no name"),
        (put("trained", "ward_net", recipe="ghost"), "trained.ward_net.recipe", "no params/recipes/ghost.yaml"),
        (put("trained", "ward_net", protocol="cs"), "trained.ward_net.protocol", "no protocol cs"),
        (put("trained", "ward_net", weights="data/ghost"), "ward_net", "data/ghost, which is not there"),
        (put("trained", "ward_net", weights=None), "trained.ward_net.weights", "is empty"),
        (put("trained", "ward_net", streams="data/none"), "trained.ward_net", "no stage reads streams"),
        (put("trained", "ward_net", method="null_shuffled"), "trained.ward_net.method", "name of a null model"),
        (put("trained", "ward_net", method="said"), "ward_net", "predictions/said.parquet, and so does"),
        (put("trained", "ward_net_again"), "ward_net_again", "predictions/net.parquet, and so does"),
        (put("pushed", "ward", captioner="ghost"), "pushed.ward.captioner", "no params/models/ghost.yaml"),
        (put("pushed", "ward", clips="/nowhere/clips"), "ward", "/nowhere/clips, which is not there"),
        (put("pushed", "ward", clips=""), "pushed.ward.clips", "is empty"),
        (put("pushed", "ward", clips="data/ward"), "ward", "would read data/ward, where it writes"),
        (lambda values: values["methods"].pop("ward_net"), "trained.ward_net", "`methods` has not this record"),
        (lambda values: values["trained"].update(ward_net=None), "trained.ward_net", "is no record"),
        (lambda values: values.update(scenes=["ghost"]), "scenes", "no params/datasets/ghost.yaml"),
    ],
)
def test_a_record_that_leads_nowhere(project, change, key, why):
    edit_yaml(project / "params.yaml", change)
    with pytest.raises(InputError) as raised:
        list(checks())
    said = str(raised.value)
    assert why in said
    assert "what to do: " in said
    file = "dvc.yaml" if why == "is no name" else "params.yaml"
    assert said.startswith(f"{file}, key '{key.replace('asked:', 'infer:')}': ")


@pytest.mark.parametrize("name", ["../ward", "my ward", "a;b", 'a"b', "Straße", "病棟", "a.b", "--kept"])
def test_a_data_set_or_a_method_whose_name_is_none(project, name):
    for change in (put("pushed", name), put("asked", "ward_said", method=name), put("asked", name, method="other")):
        before = (project / "params.yaml").read_text()
        edit_yaml(project / "params.yaml", change)
        with pytest.raises(InputError, match="is no name"):
            list(checks())
        (project / "params.yaml").write_text(before)


def test_a_data_set_without_a_file(project):
    edit_yaml(project / "params.yaml", put("pushed", "other"))
    with pytest.raises(InputError, match=r"^params/datasets/other.yaml: no such file"):
        list(checks())


def test_a_block_that_no_stage_reads(project):
    edit_yaml(project / "params/datasets/ward.yaml", lambda blocks: blocks.update(keyfrmes={}))
    with pytest.raises(InputError, match=r"^params/datasets/ward.yaml, key 'keyfrmes': no stage reads this block"):
        list(checks())


def test_an_edited_copy_of_the_graph(project):
    paper = project / "papers/own"
    paper.mkdir(parents=True)
    shutil.copy(ROOT / "papers/newborn_lora/params.yaml", paper)
    (paper / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + "# mine\n")
    with pytest.raises(InputError, match=r"^papers/own/dvc.yaml: differs from the root's dvc.yaml.*\n.*make graph"):
        list(checks())
    shutil.copy(project / "dvc.yaml", paper)
    assert list(checks()) == [4, 0]


@pytest.fixture
def ingested(project, monkeypatch):
    """Return a function that runs `ingest` of it with these clips, as DVC would; it returns the user's error."""
    ingest = {"adapter": "folders", "licensed": False, "accept_leaks": []}
    ingest["protocols"] = {"random": {"folds": 2, "seed": 0, "validation": False}}
    edit_yaml(project / "params/datasets/ward.yaml", lambda blocks: blocks.update(ingest=ingest))

    def run(clips, **block):
        edit_yaml(project / "params.yaml", put("pushed", "ward", clips=str(clips)))
        edit_yaml(project / "params/datasets/ward.yaml", lambda blocks: blocks["ingest"].update(block))
        return cells.run(project, monkeypatch, "ingest@ward")

    return run


def test_clips_that_cannot_be_read(ingested, project):
    clips = project.parent / "clips"
    said = ingested(clips)
    assert f"error: {clips}: no clips here" in said
    assert "what to do: " in said
    (clips / "walk").mkdir()
    (clips / "walk/gone.mp4").symlink_to("nowhere")
    (clips / "walk/empty.mp4").touch()
    write_clip(clips / "walk/a 'b' \"c\"; 病 $(x).mp4", 1)
    write_clip(clips / "sit/deep/walk/x.mp4", 2)
    assert ingested(clips) == ""


def test_a_key_that_a_block_does_not_have_is_named_by_its_file(ingested, project):
    said = ingested(project.parent / "clips", licenced=True)
    assert "error: params/datasets/ward.yaml, key 'ingest.licenced': Extra inputs are not permitted" in said


def test_a_block_that_is_missing_is_named_by_its_file(project):
    edit_yaml(project / "params/datasets/ward.yaml", lambda blocks: blocks.pop("keywords"))
    with pytest.raises(InputError, match=r"^params/datasets/ward.yaml, key 'keywords': "):
        list(checks())


def test_a_study_holds_what_the_params_of_the_project_hold(project):
    """So that what is tried here is what a study of one's own is: only records differ."""
    own, root = (yaml.safe_load((folder / "params.yaml").read_text()) for folder in (project, ROOT))
    assert set(own) == set(root)
    assert own["strategies"] == root["strategies"]


@pytest.mark.parametrize(
    ("override", "cell", "holds"),
    [
        ("methods.home_r2plus1d_cs.recipe=swin3d", "train@home_r2plus1d_cs", "params/recipes/swin3d.yaml"),
        ("methods.home_embedded_list.strategy=per_class", "infer@home_embedded_list", "strategies.per_class"),
        ("datasets.home.judge=none", "measure@home", "data/models/none"),
        ("controlled.home.recipe=swin3d", "controls@home", "params/recipes/swin3d.yaml"),
        ("pretrained.embedded.recipe=ft_lc", "pretrain@embedded", "params/recipes/ft_lc.yaml"),
    ],
)
def test_a_slot_is_set_by_the_union_that_holds_the_record(project, override, cell, holds):
    """As `dvc exp run -S` sets it: under `asked` or `pushed`, of a map that two paths share, it would be lost."""
    shutil.copy(ROOT / "params.yaml", project)
    apply_overrides("params.yaml", [override])
    assert holds in str(resolver(Path("dvc.yaml")).resolve_one(cell))
