"""Find and load a transformers checkpoint, by hub name or path, with errors that say what to do."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.weights.unchanged import pinned

_SEE = "add its processor_config.json (or preprocessor_config.json), or take a model that sees images"

_CODE = (
    "serve it with an engine that has a class for it (backend: api), or, once you have read its code, say why it may"
    ' run with remote_code: "<reason>" in the model\'s block'
)
_PICKLE = "name a revision that has safetensors (the hub converts many models: refs/pr/...), or convert it elsewhere"

#: What transformers reads from a folder of a model; a model card or a log beside it does not shape an answer.
_READ = {".json", ".safetensors", ".bin", ".jinja", ".txt", ".model", ".tiktoken"}


@cache
def revision_of(name: str, revision: str | None) -> str:
    """Return what identifies the weights: the hub's commit, or a hash of the folder's files.

    Raises:
        InputError: there is no such folder, or a hub model without its commit.
    """
    if is_folder(name):
        if revision is not None:
            raise InputError("a path has no revision", file=name, do="set revision: null; its files are hashed")
        return folder_hash(Path(name))
    return pinned(name, revision)


def is_folder(name: str) -> bool:
    """Return whether `name` is a local model; a hub name is `owner/model`.

    Raises:
        InputError: it can only be a path, and there is no such folder or it holds no model.
    """
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise InputError("no model: it has no config.json", file=folder, do="give a folder of `save_pretrained`")
        return True
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError("no such folder", file=name, do="run the stage that makes the model, or correct `name`")
    return False


def folder_hash(folder: Path) -> str:
    """Return the hash of names and bytes of the files in `folder` that transformers reads."""
    return files_hash(folder, (path for path in folder.rglob("*") if path.suffix in _READ and path.is_file()))


def files_hash(folder: Path, paths: Iterable[Path]) -> str:
    """Return the hash of names and bytes of files below `folder`."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
        digest.update(f"{path.relative_to(folder).as_posix()} {content.hexdigest()}\n".encode())
    return digest.hexdigest()


def load_config(name: str, revision: str | None, remote_code: bool = False) -> Any:
    """Return the model's config; code that the model brings runs only with `remote_code`.

    Raises:
        InputError: no such model, or its architecture is not one of transformers' own.
    """
    import transformers

    with explained(name):
        return transformers.AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=remote_code)


def load_processor(name: str, revision: str | None, vision: bool, remote_code: bool = False) -> Any:
    """Return the model's processor (its tokenizer where it is a text model); `remote_code` as for the config.

    Raises:
        InputError: it has none, no image processor, no chat template, or a package is missing.
    """
    import transformers

    with explained(name):
        kind = transformers.AutoProcessor if vision else transformers.AutoTokenizer
        processor = kind.from_pretrained(name, revision=revision, trust_remote_code=remote_code)
    if vision and getattr(processor, "image_processor", None) is None:
        raise InputError(
            "the model has no image processor",
            file=name,
            do=_SEE,
        )
    if getattr(processor, "chat_template", None) is None:
        raise InputError(
            "the model has no chat template",
            file=name,
            do="take the instruction-tuned model, or put a chat_template.jinja into its folder",
        )
    return processor


def is_vision(config: Any) -> bool:
    """Return whether a config is that of a model from images and text to text (else it is a text model)."""
    from transformers.models.auto import modeling_auto

    return type(config) in modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING


def load_model(name: str, revision: str | None, config: Any, params: Any, device: str) -> Any:
    """Return the model on `device`, ready to generate; `params` is a `LocalParams`.

    Raises:
        InputError: the weights do not load, or quantisation is asked for and not installed.
    """
    import torch
    import transformers

    transformers_logging: Any = transformers.utils.logging
    given: dict[str, Any] = {
        "dtype": getattr(torch, params.dtype),
        "attn_implementation": params.attention,
        "trust_remote_code": params.remote_code is not None,
        "use_safetensors": True,  # a pickle is not even read
    }
    if params.quantisation:
        given |= {"quantization_config": _quantised(params, name), "device_map": device}
    if params.device_map:
        given["device_map"] = params.device_map
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()  # a log wants no bars
    kind = transformers.AutoModelForImageTextToText if is_vision(config) else transformers.AutoModelForCausalLM
    with explained(name):
        model: Any = kind.from_pretrained(name, revision=revision, **given)
    if "device_map" not in given:
        model = model.to(device)
    # Sampling is ours (decoding.py); transformers warns of sampling flags that greedy decoding leaves unused.
    for flag in ("temperature", "top_p", "top_k", "min_p", "typical_p"):
        if getattr(model.generation_config, flag, None) is not None:
            setattr(model.generation_config, flag, None)
    model.generation_config.do_sample = False
    return model.eval()


def _quantised(params: Any, name: str) -> Any:
    import torch
    import transformers

    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(
            f"quantisation {params.quantisation} needs bitsandbytes, which is not installed",
            file=name,
            do="pip install bitsandbytes, or set quantisation: null",
        )
    kind: Any = transformers.BitsAndBytesConfig
    if params.quantisation == "int8":
        return kind(load_in_8bit=True)
    return kind(load_in_4bit=True, bnb_4bit_compute_dtype=getattr(torch, params.dtype))


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what transformers raises at a model that is not there or not whole into an InputError."""
    try:
        yield
    except ImportError as error:
        raise InputError(f"the model needs a package: {_first(error)}", file=name, do="install it") from None
    except (OSError, ValueError, KeyError) as error:
        text = str(error)
        if "couldn't connect" in text or "offline" in text.lower():
            do = "check the name; with a network, download the model once (`hf download`), or give a folder's path"
            raise InputError("not in the cache, and the hub cannot be reached", file=name, do=do) from None
        if "image processor" in text:
            raise InputError("the model has no image processor", file=name, do=_SEE) from None
        if "gated" in text:
            do = "ask for access on the model's page and log in (`hf auth login`)"
        elif "trust_remote_code" in text or "custom code" in text:
            why = "the model brings code of its own, and none of it runs here"
            raise InputError(why, file=name, key="remote_code", do=_CODE) from None
        elif "model type" in text:
            do = "transformers has no class for it: serve it with an engine that has one and use backend: api"
        elif "safetensors" in text:
            why = "its weights are no safetensors, and a pickle is not read: it can run code"
            raise InputError(why, file=name, do=_PICKLE) from None
        else:
            do = "correct `name` (a hub name, or a folder of `save_pretrained`) and `revision`"
        raise InputError(f"the model does not load: {_first(error)}", file=name, do=do) from None


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
