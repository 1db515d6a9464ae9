"""What keeps the graph honest: a stage lists as deps and params what its code imports and reads, no less, no more."""

import re
import string
from functools import reduce
from itertools import product
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from stages.base import params
from stages.base.paths import Run
from tests.pipeline import graph
from tools.graph import written

STAGES = graph.stages()
#: Its deps are data by design, so that code which learns the same bytes makes nothing stale: see the tests at the end.
SEEDS = graph.ROOT / "seeds/dvc.yaml"
IDS = [f"{stage.pipeline.parent.name}:{stage.name}" for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_deps_are_the_import_closure(stage):
    code = [dep for dep in stage.body.get("deps", []) if dep.startswith("stages/")]
    assert code == graph.closure(stage.room)


@pytest.mark.parametrize("pipeline", graph.PIPELINES, ids=lambda path: path.parent.name)
def test_make_graph_has_nothing_to_write(pipeline):
    assert written(pipeline.read_text()) == pipeline.read_text()


def test_make_graph_replaces_code_and_nothing_else():
    before = "  train:\n    cmd: python -m stages.nulls\n    deps:\n      - stages/gone/file.py\n      - data/x\n"
    kept, code = (
        before.split("      - stages/gone/file.py\n"),
        "".join(f"      - {folder}\n" for folder in graph.closure("nulls")),
    )
    assert "stages/nulls" in code
    assert "stages/journal" in code
    assert written(before) == kept[0] + code + kept[1]


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_params_are_what_the_room_reads(stage):
    values = graph.params_of(stage.pipeline)
    listed = [
        key
        for entry in stage.body.get("params", [])
        for key in (graph.keys_of(entry) if isinstance(entry, dict) else [entry])
    ]
    for cell in stage.cells:
        have = {stage.filled(key, cell) for key in listed}
        words = stage.filled(stage.words, cell).split()
        read = {filled(declared, have, words): kind for declared, kind in graph.declared(stage.room).items()}
        assert set(read) == have
        for key, kind in read.items():
            TypeAdapter(kind).validate_python(graph.lookup(values, key))


def test_a_cell_reads_what_dvc_resolves_for_it(monkeypatch):
    """Of every cell of every pipeline: `params` asks DVC's parser only, which takes a tenth of the time."""
    monkeypatch.chdir(graph.ROOT)
    with Repo() as repo:
        cells = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
        assert {Path(stage.path) for stage in cells} >= {
            graph.ROOT / "dvc.yaml",
            graph.ROOT / "papers/smarthome_vlm/dvc.yaml",
        }
        for stage in cells:
            expected: dict[str, object] = {}
            for param in stage.params:
                given = param.read_params()
                file = Path(param.fs_path).relative_to(graph.ROOT).as_posix()
                whole = params.block_of(file) if not param.params else None
                for key, value in ({whole: given} if whole else given).items():
                    *blocks, last = key.split(".")
                    reduce(lambda block, part: block.setdefault(part, {}), blocks, expected)[last] = value
            monkeypatch.setenv("DVC_STAGE", stage.addressing)
            params.forget()
            assert params.declared_values() == expected, stage.addressing
    params.forget()


def filled(declared, have, words):
    """Return the listed key that a declared one becomes when its braces are filled with words of the command."""
    names = [name for _, name, _, _ in string.Formatter().parse(declared) if name]
    candidates = {
        declared.format(**dict(zip(names, chosen, strict=True))) for chosen in product(words, repeat=len(names))
    }
    found = candidates & have
    assert len(found) == 1, f"{declared}: the stage lists {sorted(found) or 'none of it'}"
    return found.pop()


@pytest.mark.parametrize("pipeline", [*graph.PIPELINES, SEEDS], ids=lambda path: path.parent.name)
def test_no_lock_remembers_a_cell_that_the_graph_has_lost(pipeline):
    """DVC forgets none by itself, and reads and writes all of them at every cell."""
    lock = pipeline.with_suffix(".lock")
    locked = set(yaml.safe_load(lock.read_text())["stages"]) if lock.exists() else set()
    with Repo(graph.ROOT) as repo:
        cells = {stage.name for stage in repo.index.stages if Path(stage.path) == pipeline}
    assert locked <= cells


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_no_stage_depends_on_compute(stage):
    assert not any(
        "compute.yaml" in str(entry) for entry in [*stage.body.get("deps", []), *stage.body.get("params", [])]
    )


def test_rooms_import_no_other_stage():
    """A room imports library rooms and itself: what two stages share is in a library room."""
    rooms = {path.parent.name for path in (graph.ROOT / "stages").glob("*/__main__.py")}
    for room in rooms:
        used = {dep.removeprefix("stages/") for dep in graph.closure(room)}
        assert not (used & rooms) - {room}, f"{room} imports another stage's room"


def test_paths_are_under_the_run():
    run = Run("home")
    assert {run.manifest.parent, run.splits.parent, run.scores("m").parent.parent} == {run.data}


@pytest.mark.parametrize(
    "stage",
    [stage for stage in STAGES if stage.room in ("compare", "report")],
    ids=lambda stage: f"{stage.pipeline.parent.name}:{stage.name}",
)
def test_who_reads_every_method_depends_on_each(stage):
    """On each one's file, or on the folder that holds them all: else DVC may run the reader before the writer."""
    values = graph.params_of(stage.pipeline)
    tables = {"compare": ("measures", "scores", "verdicts"), "report": ("predictions", "measures", "verdicts")}
    for cell in stage.cells:
        run = Run(stage.filled(stage.words, cell).split()[-1])
        deps = {stage.filled(dep, cell) for dep in stage.body["deps"]}
        compared = values["compare"][run.name]
        for table in tables[stage.room]:
            files = {method: getattr(run, table)(method) for method in compared["methods"] + compared["nulls"]}
            files = {path / "measures.parquet" if table == "measures" else path for path in files.values()}
            held = {dep for dep in deps if dep.startswith(str(run.data / table))}
            assert held == {str(run.data / table)} or held == {str(path) for path in files}


def test_images_of_licensed_data_sets_are_kept():
    """A data set's keyframes are written by one of two stages, by the one that `dvc push` skips if it is licensed."""
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    assert sorted(values["pushed"] + values["kept"]) == sorted(values["datasets"])
    assert not any(values["ingest"][name]["licensed"] for name in values["pushed"])
    licensed = {name for name, block in values["ingest"].items() if block["licensed"]}
    pointers = {path.parent.name: yaml.safe_load(path.read_text()) for path in graph.ROOT.glob("data/*/clips.dvc")}
    assert all(out["push"] is False for name in licensed & set(pointers) for out in pointers[name]["outs"])
    assert licensed >= set(pointers)
    outs = {stage.name: stage.body.get("outs") for stage in STAGES}
    assert outs["keyframes_kept"] == [{path: {"push": False}} for path in outs["keyframes"]]


def test_each_data_set_is_of_one_kind_and_what_is_compared_is_what_is_scored():
    """Data sets with reference captions and those whose answers are sets have cells, and methods, of their own."""
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    assert sorted(values["captioned"] + values["multilabel"]) == sorted(values["datasets"])
    for kind, methods in (("captioned", "methods"), ("multilabel", "set_methods")):
        for name in values[kind]:
            compared = values["compare"][name]
            learnt = [cell["method"] for cell in values["learnt"].values() if cell["dataset"] == name]
            assert set(compared["methods"] + compared["nulls"]) <= {*values[methods], *learnt}
            assert (values["ingest"][name].get("labels") == "multi") == (kind == "multilabel")
            assert ("sets" in values["scored"][name]) == (kind == "multilabel")
            assert (values["nulls"][name]["encoder"] is None) == (kind == "multilabel")


def test_what_learns_on_a_data_set_is_listed_for_its_intervals():
    """So that no interval leaves out the luck of a training; every data set has a table of seeds, if an empty one."""
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    for name, compared in values["compare"].items():
        here = [cell for kind in ("trained", "trained_from") for cell in values[kind].values()]
        learnt = {cell["method"] for cell in here if cell["dataset"] == name}
        learnt |= {
            f"{cell['model']}_{cell['way']}_{cell['protocol']}"
            for cell in values["adapted"].values()
            if cell["dataset"] == name
        }
        assert set(compared["learnt"]) == learnt & set(compared["methods"])
        assert all((graph.ROOT / Run(name).metrics / table).exists() for table in ("seeds.csv", "seeds_clips.csv"))


def test_no_two_blocks_are_one_map_to_dvc():
    """`dvc exp run -S` merges what it set with what it read, path by path: of a map under two paths the last one wins.

    So a change of the first is lost without a word. The README names what is shared all the same.
    """
    loaded = YAML().load((graph.ROOT / "params.yaml").read_text())
    paths: dict[int, list[str]] = {}

    def note(value, path):
        if isinstance(value, dict):
            paths.setdefault(id(value), []).append(path)
            for key in value:
                note(value[key], f"{path}.{key}".lstrip("."))

    note(loaded, "")
    shared = [path for found in paths.values() if len(found) > 1 for path in found]
    named = re.compile(r"train\..*\.(net|pixels|augmentation)\b|adapt\.(weizmann|ut_interaction)\b")
    assert [path for path in shared if not named.match(path)] == []


def test_each_row_that_learns_has_more_seeds():
    """Four of its own for each cell of a stage that learns, two of the base model for what follows from one."""
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    with Repo(graph.ROOT) as repo:
        drawn = {
            str(Path(out.fs_path).relative_to(SEEDS.parent / "cells"))
            for stage in repo.index.stages
            if Path(stage.path) == SEEDS
            for out in stage.outs
        }
    own = [(cell["dataset"], cell["method"]) for name in ("trained", "trained_from") for cell in values[name].values()]
    on_base = [
        (cell["dataset"], f"{cell['model']}_{cell['way']}_{cell['protocol']}") for cell in values["adapted"].values()
    ]
    asked = [(dataset, model) for dataset in values["datasets"] for model in values["models"]]
    expected = [
        f"{dataset}/{method}_{draw}{of}.csv"
        for dataset, method in own + on_base
        for draw in (1, 2, 3, 4)
        for of in ("", "_clips")
    ]
    expected += [f"{dataset}/{name}_base_{draw}.csv" for dataset, name in on_base + asked for draw in (1, 2)]
    assert drawn == set(expected)


def test_more_seeds_follow_from_the_same_data_and_params_as_the_row():
    """What a stage of the root's reads of data and its own blocks, and the model that it learnt; no code."""
    root = {stage.name: stage.body for stage in STAGES if stage.pipeline == graph.ROOT / "dvc.yaml"}
    for name, body in yaml.safe_load(SEEDS.read_text())["stages"].items():
        cell = body.get("do", body)
        assert not any(dep.startswith("stages") for dep in cell["deps"])
        assert all(how == {"cache": False} for out in cell["outs"] for how in out.values())
        kind = re.sub(r"^base_|_\d$", "", name)
        if kind in root:
            data = {dep for dep in root[kind]["deps"] if dep.startswith("data/")}
            assert set(cell["deps"]) - data == {path for path in root[kind]["outs"] if "/models/" in path}
            assert data <= set(cell["deps"])
            assert set(root[kind]["params"]) <= set(cell["params"])
