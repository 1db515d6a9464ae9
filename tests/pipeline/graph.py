"""Every stage of every `dvc.yaml`, resolved, as the tests of the graph look at them."""

from __future__ import annotations

import importlib
import itertools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.base import names, params
from tools import graph

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = graph.pipelines()
closure = graph.closure


@dataclass(frozen=True)
class Stage:
    """A stage definition; `cells` holds the coordinates of each of its cells (one empty cell without a matrix)."""

    pipeline: Path
    name: str
    body: dict[str, Any]
    cells: tuple[dict[str, str], ...]

    @property
    def words(self) -> str:
        """What one would type to run it, params unfilled."""
        return " ".join([self.body["cmd"], *names.arguments(self.body.get("meta"))])

    @property
    def room(self) -> str:
        """The room that the command runs."""
        words = shlex.split(self.body["cmd"].replace("\n", " "))
        return words[words.index("-m") + 1].removeprefix("stages.")

    def filled(self, text: str, cell: dict[str, str]) -> str:
        """Fill a string's templates: `${item.x}` of a matrix, `${key}` of a foreach, names of single params."""
        single = {key: value for key, value in params_of(self.pipeline).items() if isinstance(value, str)}
        for key, value in {**single, **cell}.items():
            text = text.replace(f"${{item.{key}}}", value).replace(f"${{{key}}}", value)
        return text


def stages() -> list[Stage]:
    """Return all stages of all pipelines."""
    found = []
    for pipeline in PIPELINES:
        if not pipeline.exists():
            continue
        values = params_of(pipeline)
        for name, body in yaml.safe_load(pipeline.read_text()).get("stages", {}).items():
            if "foreach" in body:
                items = lookup(values, body["foreach"].removeprefix("${").removesuffix("}"))
                cells = ({"key": str(key)} | _item(items, key) for key in items)
                found.append(Stage(pipeline, name, body["do"], tuple(cells)))
            else:
                found.append(Stage(pipeline, name, body, _cells(body, values)))
    return found


def params_of(pipeline: Path) -> dict[str, Any]:
    """Return the params file beside a pipeline."""
    return yaml.safe_load((pipeline.parent / "params.yaml").read_text()) or {}


def _item(items: Any, key: Any) -> dict[str, str]:
    return items[key] if isinstance(items, dict) and isinstance(items[key], dict) else {}


def _cells(body: dict[str, Any], values: dict[str, Any]) -> tuple[dict[str, str], ...]:
    axes = {}
    for key, listed in body.get("matrix", {}).items():
        if isinstance(listed, str):
            listed = lookup(values, listed.removeprefix("${").removesuffix("}"))
        axes[key] = [str(value) for value in listed]
    return tuple(dict(zip(axes, cell, strict=True)) for cell in itertools.product(*axes.values()))


def keys_of(entry: dict[str, Any]) -> list[str]:
    """Return the keys of a params file that a stage lists; of a file that is one block, where the block is."""
    ((file, keys),) = entry.items()
    return keys or [f"{params.BLOCKS[str(Path(file).parent)]}.{Path(file).stem}"]


def lookup(values: Any, dotted: str) -> Any:
    """Return the value under a dotted key."""
    for part in dotted.split("."):
        values = values[part]
    return values


def declared(room: str) -> dict[str, Any]:
    """Return the params that a room declares."""
    params = importlib.import_module(f"stages.{room}.params")
    declared: dict[str, Any] = params.PARAMS
    return declared
