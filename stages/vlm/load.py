"""Make a back end from its block of params.yaml and from compute.yaml."""

from __future__ import annotations

from pathlib import Path

from stages.base.params import compute
from stages.vlm.api import Api
from stages.vlm.base import Backend
from stages.vlm.clustered import Clustered, ClusteredVllm
from stages.vlm.local import Local
from stages.vlm.params import VlmParams
from stages.vlm.recorded import Recorded
from stages.vlm.vllm import Vllm


def load(params: VlmParams, name: str) -> Backend:
    """Return the back end of a block `vlm.<name>`; nothing is loaded or asked before the first question.

    Raises:
        InputError: an API model without its key or without an address.
    """
    if params.backend == "recorded":
        return Recorded(Path(params.file))
    where = compute()
    if params.backend == "api":
        return Api(
            params,
            where.endpoints.get(name),
            where.concurrency,
            seconds=where.reply_seconds,
            wait_seconds=where.wait_seconds,
        )
    if params.backend == "vllm":
        return (ClusteredVllm if on_cluster(params) else Vllm)(params, where.batch)
    return (Clustered if on_cluster(params) else Local)(params, where.device, where.batch, where.threads)


def on_cluster(params: VlmParams) -> bool:
    """Return whether the workers of a Ray cluster hold the model of a block, and open what it is shown."""
    # A model that is spread over the GPUs of one machine stays there.
    alone = (params.backend == "vllm" and params.cards == 1) or (params.backend == "local" and not params.device_map)
    return alone and compute().engine == "ray"
