"""Params of the running stage: what is computed, read through DVC so that only declared keys can be read.

A room declares `PARAMS`, from dotted keys as `dvc.yaml` lists them (with `{item}` for a cell's coordinates) to
frozen pydantic models, and calls `read(PARAMS, item=...)`.
How fast and where is `compute.yaml`: no stage depends on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stages.base.errors import InputError
from stages.base.names import check_name


class Params(BaseModel):
    """Base of every block of params: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


#: What a room declares: dotted key (with cell coordinates in braces) -> the type that checks its value.
Declared = Mapping[str, Any]

#: Folders of files that are one block each, and where: params/models/gpt_4o.yaml is `vlm.gpt_4o`.
BLOCKS = {"params/models": "vlm", "params/recipes": "recipes"}
#: Folder of files of several blocks: `ingest` in params/datasets/home.yaml is `ingest.home`.
DATASETS = "params/datasets"
#: The file of a data set in `metrics` that is a param, in which no cell reads anything: see `stages/methods/errors.py`.
COUNTED = "errors.json"

#: What DVC's parser asks of a file system; its own class for the local one takes a sixth of a second to import.
FILES = SimpleNamespace(
    open=open,
    exists=os.path.exists,
    isdir=os.path.isdir,
    join=os.path.join,
    normpath=os.path.normpath,
    relpath=os.path.relpath,
    suffix=lambda path: os.path.splitext(path)[1],
)


class RayCluster(Params):
    """Block `ray` of `compute.yaml`, read where `engine` is ray."""

    address: str | None = None
    """Of a cluster that runs, such as auto or 10.0.0.1:6379; null starts one on this machine."""
    workers: int = Field(default=0, ge=0)
    """Most workers; 0 is as many as the cluster has room for."""
    cpus: float = Field(default=1, gt=0)
    """Cores that a worker takes."""
    gpus: float = Field(default=0, ge=0)
    """GPUs that a worker takes where a model answers; 0.5 puts two on one."""
    tries: int = Field(default=2, ge=1)
    """How often a sample may end its worker before it counts as an error."""


class Compute(Params):
    """`compute.yaml`: where and how fast. Nothing here shapes a result."""

    engine: Literal["local", "ray"] = "local"
    """Who takes the samples: processes of this machine, or the workers of a Ray cluster."""
    ray: RayCluster = RayCluster()
    """The cluster."""
    launch: str = ""
    """What starts several processes that train together, such as accelerate launch --num_processes 4; empty: one."""

    device: str = "auto"
    """cpu, cuda, cuda:1 or auto (a GPU where there is one)."""
    workers: int = 0
    """Processes for decoding and drawing; 0 is one for each core."""
    batch: int = 32
    """Largest batch a device is given at once."""
    threads: int = 0
    """Threads a process computes with; 0 leaves torch's choice."""
    endpoints: dict[str, str] = {}
    """Address of the server of each API model."""
    concurrency: int = 8
    """Requests under way at once to an API."""
    reply_seconds: float = 300
    """An API's reply may take this long."""
    clip_seconds: float = 600
    """A clip may take this long to decode; one that takes longer is an error, and tried again by the next run."""
    checkpoint_seconds: float = 30
    """From one checkpoint of what learns to the next: what a kill costs at most; 0 is one after each step."""
    wait_seconds: float = 600
    """Where an API says when to come back, it is waited for up to this long; else the run ends and says when."""

    @property
    def processes(self) -> int:
        """Processes to start."""
        return self.workers or len(os.sched_getaffinity(0))


@cache
def compute() -> Compute:
    """Return `compute.yaml`, or its defaults where there is none; the environment's HAR_ENGINE is its `engine`."""
    path = Path("compute.yaml")
    values = (yaml.safe_load(path.read_text()) if path.exists() else None) or {}
    if engine := os.environ.get("HAR_ENGINE"):
        values["engine"] = engine
    checked: Compute = _checked(Compute, values, path.name, "")
    return checked


def running_stage() -> tuple[Path, str] | None:
    """Return the pipeline's file and the name in it of the stage that DVC runs; None for one that is run by hand."""
    pipeline, _, name = os.environ.get("DVC_STAGE", "").rpartition(":")
    return (Path(pipeline or "dvc.yaml"), name) if name else None


def read_pipeline(pipeline: Path) -> dict[str, Any]:
    """Return a dvc.yaml as it is written."""
    content: dict[str, Any] = _load(str(pipeline), fs=FILES)
    return content


def _load(path: str, fs: object) -> Any:
    from dvc.utils.serialize import load_path

    return load_path(path, fs=fs)


def pipelines() -> list[Path]:
    """Return the pipelines of the project around the working directory."""
    found = [Path("dvc.yaml"), *sorted(Path("papers").glob("*/dvc.yaml")), Path("seeds/dvc.yaml")]
    return [path for path in found if path.exists()]


def resolver(pipeline: Path) -> Any:
    """Return DVC's parser of a pipeline, which fills params in.

    Every stage pays this, the smallest too: `dvc.api.params_show` takes over a second, for it reads the lock files of
    every pipeline, and DVC's Repo and Stage take half a one to import. Its parser alone takes a fifth.
    """
    from dvc.parsing import DataResolver

    return DataResolver(SimpleNamespace(fs=FILES, config={}), str(pipeline.parent), read_pipeline(pipeline))


@cache
def resolved_stage() -> dict[str, Any]:
    """Return the running stage as DVC resolves it, params filled in; nothing outside of `dvc repro`."""
    stage = running_stage()
    if not stage:
        return {}
    pipeline, name = stage
    resolved: dict[str, Any] = resolver(pipeline).resolve_one(name)[name]
    return resolved


@cache
def declared_values() -> dict[str, Any]:
    """Return the params of the running stage, nested, as DVC resolves them; blocks are where `place` says.

    Outside of `dvc repro` (no `DVC_STAGE`) it is all of `params.yaml` and of the files below `params`, for a stage that
    is run by hand; a block that is in `params.yaml` itself goes first.
    """
    values: dict[str, Any] = {}
    if not running_stage():
        files = [Path("params.yaml"), *(path for folder in (*BLOCKS, DATASETS) for path in Path(folder).glob("*.yaml"))]
        for path in files:
            content = yaml.load(path.read_text(), yaml.CSafeLoader)  # a hundred files: half a second without C
            for key in [None] if path.parent.as_posix() in BLOCKS else content or ():
                _put(values, place(path.as_posix(), key), content if key is None else content[key])
        return values
    load = cache(partial(_load, fs=FILES))  # a stage names several keys of one file
    for entry in resolved_stage().get("params", []):
        # A string is a key of the root's params.yaml; a mapping has keys by file, from the stage's working folder.
        for file, keys in entry.items() if isinstance(entry, Mapping) else [("params.yaml", [entry])]:
            known = load(file)
            whole = not keys and place(file, None)
            for key in [None] if whole else keys or known:
                _put(values, place(file, key), known if key is None else lookup(known, key, file))
    return values


def place(file: str, key: str | None) -> str:
    """Return where a key of a params file is among all params, dotted; with None where the whole file is, or ""."""
    path = Path(file)
    folder = path.parent.as_posix()
    if folder in BLOCKS:
        return ".".join(filter(None, [BLOCKS[folder], path.stem, key]))
    if folder == DATASETS and key:
        block, _, rest = key.partition(".")
        return ".".join(filter(None, [block, path.stem, rest]))
    if key and path.name == COUNTED:
        return f"{path.stem}.{path.parent.name}.{key}"
    return key or ""


def written(dotted: str) -> tuple[str, str]:
    """Return file and key, for messages, of what is at a place among all params; by hand it is params.yaml's own."""
    stage = running_stage()
    if stage is None:
        return "params.yaml", dotted
    block, _, rest = dotted.partition(".")
    name, _, inner = rest.partition(".")
    files = {f"{folder}/{name}.yaml": inner for folder, at in BLOCKS.items() if block == at}
    files |= {f"{DATASETS}/{name}.yaml": ".".join(filter(None, [block, inner]))}
    found = next((file for file in files if Path(file).is_file()), None)
    return (found, files[found]) if found else (stage[0].with_name("params.yaml").as_posix(), dotted)


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    *blocks, last = dotted.split(".")
    for part in blocks:
        values = values.setdefault(part, {})
    values.setdefault(last, value)


def forget() -> None:
    """Forget what was read, for whoever changes it within one process."""
    for kept in (declared_values, resolved_stage, compute):
        kept.cache_clear()


def read(declared: Declared, **cell: str) -> dict[str, Any]:
    """Return each declared block, checked; keys are as declared, braces unfilled.

    Raises:
        InputError: a key is not among the stage's params, its value does not fit, or a coordinate is no name.
    """
    for coordinate, name in cell.items():
        check_name(name, "params.yaml", coordinate)
    values = declared_values()
    where = os.environ.get("DVC_STAGE", "params.yaml")
    return {
        key: _checked(kind, lookup(values, key.format(**cell), where), where, key.format(**cell))
        for key, kind in declared.items()
    }


def lookup(values: Mapping[str, Any], dotted: str, where: str) -> Any:
    """Return the value under a dotted key.

    Raises:
        InputError: there is none.
    """
    value: Any = values
    for part in dotted.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise InputError(
                "no such param", file=where, key=dotted, do="add it to params.yaml and to the stage's params"
            )
        value = value[part]
    return value


def _keys(value: Any, place: tuple[int | str, ...], missing: bool) -> Iterator[str]:
    """Yield the keys that lead to an error in a value; pydantic's place of it names the members of unions, too."""
    for part in place[:-1] if missing else place:
        inside = part in value if isinstance(value, Mapping) else isinstance(value, list) and isinstance(part, int)
        if inside:
            value = value[part]
            yield str(part)
    if missing:
        yield str(place[-1])


def _checked(kind: Any, value: Any, where: str, dotted: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([*([dotted] if dotted else []), *_keys(value, first["loc"], first["type"] == "missing")])
        file, key = (where, key) if where.endswith("compute.yaml") else written(key)
        raise InputError(
            f"{first['msg']}, got {first['input']!r}", file=file, key=key, do="correct the value"
        ) from None
