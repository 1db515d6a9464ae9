"""Keyword lists in files: curated YAML, the literal in a published notebook, and the class list itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.base.tables import read_json
from stages.keywords.checks import Lists, checked
from stages.labels.classes import ClassList


def from_yaml(path: Path, version: int) -> Lists:
    """Return the lists of a YAML file with `version` and `classes`.

    Raises:
        InputError: the file is missing, is no YAML, has another version, or its lists are not usable.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, do=fetch(path))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not YAML: {error}", file=path, do="correct it") from None
    if not isinstance(content, dict) or set(content) != {"version", "classes"}:
        raise InputError("expected the keys version and classes", file=path, do="write both, and nothing else")
    if content["version"] != version:
        raise InputError(
            f"the file is version {content['version']!r}, the params ask for {version}",
            file=path,
            key="version",
            do="set `keywords.version` to what you mean, or fetch the file that has it",
        )
    return checked(content["classes"], path)


def from_notebook(path: Path, variable: str) -> Lists:
    """Return the lists that stand as a Python literal, assigned to `variable`, in a notebook's code cell.

    The notebook is read as data: nothing in it is run. Of several such assignments the last counts, as it would in a
    run from top to bottom.

    Raises:
        InputError: the file is missing or no notebook, has no such assignment, what is assigned is no literal, or its
            lists are not usable.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, do=fetch(path))
    content = read_json(path)
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        raise InputError("no Jupyter notebook: it has no cells", file=path, do=fetch(path))
    value: ast.expr | None = None
    cell_of_value = 0
    for number, cell in enumerate(cells):
        assigned = _assigned(_code(cell), variable)
        if assigned is not None:
            value, cell_of_value = assigned, number
    if value is None:
        raise InputError(
            f"no code cell assigns {variable}",
            file=path,
            do="correct `keywords.variable` in the data set's file of params/datasets",
        )
    try:
        lists = ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise InputError(
            f"what is assigned to {variable} is no literal, and a notebook is never run",
            file=path,
            row=f"{value.lineno} of cell {cell_of_value}",
            do="choose a variable that holds a literal, or write the lists to a YAML file",
        ) from None
    if isinstance(value, ast.Dict) and len(value.keys) != len(lists):
        raise InputError(f"{variable} names a class twice", file=path, do="keep one list of each class")
    return checked(lists, path)


def from_labels(listed: ClassList) -> Lists:
    """Return of each class its words, its verb and its noun; of `turn-on` as "turn on", of `board:chopping` as both."""
    said = {one.name: [one.words, *(word for word in (one.verb, one.noun) if word)] for one in listed.classes}
    return {
        name: list(dict.fromkeys(" ".join(re.sub(r"[\W_]+", " ", word).lower().split()) for word in words))
        for name, words in said.items()
    }


def _code(cell: Any) -> str:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return ""
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def _assigned(code: str, variable: str) -> ast.expr | None:
    """Return what the code assigns to a variable at its top level, last; None where it does not or is no Python."""
    if variable not in code:
        return None
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # A cell with shell or magic commands, say.
    found = None
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == variable for target in targets):
            found = statement.value
    return found
