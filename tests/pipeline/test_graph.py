"""What keeps the graph honest: a stage lists as deps and params what its code imports and reads, no less, no more."""

import string

import pytest
from pydantic import TypeAdapter

from stages.core.paths import Run
from tests.pipeline import graph

STAGES = graph.stages()
IDS = [f"{stage.pipeline.parent.name}:{stage.name}" for stage in STAGES]


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_deps_are_the_import_closure(stage):
    code = {dep for dep in stage.body.get("deps", []) if dep.startswith("stages/")}
    assert code == graph.closure(stage.room)


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_params_are_what_the_room_reads(stage):
    values = graph.params_of(stage.pipeline)
    listed = [
        key
        for entry in stage.body.get("params", [])
        for key in (next(iter(entry.values())) if isinstance(entry, dict) else [entry])
    ]
    for cell in stage.cells:
        have = {stage.filled(key, cell, values) for key in listed}
        assert have == expected(stage, cell, values)
        for key, kind in graph.declared(stage.room).items():
            TypeAdapter(kind).validate_python(graph.lookup(values, fill(key, stage, cell, values)))


def expected(stage, cell, values):
    return {fill(key, stage, cell, values) for key in graph.declared(stage.room)}


def fill(key, stage, cell, values):
    """Fill a declared key's braces the way the room's command line does: from the cell, else from the run."""
    known = {"dataset": str(values.get("dataset", "")), **cell}
    words = stage.filled(stage.body["cmd"], cell, values).split()
    names = [name for _, name, _, _ in string.Formatter().parse(key) if name]
    for name in names:
        assert known[name] in words, f"{stage.name}: the command does not pass {name} = {known[name]}"
    return key.format(**known)


@pytest.mark.parametrize("stage", STAGES, ids=IDS)
def test_no_stage_depends_on_compute(stage):
    assert not any(
        "compute.yaml" in str(entry) for entry in [*stage.body.get("deps", []), *stage.body.get("params", [])]
    )


def test_rooms_import_no_other_stage():
    """A room imports core, library rooms and itself: what two stages share lies in a library room."""
    rooms = {path.parent.name for path in (graph.ROOT / "stages").glob("*/__main__.py")}
    for room in rooms:
        used = {dep.removeprefix("stages/") for dep in graph.closure(room) if not dep.startswith("stages/core/")}
        assert not (used & rooms) - {room}, f"{room} imports another stage's room"


def test_paths_are_under_the_run():
    run = Run("home")
    assert {run.manifest.parent, run.splits.parent, run.scores("m").parent.parent} == {run.data}
