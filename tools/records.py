"""What the records of every params.yaml lead to: `python -m tools.records`, which `make` runs before DVC does.

A record names a data set, a model, a recipe, a protocol and paths. DVC finds what is wrong with one when it comes to
its cell, hours later perhaps, or in words of its own; here it is said at once, by file and key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NoReturn

from dvc.exceptions import DvcException

from stages.base.errors import InputError, guard
from stages.base.names import check_pipeline
from stages.base.params import DATASETS, pipelines, read_pipeline, resolver
from stages.base.paths import METHODS, NONE, NULLS, REFERENCES

#: Kinds of records, and the unions that must hold each of them.
UNIONS = {
    **dict.fromkeys(("pushed", "kept"), ("datasets", "ingested")),
    "listed": ("ingested",),
    **dict.fromkeys(METHODS, ("methods",)),
}
_WHOLE = {union for unions in UNIONS.values() for union in unions}
_METHOD = {"dataset", "method", "title", "protocol"}
_SLOT = re.compile(r"\$\{item\.(\w+)\}")
#: Coordinates that are a file's name in a folder below params.
_MODELS = {"model", "captioner", "judge", "pose", "vision"}
_FILES = {**dict.fromkeys(_MODELS, "models"), "recipe": "recipes"}


def check_records(pipeline: Path) -> int:
    """Check every record beside a pipeline; return how many there are.

    Raises:
        InputError: a record lacks a slot or has one that no stage reads; it names what there is not; or a data set's
            file lacks a block or has one that no stage reads.
    """
    check_pipeline(pipeline)
    graph = read_pipeline(pipeline)
    values = read_pipeline(pipeline.with_name("params.yaml"))
    slots = _slots(graph)
    # What the default study makes a paper's may take: `make repro` comes before it.
    made = {"none", *_models(values), *_models(read_pipeline(Path("params.yaml")))}
    checked = 0
    for kind, records in sorted(values.items()):
        if kind in slots and kind not in _WHOLE and isinstance(records, Mapping):
            for key, record in records.items():
                where = _Where(pipeline.with_name("params.yaml"), f"{kind}.{key}")
                needed = slots[kind] | (_METHOD if "methods" in UNIONS.get(kind, ()) else set())
                # Of a list without clips the record may be the one that it has once they are there.
                _check_slots(where, record, needed, slots["datasets"] if kind == "listed" else set())
                _check_names(where, record, values, made)
                for union in UNIONS.get(kind, ()):
                    if (values.get(union) or {}).get(key) != record:
                        held = ", ".join(f"*{one}" for one, unions in UNIONS.items() if union in unions)
                        where.fail(f"`{union}` has not this record", f"write `{union}: {{<<: [{held}]}}`")
                checked += 1
    for kind in ("pushed", "kept", "listed"):
        for name in values.get(kind) or {}:
            _check_blocks(graph, kind, str(name))
    for scene in values.get("scenes") or ():
        if not Path(DATASETS, f"{scene}.yaml").is_file():
            where = _Where(pipeline.with_name("params.yaml"), "scenes")
            where.fail(f"there is no {DATASETS}/{scene}.yaml", "write it, or take the scene out")
    return checked


def check_files(found: list[Path]) -> None:
    """Check that no two cells write the same file, that none reads what it writes, and that each input is somewhere.

    Raises:
        InputError: two do, one does, or an input is not there, no cell writes it and no DVC pointer stands for it.
    """
    writers: dict[Path, str] = {}
    cells = [(pipeline, name, cell) for pipeline in found for name, cell in _resolved(pipeline).items()]
    for pipeline, name, cell in cells:
        for out in _outs(cell):
            if out in writers:
                what = f"{pipeline}: {name} writes {out}, and so does {writers[out]}"
                _of_cell(pipeline, name).fail(what, "give the record another `method`, or take one of the two out")
            writers[out] = f"{pipeline}: {name}"
    for pipeline, name, cell in cells:
        where = _of_cell(pipeline, name)
        for dep in [Path(dep) for dep in map(str, cell.get("deps", ())) if not dep.startswith("stages/")]:
            if own := next((out for out in _outs(cell) if _overlap(dep, out)), None):
                where.fail(f"{name} would read {dep}, where it writes {own}", "move the input to another folder")
            if not (dep.exists() or any(_overlap(dep, out) for out in writers) or _pointed(dep)):
                where.fail(f"{name} reads {dep}, which is not there", f"correct the path; {NONE} where there is none")


def _pointed(dep: Path) -> bool:
    """Tell whether DVC pulls an input: a pointer lies beside it or above. Below, in clips, is whatever they brought."""
    for file in (file for folder in dep.parents for file in sorted(folder.glob("*.dvc")) if file.is_file()):
        try:
            outs = read_pipeline(file).get("outs") or ()
        except DvcException as error:
            raise InputError(f"DVC cannot read it: {error}", file=file, do="correct it") from None
        if any(_overlap(dep, file.parent / str(out["path"])) for out in outs):
            return True
    return False


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _outs(cell: Mapping[str, Any]) -> list[Path]:
    """Return what a cell writes; how it is kept is no part of that."""
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in cell.get(kind, ())]
    return [Path(next(iter(entry)) if isinstance(entry, Mapping) else entry) for entry in entries]


def _of_cell(pipeline: Path, name: str) -> _Where:
    return _Where(pipeline.with_name("params.yaml"), name.rpartition("@")[2])


class _Where:
    """A record, to say what is wrong with it."""

    def __init__(self, file: Path, key: str) -> None:
        self.file, self.key = file, key

    def fail(self, what: str, do: str, slot: str = "") -> NoReturn:
        """Say what is wrong with it, or with a slot of it."""
        raise InputError(what, file=self.file, key=f"{self.key}.{slot}" if slot else self.key, do=do)


def _slots(graph: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return, by kind of record, what the stages read of one; of a union too, and so of each kind within."""
    found: dict[str, set[str]] = {}
    for body in graph["stages"].values():
        if "foreach" in body:
            found.setdefault(body["foreach"].strip("${}"), set()).update(_SLOT.findall(str(body["do"])))
    for kind, unions in UNIONS.items():
        read = [found[one] for one in (kind, *unions) if one in found]
        if read:
            found[kind] = set().union(*read)
    return found


def _check_slots(where: _Where, record: object, known: set[str], more: set[str]) -> None:
    if not isinstance(record, Mapping):
        where.fail("is no record", f"write its slots: {', '.join(sorted(known))}")
    if lacking := sorted(known - set(record)):
        where.fail(f"lacks {', '.join(lacking)}", f"write it; {NONE} where there is no such input, `none` for nobody")
    if strange := sorted(map(str, set(record) - known - more)):
        where.fail(f"no stage reads {', '.join(strange)}", f"take it out; there are {', '.join(sorted(known))}")
    for slot, value in record.items():
        if (value is None or value == "") and slot != "title":
            where.fail("is empty", f"write {NONE} where there is no such input, `none` for nobody", slot)


def _check_names(where: _Where, record: Mapping[str, Any], values: Mapping[str, Any], made: Set[str]) -> None:
    """Check that the coordinates of a record lead somewhere; `made` are the models that a stage makes or finds."""
    # Who finds people is asked nothing: no stage has to know the model before.
    finds = where.key.startswith("streamed.")
    for slot, folder in _FILES.items():
        name = record.get(slot)
        if name is None:
            continue
        if not Path("params", folder, f"{name}.yaml").is_file():
            known = ", ".join(sorted(path.stem for path in Path("params", folder).glob("*.yaml")))
            where.fail(f"there is no params/{folder}/{name}.yaml", f"write it, or name one of: {known}", slot)
        if slot in _MODELS and name not in made and not finds:
            where.fail(f"no stage finds the model {name}", f"add `{name}: {{file: {NONE}}}` under `fetched`", slot)
    if "scene" in record:
        for slot in ("scene", "tables"):
            if record[slot] not in (values.get("scenes") or ()):
                where.fail(f"nobody renders {record[slot]}", "add it under `scenes`", slot)
    if "strategy" in record and record["strategy"] not in (values.get("strategies") or {}):
        known = ", ".join(values.get("strategies") or {})
        where.fail(f"there is no strategy {record['strategy']}", f"write it, or name one of: {known}", "strategy")
    if "dataset" in record:
        if record["dataset"] not in (values.get("ingested") or {}):
            known = ", ".join(map(str, values.get("ingested") or {}))
            where.fail(f"no record of a data set {record['dataset']}", f"write it, or name one of: {known}", "dataset")
        if record["method"] in (*NULLS, REFERENCES):
            where.fail(f"{record['method']} is the name of a null model or of the references", "take another", "method")
        protocol = record.get("protocol", "all")
        if protocol != "all" and protocol not in (known_ := _protocols(str(record["dataset"]))):
            do = f"name one of: {', '.join(known_)}, or add it to params/datasets/{record['dataset']}.yaml"
            where.fail(f"there is no protocol {protocol}", do, "protocol")


def _models(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the models that a stage of a study makes or finds."""
    for kind in ("pretrained", "fetched"):
        yield from values.get(kind) or {}


def _protocols(dataset: str) -> list[str]:
    ingest = _blocks(dataset).get("ingest") or {}
    return [name for kind in ("protocols", "published", "subsets") for name in ingest.get(kind) or {}]


def _blocks(dataset: str) -> dict[str, Any]:
    path = Path(DATASETS, f"{dataset}.yaml")
    if not path.is_file():
        raise InputError("no such file", file=path, do="write it: all about the data set, as params/datasets/home.yaml")
    found = read_pipeline(path)
    if not isinstance(found, Mapping):
        raise InputError("holds no blocks", file=path, do="write it as params/datasets/home.yaml")
    return dict(found)


def _check_blocks(graph: Mapping[str, Any], kind: str, dataset: str) -> None:
    """Check that a data set's file has what its stages read, and no block that none reads: it is spelt wrong then."""
    known, needed, reading = set(), set(), [f"${{{one}}}" for one in (kind, *UNIONS[kind])]
    for body in graph["stages"].values():
        for entry in body["do"].get("params", ()):
            for file, keys in entry.items():
                if file.startswith(f"{DATASETS}/"):
                    blocks = {key.partition(".")[0] for key in keys}
                    known |= blocks
                    needed |= blocks if body["foreach"] in reading else set()
    there, file = set(_blocks(dataset)), f"{DATASETS}/{dataset}.yaml"
    for key in sorted(there - known):
        do = f"correct it; there are {', '.join(sorted(known))}"
        raise InputError("no stage reads this block", file=file, key=key, do=do)
    for key in sorted(needed - there):
        raise InputError("the block is missing", file=file, key=key, do="write it, as params/datasets/home.yaml has it")


def _resolved(pipeline: Path) -> dict[str, Any]:
    """Return each cell of a pipeline, its paths from the root."""
    try:
        cells: dict[str, Any] = resolver(pipeline).resolve()["stages"] or {}  # none where a study has no records
    except DvcException as error:
        raise InputError(f"DVC cannot read it: {error}", file=pipeline, do="correct it") from None
    return cells


def check_copies(found: list[Path]) -> None:
    """Check that the graph of each paper is the root's.

    Raises:
        InputError: one was edited.
    """
    root = Path("dvc.yaml").read_bytes()
    for pipeline in found:
        if pipeline.parent.parent == Path("papers") and pipeline.read_bytes() != root:
            do = "edit the root's dvc.yaml, and run `make graph`, which writes the copies"
            raise InputError("differs from the root's dvc.yaml, of which it is a copy", file=pipeline, do=do)


def checks() -> Iterator[int]:
    """Check the project around the working directory; yield how many records each study has."""
    found = [path for path in pipelines() if path.with_name("params.yaml").exists()]
    check_copies(found)
    for pipeline in found:
        yield check_records(pipeline)
    check_files(found)


def main() -> None:
    """Check all studies."""
    counts = list(checks())
    print(f"records: {sum(counts)} records in {len(counts)} studies")


if __name__ == "__main__":
    guard(main)
