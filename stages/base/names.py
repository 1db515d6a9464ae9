"""Names of data sets, methods, models, strategies, protocols and scenes: one rule, and how they reach a stage.

DVC puts a param into a command as it is, and a shell reads that. So no command in a `dvc.yaml` holds a param: what a
stage is asked for is under `meta: {arguments: [...]}`, which no shell sees, and a stage takes it from there.
`python -m stages.base.names` checks every name of every pipeline before DVC makes paths of them; `make` runs it first.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.base.errors import InputError, guard

RULE = "letters of a to z, digits and underscores"
_NAME = re.compile(r"[A-Za-z0-9_]+")

#: An argument is a name, a key of names, an option, or what dvc.yaml says without a param.
_ARGUMENT = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")

#: What a record names besides: its slots, inputs anywhere, which are a stage's deps and its arguments and nothing else.
SLOTS = {"clips", "truth", "published", "official", "keywords", "controls", "seeds", "targets"}
SLOTS |= {"file", "adapter", "weights", "captions", "texts", "teacher", "streams"}
#: How a method is called on the page; it is in no path and in no command. Where a study's params and its root are.
_FREE = {"title"}
_PLACES = {"here", "root"}
_SLOT = re.compile(r"\$\{item\.(\w+)\}")


def check_name(name: object, file: str | Path, key: object) -> None:
    """Check a name.

    Raises:
        InputError: it is none by the rule.
    """
    if not _NAME.fullmatch(str(name)):
        raise InputError(f"{name!r} is no name", file=file, key=key, do=f"take {RULE} only, as in `my_ward_2`")


def take_arguments() -> None:
    """Append to `sys.argv` what dvc.yaml has under `meta` for the stage that DVC runs; nothing for one run by hand.

    Raises:
        InputError: an argument is no name.
    """
    from stages.base.params import resolved_stage, running_stage

    running = running_stage()
    if running is None:
        return
    resolved = resolved_stage()
    spec = sys.modules["__main__"].__spec__
    started = ["python", "-m", spec.name.removesuffix(".__main__") if spec else "", *sys.argv[1:]]
    if resolved.get("cmd") != shlex.join(started):
        return  # started by a stage, and no stage itself
    given = arguments(resolved.get("meta"))
    for written, word in zip(_written(*running), given, strict=True):
        slot = _SLOT.fullmatch(written)
        if "${" in written and not (slot and slot[1] in SLOTS) and not _ARGUMENT.fullmatch(word):
            raise InputError(f"{word!r} is no name", file=running[0], key=running[1], do=f"take {RULE} only")
    sys.argv.extend(given)


def arguments(meta: object) -> list[str]:
    """Return the arguments in a stage's `meta`; none where it has none."""
    given = meta.get("arguments", []) if isinstance(meta, Mapping) else []
    return [str(word) for word in given]


def command(stage: Any) -> str:
    """Return what one would type to run one of DVC's stages by hand."""
    cmd = stage.cmd if isinstance(stage.cmd, str) else "\n".join(stage.cmd)
    return " ".join([cmd, *arguments(stage.meta)])


def _written(pipeline: Path, name: str) -> list[str]:
    """Return the arguments of a stage as its pipeline's file has them, params unfilled."""
    from stages.base.params import read_pipeline

    body = read_pipeline(pipeline)["stages"][name.partition("@")[0]]
    return arguments(body.get("do", body).get("meta"))


def check_pipeline(pipeline: Path) -> int:
    """Check every name that the cells of a pipeline are made of; return how many there are.

    Raises:
        InputError: one is none by the rule; or DVC cannot read the pipeline.
    """
    from dvc.exceptions import DvcException
    from dvc.parsing import ForeachDefinition, MatrixDefinition

    from stages.base.params import read_pipeline, resolver

    seen = set()
    try:
        parser = resolver(pipeline)
        for group, definition in parser.definitions.items():
            if isinstance(definition, MatrixDefinition | ForeachDefinition):
                listed = _plain(definition.resolved_iterable)
                keys = listed if isinstance(listed, Mapping) and isinstance(definition, ForeachDefinition) else ()
                for key, value in [*(("key", key) for key in keys), *_values("item", listed)]:
                    if key == "key" or key not in SLOTS | _FREE:
                        seen.add(str(value))
                        check_name(value, pipeline, f"{group}: {key}")
        for key in sorted(set(re.findall(r"\$\{(\w+)\}", str(read_pipeline(pipeline)))) - {"item", "key"} - _PLACES):
            value = _plain(parser.context.select(key))
            if isinstance(value, str):
                seen.add(value)
                check_name(value, pipeline, key)
    except DvcException as error:
        raise InputError(f"DVC cannot read it: {error}", file=pipeline, do="correct it") from None
    return len(seen)


def _plain(node: Any) -> Any:
    """Return what DVC's parser has wrapped to know where it came from."""
    from dvc.parsing.context import Node

    if isinstance(node, Node):
        node = node.value
    if isinstance(node, Mapping):
        return {_plain(key): _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list | tuple) else node


def _values(key: str, node: Any) -> Iterator[tuple[str, Any]]:
    """Yield key and value of each text or number within."""
    if isinstance(node, Mapping):
        for inner, value in node.items():
            yield from _values(str(inner), value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(key, value)
    elif node is not None:
        yield key, node


def main() -> None:
    """Check all pipelines of the project."""
    from stages.base.params import pipelines

    found = [check_pipeline(pipeline) for pipeline in pipelines()]
    print(f"names: {sum(found)} names in {len(found)} pipelines")


if __name__ == "__main__":
    guard(main)
