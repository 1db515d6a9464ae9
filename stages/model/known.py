"""A model's identity: the commit or the bytes behind its name, and what else whoever asks it has to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.encoders.params import EncoderParams
from stages.vlm.checkpoint import load_config, revision_of
from stages.vlm.load import load
from stages.vlm.params import RecordedParams, VlmParams
from stages.vlm.recorded import read_generations


def known(name: str, params: VlmParams | EncoderParams) -> dict[str, Any]:
    """Return what is known of a model: back end, name, revision, licence, whether it is gated, and what its kind adds.

    A model with weights adds its architecture and context length in tokens (its config is read, no weights are), a
    published file its texts.

    Raises:
        InputError: it cannot be had: no such file, a hub name without its commit, or one that the hub does not give, a
            server without an address or a key.
    """
    # First: it says how to pull what is missing, and nothing is asked for it.
    if isinstance(params, EncoderParams):
        revision = revision_of(params.name, params.revision)
    else:
        revision = load(params, name).revision
    if isinstance(params, RecordedParams):
        read = read_generations(Path(params.file))
        return {
            "backend": params.backend,
            "name": params.file,
            "revision": revision,
            "texts": len(read.texts),
            "problems": len(read.problems),
        }
    about = params.about
    found: dict[str, Any] = {"backend": params.backend, "name": params.name, "revision": revision}
    found |= {"licence": about.licence if about else None, "gated": about.gated if about else None}
    if params.backend == "api":
        return found | {"engine": params.engine}
    try:
        code = not isinstance(params, EncoderParams) and params.remote_code is not None
        config = load_config(params.name, params.revision, code)
    except InputError as error:
        if about and about.gated:
            why = str(error).partition("\n")[0]  # what to do is another thing here
            do = "it is gated: ask for access on its page, log in (`hf auth login`), then run `dvc repro` again"
            raise InputError(why, file=f"params/models/{name}.yaml", key="name", do=do) from None
        raise
    text = config.get_text_config()
    context = getattr(text, "max_position_embeddings", None)
    return found | {"architecture": config.model_type, "context": context}
