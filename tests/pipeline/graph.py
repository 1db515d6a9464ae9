"""Every stage of `dvc.yaml` and its copies, resolved, as the tests of the graph look at them."""

from __future__ import annotations

import importlib
import shlex
import string
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from dvc.utils.serialize import load_yaml
from pydantic import TypeAdapter

from stages.base import names, params
from tools import graph

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = graph.pipelines()
closure = graph.closure


@dataclass(frozen=True)
class Stage:
    """A stage definition; `cells` holds, of each of its cells, what its templates are filled with."""

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
        """Fill a string's templates."""
        for key, value in cell.items():
            text = text.replace(f"${{{key}}}", value)
        assert "${" not in text, f"{self.name}: nothing fills {text}"
        return text

    def params(self, cell: dict[str, str]) -> dict[str, Any]:
        """Return the value of each param that a cell lists, by its place among all params.

        Its count of errors is none that its room reads: see `stages/methods/errors.py`.
        """
        found = {}
        for entry in self.body.get("params", []):
            for file, keys in entry.items():
                path = self.filled(file, cell)
                if path.endswith("/errors.json"):
                    continue
                content = load_yaml(str(ROOT / path))
                for key in [self.filled(key, cell) for key in keys] if keys else [None]:
                    found[params.place(path, key)] = content if key is None else lookup(content, key)
        return found


def stages() -> list[Stage]:
    """Return all stages of all pipelines."""
    return [
        Stage(pipeline, name, body["do"], cells_of(body, params_of(pipeline)))
        for pipeline in PIPELINES
        if pipeline.exists()
        for name, body in yaml.safe_load(pipeline.read_text())["stages"].items()
    ]


def params_of(pipeline: Path) -> dict[str, Any]:
    """Return the params file beside a pipeline."""
    return dict(load_yaml(str(pipeline.with_name("params.yaml"))))


def cells_of(body: dict[str, Any], values: dict[str, Any]) -> tuple[dict[str, str], ...]:
    """Return, of each cell of a `foreach`, what fills its templates: `${item}` of a list, `${item.x}` of a map."""
    items = lookup(values, body["foreach"].removeprefix("${").removesuffix("}"))
    places = {key: values[key] for key in ("here", "root")}
    if isinstance(items, list):
        return tuple({"item": str(item)} | places for item in items)
    return tuple(
        {"key": str(key)} | {f"item.{name}": str(value) for name, value in record.items()} | places
        for key, record in items.items()
    )


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


def block(folder: str, name: str) -> dict[str, Any]:
    """Return a file below `params`."""
    return dict(load_yaml(str(ROOT / "params" / folder / f"{name}.yaml")))


def check_params(stage: Stage, cell: dict[str, str]) -> None:
    """Check that a cell lists what its room reads under the cell's arguments, no less and no more, and that it fits."""
    have = stage.params(cell)
    words = stage.filled(stage.words, cell).split()
    slots = {key.removeprefix("item."): word for key, word in cell.items()}
    read = {_filled(key, set(have), words, slots): kind for key, kind in declared(stage.room).items()}
    assert set(read) == set(have), f"{stage.name} of {cell}"
    for key, kind in read.items():
        TypeAdapter(kind).validate_python(have[key])


def _filled(key: str, have: set[str], words: list[str], slots: dict[str, str]) -> str:
    """Return the listed key that a declared one becomes when its braces are filled with words of the command.

    A brace that is called as a slot of the record takes that slot's word: a cell may have several models.
    """
    names = [name for _, name, _, _ in string.Formatter().parse(key) if name]
    if set(names) <= set(slots) and key.format(**slots) in have:
        return key.format(**slots)
    candidates = {key.format(**dict(zip(names, chosen, strict=True))) for chosen in product(words, repeat=len(names))}
    found = candidates & have
    assert len(found) == 1, f"{key}: the stage lists {sorted(found) or 'none of it'}"
    return found.pop()
