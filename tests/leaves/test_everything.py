"""A licensed data set with everything of it computed by the project's own stages, from ingest to the page, and pushed.

What arrives in the remote is compared by content: images, texts, names of clips and scores of classes, also within
tables, which are compressed.
"""

from __future__ import annotations

import io
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from dvc.repo import Repo

from stages.pretrain.blank import blank
from tests.conftest import ROOT
from tests.ingest.clips import write_clip
from tests.leaves.test_push import environment, run  # noqa: F401
from tests.pipeline.project import commit, git
from tests.tiny_embedded import TINY

pytestmark = pytest.mark.slow

NAME = "weizmann"
KINDS = {"image", "text", "name of a clip", "scores of classes", "file"}


def params() -> dict[str, Any]:
    """Return the project's params, with this data set alone, asked one question."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    record = dict.fromkeys(("truth", "published", "official", "controls", "seeds", "targets"), "data/none")
    record |= {"clips": f"data/{NAME}/clips", "keywords": f"stages/keywords/lists/{NAME}.yaml"}
    record |= {"captioner": "embedded", "judge": "none"}
    asked = values["asked"]["home_embedded_list"] | {"dataset": NAME}
    values |= {"scenes": [], "pretrained": {}, "fetched": {}, "controlled": {}, "trained": {}, "adapted": {}}
    record["streams"] = f"data/{NAME}/streams/opencv"
    found = {"dataset": NAME, "method": "opencv", "model": "opencv", "truth": "data/none"}
    values |= {"teachers": {}, "distilled": {}, "interacting": {}, "streamed": {f"{NAME}_opencv": found}}
    values |= {"pushed": {}, "kept": {NAME: record}, "datasets": {NAME: record}, "ingested": {NAME: record}}
    return values | {key: {f"{NAME}_embedded_list": asked} for key in ("asked", "methods")}


def blocks() -> dict[str, Any]:
    """Return all about the data set, measured by what takes no time."""
    values = yaml.safe_load((ROOT / f"params/datasets/{NAME}.yaml").read_text())
    values["nulls"]["models"] = ["embedded_list"]
    values["measure"] |= {"metrics": ["keyword", "nearest_class", "answer", "grounded"], "judge": None}
    values["compare"] |= {"confusion": None, "sweep": {"metrics": [], "steps": 2}}
    values["report"]["metrics"] = ["answer"]
    return values


def graph() -> dict[str, Any]:
    """Return the project's own stages, less what they read of code."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in stages.values():
        stage["do"]["deps"] = [dep for dep in stage["do"]["deps"] if not dep.startswith("stages/")]
    return {"stages": stages}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, environment: Path) -> Path:  # noqa: F811
    project = tmp_path_factory.mktemp("everything")
    git("init", "-qb", "main", cwd=project)
    Repo.init(str(project)).close()
    for name in (".gitignore", ".dvcignore", "data/.gitignore", "data/none", "data/models/none"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    shutil.copytree(ROOT / "params", project / "params")
    (project / f"params/datasets/{NAME}.yaml").write_text(yaml.safe_dump(blocks()))
    shutil.copytree(ROOT / "stages", project / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "dvc.yaml").write_text(yaml.safe_dump(graph(), sort_keys=False))
    (project / "params.yaml").write_text(yaml.safe_dump(params()))
    (project / "compute.yaml").write_text("workers: 1\nthreads: 1\ndevice: cpu\n")
    for seed, clip in enumerate(
        f"{who}_{what}" for who in ("daria", "denis", "eli") for what in ("bend", "jack", "run")
    ):
        write_clip(project / f"data/{NAME}/clips/{clip}.mp4", seed=seed, frames=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = blank(TINY, ["A person is bending. What is the person doing: running, jumping jacks?"])
    for part in (model, processor):
        part.save_pretrained(project / "data/models/embedded")
    (project / "data/ours.txt").write_text("nobody's " * 20)
    run(environment, "dvc", "add", f"data/{NAME}/clips", "data/models/embedded", "data/ours.txt", cwd=project)
    pointer = project / f"data/{NAME}/clips.dvc"
    content = yaml.safe_load(pointer.read_text())
    content["outs"][0]["push"] = False
    pointer.write_text(yaml.safe_dump(content))
    run(environment, "dvc", "repro", cwd=project)
    commit(project)
    run(environment, "dvc", "remote", "add", "--local", "--default", "store", str(project / "store"), cwd=project)
    return project


def values_in(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a file tells, with its kind: of a table each text, image and list of scores, else all of it."""
    if content[:4] != b"PAR1":
        yield "file", content
        return
    for row in pq.read_table(io.BytesIO(content)).to_pylist():
        yield from _of_row(row)


def _of_row(row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, value in row.items():
        if name == "clip_id":
            yield "name of a clip", value.encode()
        elif isinstance(value, str) and len(value) > 12 and name in ("text", "reference"):
            yield "text", value.encode()
        elif isinstance(value, dict) and value.get("bytes"):
            yield "image", value["bytes"]
        elif name == "class_scores" and value and len(set(value)) > 1:
            yield "scores of classes", np.asarray(value, np.float64).tobytes()


def secrets(project: Path) -> dict[str, set[bytes]]:
    """Return all that is known of the data set, by kind."""
    found = defaultdict(set)
    for path in (project / f"data/{NAME}").rglob("*"):
        if path.is_file() and not path.name.endswith((".dvc", ".gitignore")):
            found["file"].add(path.read_bytes())
            for kind, value in values_in(path.read_bytes()):
                found[kind].add(value)
    return found


def arrived(project: Path) -> dict[str, int]:
    """Return how many secrets of each kind are in the remote, in any of its files or in what a table there says."""
    blobs = [path.read_bytes() for path in (project / "store").rglob("*") if path.is_file()]
    told = b"\n".join([*blobs, *(value for blob in blobs for _, value in values_in(blob))])
    return {kind: sum(value in told for value in values) for kind, values in secrets(project).items()}


def test_nothing_of_it_arrives(project: Path, environment: Path) -> None:  # noqa: F811
    known = secrets(project)
    assert known.keys() >= KINDS
    for name in ("captions.parquet", "predictions/embedded_list.parquet", "verdicts", "streams/opencv/tracks.parquet"):
        assert (project / f"data/{NAME}" / name).exists()
    page = (project / f"data/{NAME}/report/index.html").read_text()
    assert "The people found" in page
    assert "data:image" not in page
    run(environment, "stages.leaves", "hooks", "--dvc", cwd=project)
    said = run(environment, "dvc", "push", cwd=project, fails=True)
    assert "nothing was pushed" in said
    assert not (project / "store").exists()
    run(environment, "stages.leaves", "push", cwd=project)
    assert (project / "data/ours.txt").read_bytes() in [path.read_bytes() for path in stored(project)]
    assert arrived(project) == dict.fromkeys(known, 0)
    # So that this is a test of the check, and what is looked for is found.
    run(environment, "dvc", "push", cwd=project, checks="unchecked")
    found = arrived(project)
    assert all(found[kind] > 0 for kind in KINDS - {"image"}), found
    assert found["image"] == 0, "keyframes are pushed by nobody"


def stored(project: Path) -> list[Path]:
    return [path for path in (project / "store").rglob("*") if path.is_file()]
