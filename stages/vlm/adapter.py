"""Load an adapter in peft's format into a model, and refuse one that was made for another.

An adapter names its base in `adapter_config.json`: `base_model_name_or_path`, and in `revision` the hub's commit, or
the hash of the files where the base is a folder (which may lie elsewhere than it did).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.vlm.checkpoint import files_hash, is_folder
from stages.weights.unchanged import check_folder, check_hub, pinned

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@cache
def adapter_folder(adapter: str) -> Path:
    """Return the folder of an adapter's files; one from a hub is looked for in the cache, then downloaded.

    Raises:
        InputError: there is no such adapter, or it is a hub name without a commit.
    """
    folder = Path(adapter)
    if not folder.is_dir():
        if adapter.startswith((".", "/", "~")) or adapter.count("/") != 1:
            raise InputError("no such folder", file=adapter, do="run the stage that makes it, or correct `adapter`")
        folder = _downloaded(*adapter.partition("@")[::2])
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(f"no adapter: it has no {name}", file=folder, do="give a folder that peft saved")
    return folder


def _downloaded(name: str, commit: str) -> Path:
    import huggingface_hub

    pinned(name, commit or None, "adapter")
    try:
        return Path(huggingface_hub.snapshot_download(name, revision=commit, allow_patterns=[CONFIG, WEIGHTS]))
    except (OSError, ValueError) as error:
        do = "check name and commit; with a network, download it once (`hf download`), or give a folder's path"
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"the adapter cannot be fetched: {reason}", file=name, do=do) from None


def adapter_revision(adapter: str) -> str:
    """Return what identifies an adapter's weights: its commit on the hub, or the hash of its files.

    Raises:
        InputError: there is no such adapter.
    """
    _, _, commit = adapter.partition("@")
    folder = adapter_folder(adapter)
    return commit if commit and not Path(adapter).is_dir() else files_hash(folder, [folder / CONFIG, folder / WEIGHTS])


def attach(model: Any, adapter: str, base: str, revision: str, device: str) -> Any:
    """Return the model with the adapter's layers in it, not merged: what it answers is what the adapter was trained on.

    Args:
        model: the base model, which is changed in place.
        adapter: folder, or hub name as owner/adapter@commit.
        base: the base model's name or path.
        revision: the base model's, as `checkpoint.revision_of` has it.
        device: where the adapter's weights go.

    Raises:
        InputError: the adapter was made for another base model or another revision of it, or does not fit it, or
            parts of the model wait in memory or on a disk.
    """
    import peft
    from safetensors import safe_open

    folder = adapter_folder(adapter)
    if any(weight.is_meta for weight in model.parameters()):
        raise InputError(
            "an adapter goes on no model of which parts wait in memory or on a disk",
            file=folder,
            key="device_map",
            do="take cards that hold all of the model, or quantisation",
        )
    check_folder(folder) if Path(adapter).is_dir() else check_hub(*adapter.partition("@")[::2])
    check_base(folder, base, revision)
    try:
        adapted: Any = peft.PeftModel.from_pretrained(model, str(folder), torch_device=device)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise _does_not_fit(folder, str(error).strip().splitlines()[0]) from None
    with safe_open(folder / WEIGHTS, "pt") as file:
        stored = set(file.keys())
    wanted = set(peft.get_peft_model_state_dict(adapted, save_embedding_layers=False))
    if stored != wanted:
        raise _does_not_fit(folder, f"{min(stored ^ wanted)} is in one of the two only")
    return adapted.get_base_model().eval()


def _does_not_fit(folder: Path, why: str) -> InputError:
    do = "train it again, or name the adapter that belongs to this model"
    return InputError(f"the adapter does not fit the model: {why}", file=folder, do=do)


def check_base(folder: Path, base: str, revision: str) -> None:
    """Check that an adapter was made for a base model.

    Raises:
        InputError: it was made for another one, or for another revision of it.
    """
    config = json.loads((folder / CONFIG).read_text())
    made_for, at = config.get("base_model_name_or_path"), config.get("revision")
    same_name = made_for == base or (at is not None and is_folder(base))  # a folder may lie elsewhere than it did
    if same_name and at in (revision, None):
        return
    raise InputError(
        f"the adapter was made for {made_for} at {at}, and the model is {base} at {revision}",
        file=folder / CONFIG,
        key="base_model_name_or_path" if not same_name else "revision",
        do="train the adapter again on this model (`dvc repro`), or name the model that it was made for",
    )
