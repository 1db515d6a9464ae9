"""What is known of a model before its weights are here: `python -m stages.vlm.check params/models/*.yaml`.

Says of each file whether its commit is named, whether transformers has its classes, whether its chat template takes the
messages that are sent (where its processor is in the hub's cache, or the model a folder), and what memory it takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from stages.base.errors import InputError, guard
from stages.vlm.checkpoint import is_folder, is_vision, load_config, load_processor
from stages.vlm.params import LocalParams, MaybeVlmParams, VllmModelParams
from stages.weights.unchanged import FILL_IN

_GIB = 1 << 30


class Memory(NamedTuple):
    """What a model takes: weights in all, and its cache of keys and values a token."""

    parameters: int
    weights: float
    """GiB."""
    cache: float
    """KiB a token, for one request."""


def read_block(path: Path) -> Any:
    """Return the block in a file of `params/models`.

    Raises:
        InputError: there is no such file, or it is no such block.
    """
    try:
        return TypeAdapter(MaybeVlmParams).validate_python(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in Path("params/models").glob("*.yaml")))
        raise InputError("no such file", file=path, do=f"name one of params/models: {known}") from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML: {error}", file=path, do="mend it") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][1:])
        raise InputError(f"{first['msg']}, got {first['input']!r}", file=path, key=key, do="correct it") from None


def config_of(params: LocalParams, path: Path) -> tuple[Any, str]:
    """Return the model's config and where it is from: the model itself, or the sizes that its file states.

    Raises:
        InputError: neither is there, or transformers has no such architecture.
    """
    import transformers

    folder = is_folder(params.name)
    if folder or params.revision not in (None, FILL_IN):
        try:
            return load_config(params.name, params.revision, params.remote_code is not None), "the model's config.json"
        except InputError:
            if folder or not (params.about and params.about.config):
                raise
    sizes = dict(params.about.config or {}) if params.about else {}
    if "model_type" not in sizes:
        raise InputError("neither the model nor its sizes are here", file=path, key="about.config", do="state them")
    try:
        kind: Any = transformers.AutoConfig
        return kind.for_model(sizes.pop("model_type"), **sizes), "the sizes in its file"
    except (ValueError, TypeError, KeyError) as error:
        why = f"transformers {transformers.__version__}: {str(error).splitlines()[0]}"
        raise InputError(why, file=path, key="about.config", do="correct it, or serve the model") from None


def classes_of(config: Any, own: str | None = None) -> tuple[str, str]:
    """Return the names of the model's class and of its processor's (its tokenizer's, of a text model).

    `own` is the processor that the model's folder names: it need not be the one that its architecture usually has.

    Raises:
        InputError: transformers has none.
    """
    import transformers
    from transformers.models.auto import modeling_auto, processing_auto

    kind = config.model_type
    names: Any = (
        modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
        if is_vision(config)
        else modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    )
    processors: Any = processing_auto
    model, processor = names.get(kind), processors.PROCESSOR_MAPPING_NAMES.get(kind)
    model = model[0] if isinstance(model, tuple) else model
    processor = own or (processor if is_vision(config) else "AutoTokenizer")
    if not (model and processor and hasattr(transformers, str(model)) and hasattr(transformers, str(processor))):
        raise InputError(f"transformers {transformers.__version__} has no class for {kind}", do="serve the model")
    return str(model), str(processor)


def memory(config: Any, dtype: str, quantisation: str | None) -> Memory:
    """Return what a model of this config takes; its weights are counted and not made."""
    import torch
    import transformers

    kind: Any = transformers.AutoModelForImageTextToText if is_vision(config) else transformers.AutoModelForCausalLM
    with torch.device("meta"):
        model = kind.from_config(config)
    count = sum(parameter.numel() for parameter in model.parameters())
    each = {"int8": 1.0, "int4": 0.5}.get(quantisation or "", 4.0 if dtype == "float32" else 2.0)
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    cache = 2 * text.num_hidden_layers * heads * width * (4 if dtype == "float32" else 2)
    return Memory(count, count * each / _GIB, cache / 1024)


def template(params: LocalParams, config: Any) -> str:
    """Return what comes of the messages that are sent: a line to print.

    Raises:
        InputError: the template does not take them.
    """
    import numpy as np

    from stages.vlm.base import Example, Media, Request
    from stages.vlm.chat import encode

    if not is_folder(params.name) and params.revision in (None, FILL_IN):
        return "template: skipped, no commit is named"
    try:
        processor = load_processor(params.name, params.revision, is_vision(config), params.remote_code is not None)
    except InputError as error:
        if "not in the cache" not in str(error):
            raise
        return "template: skipped, the model's processor is not in the cache"
    shown = None
    if is_vision(config):
        frame = np.zeros((128, 160, 3), np.uint8)
        shown = Media(params.media, [frame] * params.frames, 2.0 if params.media == "video" else None)
    request = Request("Is it so?", shown, system="Answer Yes or No.")
    plain = encode(processor, request, params.processor)["input_ids"].shape[1]
    shot = Request("Is it so?", shown, examples=(Example("Is it so?", shown, "Yes"),))
    few = encode(processor, shot, params.processor)["input_ids"].shape[1]
    return f"template: takes a system's turn, {params.media} and text ({plain} tokens), and an example ({few})"


def check(path: Path) -> list[str]:
    """Return what is known of a model, as lines.

    Raises:
        InputError: its file is wrong, transformers has no class for it, or its template does not take the messages.
    """
    params = read_block(path)
    about = getattr(params, "about", None)
    told = f"{params.backend}, {about.licence}{', gated' if about.gated else ''}" if about else params.backend
    name = getattr(params, "name", getattr(params, "file", "nobody"))
    lines = [f"{path}: {name} ({told})"]
    commit = f"commit: not named; look it up at https://huggingface.co/{name}/commits/main"
    if isinstance(params, VllmModelParams):  # it has classes that transformers lacks, and counts memory in its own way
        return lines + ([commit] if params.revision == FILL_IN else [])
    if not isinstance(params, LocalParams):
        return lines + ([f"served by: {about.serve}"] if about and about.serve else [])
    config, source = config_of(params, path)
    own = None
    if is_folder(params.name):
        processor = load_processor(params.name, None, is_vision(config), params.remote_code is not None)
        own = type(processor).__name__ if is_vision(config) else None
    lines.append(f"classes: {', '.join(classes_of(config, own))}")
    if params.revision == FILL_IN:
        lines.append(commit)
    lines.append(template(params, config))
    found = memory(config, params.dtype, params.quantisation)
    kind = params.quantisation or params.dtype
    weights = f"{found.parameters / 1e9:.2f} billion weights, {found.weights:.1f} GiB in {kind}"
    lines.append(f"memory, from {source}: {weights}; {found.cache:.0f} KiB of cache a token")
    return lines


def main() -> None:
    """Print what is known of the models whose files the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="+", type=Path, help="a file of params/models")
    for path in parser.parse_args().file:
        print("\n  ".join(check(path)), flush=True)


if __name__ == "__main__":
    guard(main)
