"""No name reaches a shell: not by `dvc repro` itself, whatever params.yaml calls a data set, a method or a model."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.base.errors import InputError
from stages.base.names import check_name, check_pipeline
from tests.conftest import ROOT, dvc
from tests.ingest.clips import write_clip
from tests.pipeline import graph
from tests.pipeline.project import edit_yaml
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

HOSTILE = [
    "a b; touch X",
    "$(touch X)",
    "`touch X`",
    "a'; touch X; '",
    'a"; touch X; "',
    "a\ntouch X",
    "--help",
    "a&touch X",
]
BLOCK = {
    "adapter": "folders",
    "licensed": False,
    "accept_leaks": [],
    "protocols": {"random": {"folds": 2, "seed": 0, "validation": False}},
}
RECORD = {"clips": "clips", "published": "clips", "official": "clips"}
ASKED = {"dataset": "home", "method": "m", "model": "e", "strategy": "list", "protocol": "all", "adapter": "data/none"}
LEARNS = {"dataset": "home", "method": "m", "model": "e", "recipe": "r", "protocol": "cs"}
PIPELINES = [*graph.PIPELINES, ROOT / "seeds/dvc.yaml"]


@pytest.fixture
def project(tmp_path):
    """The project's own `ingest`, with its command and arguments as dvc.yaml has them, in a repository of its own."""
    Repo.init(str(tmp_path), no_scm=True).close()
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["ingest"]
    stage["do"]["deps"] = ["${item.clips}"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"ingest": stage}}))
    for seed, name in enumerate(["walk/a", "walk/b", "sit/c"]):
        write_clip(tmp_path / f"clips/{name}.mp4", seed=seed)
    return tmp_path


def name_it(project, name):
    values = {"here": "", "root": ".", "ingested": {name: RECORD}}
    (project / "params.yaml").write_text(yaml.safe_dump(values))
    (project / "params/datasets").mkdir(parents=True)
    (project / f"params/datasets/{name}.yaml").write_text(yaml.safe_dump({"ingest": BLOCK}))


@pytest.mark.parametrize("name", HOSTILE)
def test_dvc_repro_runs_no_command_that_a_name_holds(project, name):
    name_it(project, name)
    said = dvc("repro", cwd=project, check=False)
    assert not list(project.rglob("X"))
    assert "is no name" in said
    assert "Traceback" not in said
    assert not list(project.rglob("manifest.parquet"))


def test_a_plain_name_runs_and_its_lock_has_no_name_in_the_command(project):
    name_it(project, "ward_2")
    dvc("repro", cwd=project)
    assert (project / "data/ward_2/manifest.parquet").exists()
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    assert lock["stages"]["ingest@ward_2"]["cmd"] == "python -m stages.ingest"
    assert "up to date" in dvc("repro", cwd=project)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_stage_by_hand_refuses_it_too(workplace, name):
    write_clip(workplace.folder / "clips/walk/a.mp4")
    said = workplace.run("ingest", "--", name, "clips", values={"ingest": {name: BLOCK}})
    assert said.startswith(f"error: params.yaml, key 'dataset': {name!r} is no name")
    assert not list(workplace.folder.rglob("X"))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.parent.name)
def test_no_command_of_the_project_holds_a_param(pipeline):
    def commands(node):
        if isinstance(node, dict):
            yield from (str(value) for key, value in node.items() if key == "cmd")
            for value in node.values():
                yield from commands(value)

    found = list(commands(yaml.safe_load(pipeline.read_text())["stages"]))
    assert found
    assert [cmd for cmd in found if not re.fullmatch(r"python -m stages\.\w+( \w+)*", cmd)] == []


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.parent.name)
def test_the_projects_own_names_keep_the_rule(pipeline, monkeypatch):
    monkeypatch.chdir(ROOT)
    check_pipeline(pipeline.relative_to(ROOT))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scenes", ["/tmp"]),
        ("pretrained", {"a b": {"recipe": "r", "scene": "s", "tables": "t"}}),
        ("pretrained", {"e": {"recipe": "$(x)", "scene": "s", "tables": "t"}}),
        ("pretrained", {"e": {"recipe": "r", "scene": "../s", "tables": "t"}}),
        ("fetched", {"../e": {"file": "data/none"}}),
        ("datasets", {"../stages": RECORD | {"captioner": "none", "judge": "none"}}),
        ("datasets", {"ward": RECORD | {"captioner": "a b", "judge": "none"}}),
        ("kept", {"x;y": RECORD}),
        ("asked", {"x y": ASKED}),
        ("asked", {"x": ASKED | {"dataset": "ho me"}}),
        ("asked", {"x": ASKED | {"method": "x;y"}}),
        ("asked", {"x": ASKED | {"model": "../e"}}),
        ("asked", {"x": ASKED | {"strategy": "$(x)"}}),
        ("trained", {"x": LEARNS | {"recipe": "../../etc/passwd"}}),
        ("adapted", {"x": LEARNS | {"protocol": "cs|x"}}),
        ("controlled", {"home": LEARNS | {"method": "a b"}}),
    ],
)
def test_every_kind_of_name_is_checked_before_dvc_makes_paths_of_it(tmp_path, monkeypatch, key, value):
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    edit_yaml(tmp_path / "params.yaml", lambda params: params.update({key: value}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is no name"):
        check_pipeline(Path("dvc.yaml"))


@pytest.mark.parametrize("name", ["home", "ward_2", "R2plus1d", "_x", 7])
def test_what_is_a_name(name):
    check_name(name, "params.yaml", "dataset")


def test_a_slot_and_a_title_may_be_anything(tmp_path, monkeypatch):
    """A folder of clips is where its owner has it; a title is no name: neither is in a command or a path of ours."""
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    record = RECORD | {"clips": "/videos of ours/$(x)", "captioner": "none", "judge": "none", "targets": "data/none"}

    def change(params):
        params["datasets"] = params["ingested"] = {"ward": record}
        params["asked"] = {"x": ASKED | {"title": "`x`; rm -r /"}}

    edit_yaml(tmp_path / "params.yaml", change)
    monkeypatch.chdir(tmp_path)
    check_pipeline(Path("dvc.yaml"))
