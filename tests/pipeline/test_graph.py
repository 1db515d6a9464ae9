"""What keeps the graph honest: a stage lists as deps and params what its code imports and reads, no less, no more."""

import json
import re
import subprocess
from functools import reduce
from pathlib import Path, PurePosixPath

import networkx as nx
import polars as pl
import pytest
import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from stages.adapt.params import Way
from stages.base import names, params
from stages.base.paths import METHODS, NONE, Run
from stages.distill.params import DistillRecipe
from stages.ingest.params import IngestParams
from stages.interact.params import Way as InteractWay
from stages.methods.records import Record, methods_of
from stages.nets.trained import TrainRecipe
from stages.pretrain.params import AnyRecipe, PretrainRecipe
from stages.teach.params import PARAMS as TEACH
from tests.pipeline import graph
from tools import graph as tool
from tools.graph import written

STAGES = graph.stages()
#: Its deps are data by design, so that code which learns the same bytes makes nothing stale: see the tests at the end.
SEEDS = graph.ROOT / "seeds/dvc.yaml"
IDS = [f"{stage.pipeline.parent.name}:{stage.name}" for stage in STAGES]
#: What a cell of the root or of a paper may be made from; the study that newborn_lora has but does not run, too.
STUDIES = {path.parent.name: graph.params_of(path) for path in graph.PIPELINES}
ACTIVE = {name: values for name, values in STUDIES.items() if values["datasets"]}
DATASETS = sorted(path.stem for path in (graph.ROOT / "params/datasets").glob("*.yaml"))
RECIPES = sorted(path.stem for path in (graph.ROOT / "params/recipes").glob("*.yaml"))


@pytest.fixture(scope="module")
def repo():
    """The project as DVC sees it."""
    with Repo(graph.ROOT) as repo:
        yield repo


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_deps_are_the_import_closure(stage):
    code = [dep for dep in stage.body.get("deps", []) if dep.startswith("stages/")]
    assert code == graph.closure(stage.room)


@pytest.mark.parametrize("pipeline", graph.PIPELINES, ids=lambda path: path.parent.name)
def test_make_graph_has_nothing_to_write(pipeline):
    """So each paper's graph is the root's, byte for byte."""
    assert pipeline.read_text() == written((graph.ROOT / "dvc.yaml").read_text())


def test_each_folder_of_a_paper_with_params_has_the_graph():
    with_params = {path.parent for path in (graph.ROOT / "papers").glob("*/params.yaml")}
    assert {path.parent for path in graph.PIPELINES} == {graph.ROOT, *with_params}
    assert set(params_pipelines()) == {*graph.PIPELINES, SEEDS}


def params_pipelines():
    """Return what `make names` checks, and whatever else reads every pipeline."""
    found = subprocess.run(["git", "ls-files", "*dvc.yaml"], cwd=graph.ROOT, check=True, capture_output=True, text=True)
    return [graph.ROOT / name for name in found.stdout.split()]


def test_make_graph_writes_over_an_edited_copy_and_makes_a_missing_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    (tmp_path / "stages").symlink_to(graph.ROOT / "stages")
    text = (graph.ROOT / "dvc.yaml").read_text()
    (tmp_path / "dvc.yaml").write_text(text.replace("stages/stats, ", "stages/gone/file.py, "))
    for paper in ("edited", "same", "new", "no_study"):
        (tmp_path / "papers" / paper).mkdir(parents=True)
        if paper != "no_study":
            (tmp_path / "papers" / paper / "params.yaml").touch()
    (tmp_path / "papers/edited/dvc.yaml").write_text(text.replace("stages.infer", "stages.infer --dry"))
    (tmp_path / "papers/same/dvc.yaml").write_text(text)
    tool.main()
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{name}: written" for name in ("dvc.yaml", "papers/edited/dvc.yaml", "papers/new/dvc.yaml")]
    assert {path.read_text() for path in tmp_path.rglob("dvc.yaml")} == {text}
    assert not (tmp_path / "papers/no_study/dvc.yaml").exists()
    tool.main()
    assert capsys.readouterr().out == ""


def test_make_graph_replaces_code_and_nothing_else():
    before = (
        "  train:\n    cmd: python -m stages.nulls\n    deps: [\n      stages/gone/file.py,\n      data/x, stages.y,\n"
    )
    kept = before.split("      stages/gone/file.py,\n")
    after = written(before)
    assert after.startswith(kept[0])
    assert after.endswith(kept[1])
    code = after.removeprefix(kept[0]).removesuffix(kept[1])
    assert code.replace(",", "").split() == graph.closure("nulls")
    assert {"stages/nulls", "stages/labels"} <= set(graph.closure("nulls"))
    assert all(line.startswith("      stages/") and line.endswith(",") for line in code.splitlines())


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_params_are_what_the_room_reads(stage):
    for cell in stage.cells:
        graph.check_params(stage, cell)


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_a_cell_that_asks_has_its_own_count_of_errors_among_its_params(stage):
    """In the file of its data set, as `keywords` writes it before anything is asked."""
    asks = any("count_errors(" in file.read_text() for file in (graph.ROOT / "stages" / stage.room).glob("*.py"))
    assert asks == (stage.room in ("caption", "infer", "measure"))
    own = [entry for entry in stage.body["params"] if any(file.endswith("errors.json") for file in entry)]
    assert len(own) == asks
    for cell in stage.cells if asks else ():
        ((file, (key,)),) = own[0].items()
        assert stage.filled(key, cell) == (f"infer.{cell['item.method']}" if stage.room == "infer" else stage.room)
        count = graph.lookup(json.loads((graph.ROOT / stage.filled(file, cell)).read_text()), stage.filled(key, cell))
        assert count >= 0


def test_every_kind_of_cell_is_looked_at():
    """A stage without a cell is one whose params and deps nobody proves; newborn_lora's tests have a kept one."""
    idle = {stage.name for stage in STAGES} - {stage.name for stage in STAGES if stage.cells}
    assert idle == {"keyframes_kept"}


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_what_the_command_names_is_among_the_deps(stage):
    """A slot is an input wherever it is; a model that is asked is another cell's, one that finds people is nobody's."""
    for cell in stage.cells:
        deps = {stage.filled(dep, cell) for dep in stage.body["deps"]}
        for word in names.arguments(stage.body["meta"]):
            key = word.removeprefix("${item.").removesuffix("}")
            if key in names.SLOTS:
                assert stage.filled(word, cell) in deps
            elif key in ("model", "captioner", "judge") and stage.room != "streams":
                assert f"data/models/{stage.filled(word, cell)}" in deps


def test_a_cell_reads_what_dvc_resolves_for_it(monkeypatch, repo):
    """Of every cell of every pipeline: `params` asks DVC's parser only, which takes a tenth of the time."""
    monkeypatch.chdir(graph.ROOT)
    cells = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
    assert {Path(stage.path) for stage in cells} >= {
        graph.ROOT / "dvc.yaml",
        graph.ROOT / "papers/smarthome_vlm/dvc.yaml",
        SEEDS,
    }
    for stage in cells:
        expected: dict[str, object] = {}
        for param in stage.params:
            given = param.read_params()
            file = Path(param.fs_path).relative_to(graph.ROOT).as_posix()
            for key, value in given.items() if param.params else [(None, given)]:
                *blocks, last = params.place(file, key).split(".")
                reduce(lambda block, part: block.setdefault(part, {}), blocks, expected)[last] = value
        monkeypatch.setenv("DVC_STAGE", f"{Path(stage.path).relative_to(graph.ROOT)}:{stage.name}")
        params.forget()
        assert params.declared_values() == expected, stage.addressing
    params.forget()


@pytest.mark.parametrize("pipeline", [*graph.PIPELINES, SEEDS], ids=lambda path: path.parent.name)
def test_no_lock_remembers_a_cell_that_the_graph_has_lost(pipeline, repo):
    """DVC forgets none by itself, and reads and writes all of them at every cell."""
    lock = pipeline.with_suffix(".lock")
    locked = set(yaml.safe_load(lock.read_text())["stages"]) if lock.exists() else set()
    assert locked <= {stage.name for stage in repo.index.stages if Path(stage.path) == pipeline}


def test_each_input_is_made_by_a_cell_or_in_git_or_behind_a_pointer(repo):
    """A record that names an input which nobody has would stop `dvc repro` of all the rest."""
    listed = subprocess.run(["git", "ls-files"], cwd=graph.ROOT, check=True, capture_output=True, text=True)
    outs = [PurePosixPath(Path(out.fs_path).relative_to(graph.ROOT).as_posix()) for out in repo.index.outs]
    there = [*outs, *map(PurePosixPath, listed.stdout.splitlines())]
    for stage in repo.index.stages:
        for dep in filter(lambda dep: dep.is_in_repo, stage.deps):
            path = PurePosixPath(Path(dep.fs_path).relative_to(graph.ROOT).as_posix())
            held = any(one == path or path in one.parents or one in path.parents for one in there)
            assert held, f"{stage.addressing}: {path}"
    nothing = (graph.ROOT / NONE).read_text()
    assert nothing == (graph.ROOT / "data/models/none").read_text()
    assert len(nothing.splitlines()) == 1, "DVC warns of an empty file in each of its commands"


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


def test_what_every_stage_needs_is_one_folder():
    """DVC hashes a dep of each cell at every run, and writes it into the lock of each: what all need lies in `base`."""
    needed = [set(graph.closure(stage.room)) - {f"stages/{stage.room}"} for stage in STAGES]
    assert set.intersection(*needed) == {"stages/base"}


def test_paths_are_under_the_run():
    run = Run("home")
    assert {run.manifest.parent, run.splits.parent, run.scores("m").parent.parent} == {run.data}


def test_who_reads_every_method_comes_after_each(repo):
    """Else DVC may run the reader before the writer."""
    cells = {(Path(stage.path), stage.name): stage for stage in repo.index.stages if isinstance(stage, PipelineStage)}
    looked = 0
    for pipeline in graph.PIPELINES:
        values = graph.params_of(pipeline)
        for kind, maker in zip(METHODS, ("infer", "train", "adapt", "distill", "interact"), strict=True):
            for key, record in values[kind].items():
                writer = cells[pipeline, f"{maker}@{key}"]
                for reader in ("nulls", "measure", "score", "report"):
                    after = nx.descendants(repo.index.graph, cells[pipeline, f"{reader}@{record['dataset']}"])
                    assert writer in after, f"{reader} of {key}"
                    looked += 1
    assert looked > 50


def test_images_of_licensed_data_sets_are_kept():
    """A data set's keyframes are written by one of two stages, by the one that `dvc push` skips if it is licensed."""
    blocks = {name: graph.block("datasets", name) for name in DATASETS}
    licensed = {name for name, block in blocks.items() if "ingest" in block and block["ingest"]["licensed"]}
    for values in STUDIES.values():
        assert {**values["pushed"], **values["kept"]} == values["datasets"]
        assert {**values["datasets"], **values["listed"]} == values["ingested"]
        # Of clips that are a list of names there is no image.
        shown = {name for name, record in values["pushed"].items() if not record["clips"].endswith(".json")}
        assert not shown & (set(values["kept"]) | licensed)
    pointers = {path.parent.name: yaml.safe_load(path.read_text()) for path in graph.ROOT.glob("data/*/clips.dvc")}
    assert all(out["push"] is False for name in licensed & set(pointers) for out in pointers[name]["outs"])
    assert licensed >= set(pointers)
    outs = {stage.name: stage.body.get("outs") for stage in STAGES}
    assert outs["keyframes_kept"] == [{path: {"push": False}} for path in outs["keyframes"]]


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_is_one_file_of_blocks_that_some_stage_reads(name):
    """Also one that no study names today. What is spelt wrong would be read by nobody."""
    kinds = {}
    for room in {stage.room for stage in STAGES}:
        for key, kind in graph.declared(room).items():
            block, _, rest = key.partition(".")
            if rest in ("{dataset}", "{scene}"):
                kinds[block] = kind
    blocks = graph.block("datasets", name)
    assert set(blocks) <= set(kinds)
    for block, value in blocks.items():
        TypeAdapter(kinds[block]).validate_python(value)
        if isinstance(value, dict):
            with pytest.raises(ValidationError, match="misspelt"):
                TypeAdapter(kinds[block]).validate_python(value | {"misspelt": 1})
    assert "simulate" in blocks or "ingest" in blocks


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_is_of_one_kind(name):
    """Where answers are sets of labels, they are scored as such, and null models answer without words."""
    blocks = graph.block("datasets", name)
    if "ingest" not in blocks:
        pytest.skip("it is rendered to learn from, and is no data set")
    many = IngestParams.model_validate(blocks["ingest"]).labels == "multi"
    assert ("sets" in blocks["score"]) == many
    assert blocks["nulls"]["encoder"] is None or not many


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_whole_whether_or_not_a_record_names_it(name):
    block = graph.block("recipes", name)
    if "teacher" in block:
        (kind,) = TEACH.values()
    elif "distillation" in block:
        kind = DistillRecipe
    elif block.get("kind") in ("qformer", "classifier"):
        kind = InteractWay
    elif block.get("kind") in ("pose", "speaker"):
        kind = AnyRecipe
    else:
        kind = PretrainRecipe if "language" in block else Way if "kind" in block or "lora" in block else TrainRecipe
    TypeAdapter(kind).validate_python(block)


@pytest.mark.parametrize("study", ACTIVE)
def test_what_blocks_say_of_methods_and_protocols_is_said_of_records(study):
    values = ACTIVE[study]
    for name in values["datasets"]:
        blocks = graph.block("datasets", name)
        own = {key: record for key, record in values["methods"].items() if record["dataset"] == name}
        methods = {record["method"] for record in own.values()}
        protocols = {name for key in ("protocols", "published", "subsets") for name in blocks["ingest"].get(key, ())}
        assert set(blocks["nulls"]["models"]) <= methods
        if confusion := blocks["compare"]["confusion"]:
            assert confusion["method"] in methods
            assert confusion["protocol"] in protocols
        assert {record["protocol"] for record in own.values()} <= {"all", *protocols}
        assert set(blocks["report"]["protocols"]) <= protocols
        assert {protocol for found in blocks["score"]["only"].values() for protocol in found} <= protocols
        assert {line.split(".")[0] for line in blocks["score"]["headline"]} <= protocols


@pytest.mark.parametrize("study", ACTIVE)
def test_the_lists_that_a_data_set_is_split_by_are_inputs_of_its_cell(study):
    """A file that params name and no dep holds could change and nothing would run."""
    for name, record in ACTIVE[study]["datasets"].items():
        ingest = IngestParams.model_validate(graph.block("datasets", name)["ingest"])
        published = [one.test for one in ingest.published.values()]
        official = [file for one in ingest.official.values() for file in one.model_dump().values() if file]
        for slot, files in (("published", published), ("official", official)):
            assert (record[slot] == NONE) == (not files)
            assert all(PurePosixPath(file).is_relative_to(record[slot]) for file in files)


@pytest.mark.parametrize("study", STUDIES)
def test_methods_are_all_records_that_answer_and_no_other(study):
    values = STUDIES[study]
    assert values["methods"] == {key: record for kind in METHODS for key, record in values[kind].items()}
    for key, record in values["methods"].items():
        assert key == f"{record['dataset']}_{record['method']}"
        assert record["dataset"] in values["datasets"]


@pytest.mark.parametrize("study", STUDIES)
def test_a_record_names_what_there_is(study):
    """Coordinates lead to a file or to another record; a control's are those of the method that it asks."""
    values = STUDIES[study]
    made = {*values["pretrained"], *values["fetched"], "none"}
    records = [*values["methods"].values(), *values["datasets"].values()]
    for record in [*values.get("study", {}).get("asked", {}).values(), *records]:
        for key in {"model", "captioner", "judge"} & set(record):
            assert (graph.ROOT / f"params/models/{record[key]}.yaml").exists()
            assert record[key] in made | set(values.get("study", {}).get("fetched", {}))
        assert record.get("strategy", "none") in {"none", *values["strategies"]}
    for record in [*records, *values["pretrained"].values()]:
        assert record.get("recipe", RECIPES[0]) in RECIPES
    for name, record in values["controlled"].items():
        videos = [*values["trained"].values(), *values["distilled"].values()]
        (own,) = (one for one in videos if one["dataset"] == name and one["method"] == record["method"])
        assert {key: own[key] for key in ("recipe", "protocol")} == {key: record[key] for key in ("recipe", "protocol")}
        assert values["datasets"][name]["controls"] == f"metrics/{name}/controls.csv"
        frozen = graph.block("datasets", name)["controls"]["frozen"].values()
        models = {one["model"] for one in frozen} or {"data/models/none"}
        assert models == {f"data/models/{record['model']}"}


def test_what_learns_on_a_data_set_has_seeds_for_its_intervals():
    """So that no interval leaves out the luck of a training: committed tables hold draws of each row that learns."""
    values = STUDIES[graph.ROOT.name]
    for name, dataset in values["datasets"].items():
        records = {key: Record.model_validate(record) for key, record in values["methods"].items()}
        learnt = [one for one in methods_of(Run(name), records, sets=False, told=False) if one.kind == "learnt"]
        kinds = [record for kind in METHODS[1:] for record in values[kind].values()]
        assert [one.name for one in learnt] == [record["method"] for record in kinds if record["dataset"] == name]
        assert dataset["seeds"] == f"metrics/{name}/seeds"
        for table in ("seeds.csv", "clips.csv"):
            drawn = pl.read_csv(graph.ROOT / dataset["seeds"] / table)["method"].unique()
            assert {one.name for one in learnt} <= set(drawn), table


#: Where DVC's params are: whatever `-S` may change.
FILES = sorted([*graph.ROOT.glob("params/*/*.yaml"), *(path.with_name("params.yaml") for path in graph.PIPELINES)])


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_one_map_to_dvc_holds_coordinates_only(file):
    """`dvc exp run -S` merges what it set with what it read, path by path: of a map under two paths the last one wins.

    So a change of the first is lost without a word. What shapes a result is therefore in no map that has two paths.
    """
    paths: dict[int, list[str]] = {}
    maps = {}

    def note(value, path):
        if isinstance(value, dict | list):
            paths.setdefault(id(value), []).append(path)
            maps[id(value)] = value
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                note(inner, f"{path}.{key}".lstrip("."))

    note(YAML().load(file.read_text()) or {}, "")
    for shared, found in paths.items():
        if len(found) > 1 and maps[shared]:
            assert file.name == "params.yaml", found
            lists = {path.partition(".")[0] for path in found}
            data = {"pushed", "kept", "listed", "datasets", "ingested"}
            assert lists <= {"study", "fetched", *data, "teachers", *METHODS, "methods"}, found
            records = [maps[shared], *(one for one in maps[shared].values() if isinstance(one, dict))]
            for record in records[1:] or records:
                assert all(isinstance(value, str | None) for value in record.values()), found
                assert set(record) <= {"dataset", "method", "title", "model", "recipe", "strategy", "protocol"} | {
                    *names.SLOTS,
                    "captioner",
                    "judge",
                    "pose",
                    "vision",
                }


def seeds_cells(repo):
    return [stage for stage in repo.index.stages if Path(stage.path) == SEEDS]


def test_each_row_that_learns_has_more_seeds(repo):
    """Four of its own for each cell of a stage that learns, two of the base model for what follows from one."""
    values = STUDIES[graph.ROOT.name]
    drawn = {
        Path(out.fs_path).relative_to(SEEDS.parent / "cells").as_posix()
        for stage in seeds_cells(repo)
        for out in stage.outs
    }
    own = {(record["dataset"], record["method"]) for kind in METHODS[1:] for record in values[kind].values()}
    on_base = {(record["dataset"], record["method"]) for record in values["adapted"].values()}
    asked = {
        (record["dataset"], record["model"])
        for record in values["asked"].values()
        if record["model"] in values["pretrained"]
    }
    expected = {
        f"{dataset}/{method}_{draw}{of}.csv"
        for dataset, method in own
        for draw in (1, 2, 3, 4)
        for of in ("", "_clips")
    }
    expected |= {f"{dataset}/{name}_base_{draw}.csv" for dataset, name in on_base | asked for draw in (1, 2)}
    assert drawn == expected


def test_a_draw_raises_the_seed_that_its_row_learnt_by(repo):
    """The recipe of the row, or the one of its base model; and the key under it is a seed."""
    values = STUDIES[graph.ROOT.name]
    records = {(record["dataset"], record["method"]): record for record in values["methods"].values()}
    for stage in seeds_cells(repo):
        dataset, name, recipe, key, draw = names.arguments(stage.meta)
        kind = stage.cmd.split()[-1]
        model = name if kind == "base" else records[dataset, name].get("model")
        of_base = "base" in stage.name
        assert recipe == (values["pretrained"][model]["recipe"] if of_base else records[dataset, name]["recipe"])
        assert key == ("seed" if of_base else "recipe.seed")
        assert graph.lookup(graph.block("recipes", recipe), key) == 0
        assert int(draw) in (1, 2, 3, 4)


def test_more_seeds_follow_from_the_same_data_and_params_as_the_row():
    """What a stage of the root's reads of data and its own blocks, and the model that it learnt; no code."""
    root = {stage.name: stage.body for stage in STAGES if stage.pipeline == graph.ROOT / "dvc.yaml"}
    looked = set()
    for name, body in yaml.safe_load(SEEDS.read_text())["stages"].items():
        cell = body["do"]
        assert not any(dep.startswith("stages") for dep in cell["deps"])
        assert all(how == {"cache": False} for out in cell["outs"] for how in out.values())
        kind = re.sub(r"^base_|_\d$", "", name)
        if kind in root:
            data = {dep for dep in root[kind]["deps"] if not dep.startswith("stages/")}
            assert set(cell["deps"]) - data == {path for path in root[kind]["outs"] if "/models/" in path}
            assert data <= set(cell["deps"])
            assert {str(entry) for entry in root[kind]["params"]} <= {str(entry) for entry in cell["params"]}
            looked.add(name)
    assert len(looked) == 18
