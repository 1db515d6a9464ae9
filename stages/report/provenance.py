"""Where the numbers come from: the graph's stages with the hashes and params that `dvc.lock` records.

No commit, date or host stands here: with them no page could be made twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from stages.base.names import command
from stages.base.params import place, running_stage
from stages.report.inputs import Inputs


def made_by(inputs: Inputs) -> list[dict[str, Any]]:
    """Return the stages that made this run's tables, in the order of the data's flow; empty outside a DVC repository.

    Each has its name, command, `code`, `data` and `outs` (path, hash), and `params`. A paper builds on the default
    graph and on no other paper, so two pipelines are read at most: all of them take DVC a second more.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.repo.index import Index

    try:
        repo = Repo()
    except NotDvcRepoError:
        return []
    running = running_stage()
    pipelines = {Path("dvc.yaml"), *([running[0]] if running else [])}
    read = (Index.from_file(repo, str(path)).stages for path in sorted(pipelines) if path.exists())
    stages = described(repo, chain.from_iterable(read))
    roots = [inputs.run.data.as_posix(), inputs.run.metrics.as_posix()]
    report = (inputs.run.data / "report").as_posix()
    wanted = [name for name, stage in stages.items() if any(_within(out["path"], roots) for out in stage["outs"])]
    wanted = [name for name in wanted if not any(_within(out["path"], [report]) for out in stages[name]["outs"])]
    return _upstream(stages, wanted)


def recorded(repo: Any) -> dict[str, dict[str, Any]]:
    """Return name -> what `dvc.lock` records of each stage of a repository, at the revision that it is switched to."""
    return described(repo, repo.index.stages)


def described(repo: Any, stages: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Return name -> what `dvc.lock` records of each of a repository's stages that has a command."""
    return {_name(stage, repo.root_dir): _described(stage, repo.root_dir) for stage in stages if stage.cmd}


def _name(stage: Any, root: str) -> str:
    # DVC's own addressing is relative to the working folder, which differs between revisions.
    folder = Path(os.path.relpath(stage.path, root)).parent.as_posix()
    return str(stage.name) if folder == "." else f"{folder}:{stage.name}"


def _described(stage: Any, root: str) -> dict[str, Any]:
    deps: list[dict[str, str]] = []
    params: dict[str, Any] = {}
    for dep in stage.deps:
        value = dep.hash_info.value if dep.hash_info else None
        if isinstance(value, dict):
            params.update({place(_relative(dep, root), key): one for key, one in value.items()})
        else:
            deps.append({"path": _relative(dep, root), "hash": value or ""})
    return {
        "name": _name(stage, root),
        "cmd": command(stage),
        "code": [dep for dep in deps if dep["path"].startswith("stages/")],
        "data": [dep for dep in deps if not dep["path"].startswith("stages/")],
        "params": params,
        "outs": [
            {"path": _relative(out, root), "hash": (out.hash_info.value or "") if out.hash_info else ""}
            for out in stage.outs
        ],
    }


def _relative(item: Any, root: str) -> str:
    return Path(os.path.relpath(item.fs_path, root)).as_posix()


def _within(path: str, roots: list[str]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def _upstream(stages: dict[str, dict[str, Any]], wanted: list[str]) -> list[dict[str, Any]]:
    """Return the wanted stages and all that they build on, makers before users."""
    # Sorted: DVC promises no order of its stages, and a page must be the same made twice.
    makers = sorted((out["path"], name) for name, stage in stages.items() for out in stage["outs"])
    done: dict[str, dict[str, Any]] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for dep in stages[name]["data"]:
            for path, maker in makers:
                if maker != name and (_within(path, [dep["path"]]) or _within(dep["path"], [path])):
                    visit(maker)
        done[name] = stages[name]

    for name in sorted(wanted):
        visit(name)
    return list(done.values())


def of_methods(inputs: Inputs) -> list[dict[str, Any]]:
    """Return for each method what its predictions say: revisions, prompts, answers, repeats, tokens."""
    rows = []
    for method, frame in inputs.predictions.items():
        rows.append(
            {
                "method": method,
                "revisions": _distinct(frame, "revision"),
                "prompts": _distinct(frame, "prompt_hash"),
                "answers": len(frame),
                "repeats": frame.filter(frame["metric"].is_null())["repeat"].n_unique(),
                "tokens_in": frame["tokens_in"].sum() or None,
                "tokens_out": frame["tokens_out"].sum() or None,
                "tokens_thinking": frame["tokens_thinking"].sum() or None,
                "cut": cut_share(frame),
            }
        )
    return rows


def cut_share(frame: pl.DataFrame) -> float | None:
    """Return the share of answers that were cut at the longest answer allowed; null where no answer says how it ended.

    Of a row of several answers, one that was cut is enough.
    """
    ended = frame["ended"].drop_nulls()
    return int((ended == "length").sum()) / len(ended) if len(ended) else None


def of_references(inputs: Inputs) -> dict[str, Any]:
    """Return the models, revisions and prompts that made the reference captions, and the share that was cut."""
    if inputs.captions is None:
        return {}
    names = {"models": "model", "revisions": "revision", "prompts": "prompt_hash"}
    found: dict[str, Any] = {title: _distinct(inputs.captions, column) for title, column in names.items()}
    return found | {
        "cut": cut_share(inputs.captions),
        "tokens_thinking": inputs.captions["tokens_thinking"].sum() or None,
    }


def _distinct(frame: Any, column: str) -> list[str]:
    return sorted({str(value) for value in frame[column].to_list() if value is not None})


def constants(inputs: Inputs) -> list[dict[str, str]]:
    """Return what each null model says that answers every clip the same, by the metric that it was chosen for."""
    rows = []
    for method in inputs.nulls:
        frame = inputs.predictions[method]
        if frame["metric"].is_null().all():
            continue
        for (metric,), of_metric in frame.group_by("metric", maintain_order=True):
            first = of_metric.row(0, named=True)
            rows.append(
                {
                    "method": method,
                    "metric": str(metric or "similarity, and all others"),
                    "text": str(first["text"]),
                    "detail": str(first["detail"]),
                }
            )
    return rows
