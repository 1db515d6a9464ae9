"""The vllm back end: a model of this machine that vLLM holds in this process, and batches as it sees fit.

A question's neighbours may change the last digits of its logits, and so a word: unless `batch_invariant` is set, and
vLLM can do it here, another run may answer otherwise. The journal keeps the first answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.base.errors import InputError
from stages.base.unicode import well_formed
from stages.vlm.base import Answer, Request
from stages.vlm.checkpoint import is_folder, revision_of
from stages.vlm.constraint import pattern
from stages.vlm.local import LIBRARIES, library
from stages.vlm.messages import held, messages
from stages.vlm.options import shares, ways
from stages.vlm.thinking import Reader
from stages.weights.unchanged import check_folder, check_hub

if TYPE_CHECKING:
    from stages.vlm.params import VllmModelParams

#: Raise it when a change here or in messages, constraint, options or thinking changes an answer: the journal's are
#: stale.
VERSION = 1

#: Batches of questions that vLLM is given at once: it fills a batch again as answers end.
AHEAD = 4

#: So many tokens of the first place have their log-probabilities, at most: vLLM's own limit.
_WEIGHED = 128


class Vllm:
    """Answers with a model by hub name or path; vLLM and the weights load at the first question."""

    def __init__(self, params: VllmModelParams, batch: int = 32) -> None:
        self.params, self.batch = params, batch
        self._firsts = cache(self._option_firsts)

    @cached_property
    def revision(self) -> str:
        """The hub's commit, or the hash of the folder's files."""
        return revision_of(self.params.name, self.params.revision)

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn, or a question's neighbours may change its answer."""
        return self.params.temperature > 0 or not self.params.batch_invariant

    def shape(self) -> dict[str, Any]:
        """Return all that shapes an answer; a folder is named by its files' hash, wherever it lies."""
        return self._shape

    @cached_property
    def _shape(self) -> dict[str, Any]:
        shaping = ("processor", "dtype", "quantisation", "max_new_tokens", "temperature", "thinking")
        return {
            "backend": "vllm",
            "version": VERSION,
            "name": None if is_folder(self.params.name) else self.params.name,
            "revision": self.revision,
            **({"remote_code": True} if self.params.remote_code else {}),
            **{name: getattr(self.params, name) for name in (*shaping, "batch_invariant", "arguments")},
            "seed": self.params.seed if self.params.temperature > 0 else None,
            "libraries": {name: library(name) for name in ("vllm", *LIBRARIES)},
        }

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in any order; one that vLLM refuses has an error.

        Raises:
            InputError: vLLM is not installed, cannot hold the model, or breaks down.
        """
        size = AHEAD * self.batch
        for start in range(0, len(requests), size):
            refused = [(request, self._take(request)) for request in requests[start : start + size]]
            taken = [request for request, answer in refused if answer is None]
            yield from zip(taken, map(self._answer, taken, self._wait()), strict=True)
            yield from ((request, answer) for request, answer in refused if answer is not None)

    def _take(self, request: Request) -> Answer | None:
        """Give a request to vLLM; return the error answer of one that it refuses."""
        turns, sampling = messages(request, held), self._sampling(request)
        try:
            self._llm.enqueue_chat([turns], [sampling], use_tqdm=False)
        except Exception as error:  # of many kinds: its own, and those of the model's template and processor
            return Answer("", "error", f"vLLM refuses the request: {_told(error)}")
        return None

    def _wait(self) -> list[Any]:
        """Return what vLLM makes of the requests that it has, in their order."""
        try:
            outputs: list[Any] = self._llm.wait_for_completion(use_tqdm=False)
        except Exception as error:
            do = "run the same command again; where memory ended, with a smaller `batch` in compute.yaml"
            if self.params.batch_invariant:
                do += "; not every machine and model can do `batch_invariant: true`"
            raise InputError(f"vLLM broke down: {_told(error)}", file=self.params.name, do=do) from error
        return outputs

    def _sampling(self, request: Request) -> Any:
        params, usual = self.params, self._llm.get_default_sampling_params()
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        return SamplingParams(
            temperature=params.temperature,
            max_tokens=params.max_new_tokens,
            seed=request.seed(params.seed) if params.temperature > 0 else None,
            # As the local back end: of what the model's folder says of sampling, this alone holds for greedy decoding.
            repetition_penalty=usual.repetition_penalty,
            logprob_token_ids=self._weighed(request) or None,
            structured_outputs=StructuredOutputsParams(regex=pattern(request.must_hold)) if request.must_hold else None,
            detokenize=False,
        )

    def _answer(self, request: Request, output: Any) -> Answer:
        """Return the answer that vLLM's output is."""
        said, prompt = output.outputs[0], list(output.prompt_token_ids)
        tokens, ended = list(said.token_ids), str(said.finish_reason)
        if ended not in ("stop", "length"):
            return Answer("", "error", f"vLLM broke off ({ended})", tokens_in=len(prompt))
        most = self.params.max_new_tokens
        if ended == "length" and len(tokens) < most:
            context = self._llm.model_config.max_model_len
            why = f"prompt of {len(prompt)} tokens and answer of {most} exceed the model's context of {context}"
            return Answer("", "error", why, tokens_in=len(prompt))
        p = None
        if self._weighed(request):
            logs = {token: one.logprob for token, one in said.logprobs[0].items()}
            p = shares(request.options, [[logs[token] for token in firsts] for firsts in self._firsts(request.options)])
        answer = self._reader.answer(prompt, tokens, ended, p, request.must_hold)
        if answer.status == "error":
            why = f"the answer was cut before it held one of {list(request.must_hold)}: {answer.text}"
            return answer._replace(detail=why[:500])
        if request.options and p is None:
            return answer._replace(detail=f"no shares of the options: two begin alike, or there are over {_WEIGHED}")
        return answer

    def _weighed(self, request: Request) -> list[int]:
        """Return the tokens whose shares are those of the options; none where they do not tell the options apart.

        An option of several tokens has the share of its first one.
        """
        tokens = [token for firsts in self._firsts(request.options) for token in firsts]
        return tokens if len(set(tokens)) == len(tokens) <= _WEIGHED else []

    def _option_firsts(self, options: tuple[str, ...]) -> list[list[int]]:
        """Return the tokens that begin each option."""
        tokenizer = self._reader.tokenizer
        return [sorted({way[0] for way in ways(tokenizer, option)}) for option in options]

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._llm.get_tokenizer(), self.params.thinking)

    @cached_property
    def _llm(self) -> Any:
        """The loaded model.

        Raises:
            InputError: vLLM is not installed, or cannot hold the model.
        """
        params = self.params
        kind = _vllm(params.batch_invariant).LLM
        if is_folder(params.name):
            check_folder(Path(params.name))
        given = {"max_model_len": params.context} if params.context else {}
        try:
            llm = kind(
                model=params.name,
                revision=params.revision,
                tokenizer_revision=params.revision,
                dtype=params.dtype,
                quantization=params.quantisation,
                seed=params.seed,
                load_format="safetensors",  # a pickle is not even read
                trust_remote_code=params.remote_code is not None,
                mm_processor_kwargs=params.processor or None,
                max_num_seqs=self.batch,
                tensor_parallel_size=params.cards,
                gpu_memory_utilization=params.memory,
                **given,
                **params.arguments,
            )
        except Exception as error:
            do = "see what vLLM says; `context`, `memory`, `cards` and `quantisation` of the block are what it takes"
            raise InputError(f"vLLM cannot hold the model: {_told(error)}", file=params.name, do=do) from error
        if params.revision:
            check_hub(params.name, params.revision)  # now that all of it is there
        return llm


def _vllm(batch_invariant: bool) -> Any:
    """Return the package, in this process alone and silent.

    Raises:
        InputError: it is not installed, or was loaded for a model with another `batch_invariant`.
    """
    invariant = str(int(batch_invariant))
    if "vllm" in sys.modules and os.environ.get("VLLM_BATCH_INVARIANT", "0") != invariant:
        why = "another model of this process differs, and vLLM computes for all of them in one mode"
        raise InputError(why, key="batch_invariant", do="give the models that one stage asks the same")
    os.environ["VLLM_BATCH_INVARIANT"] = invariant
    # Batches that follow from the questions alone, whichever of two processes is faster; and nothing is sent home.
    for name, value in {"ENABLE_V1_MULTIPROCESSING": "0", "NO_USAGE_STATS": "1", "LOGGING_LEVEL": "ERROR"}.items():
        os.environ.setdefault(f"VLLM_{name}", value)
    try:
        import vllm
    except ImportError as error:
        why = "vLLM is not installed" if error.name == "vllm" else f"vLLM does not load: {error}"
        do = "in a virtual environment of its own: pip install -e '.[vllm]'; or serve the model (backend: api)"
        raise InputError(why, key="backend", do=do) from None
    return vllm


def _told(error: Exception) -> str:
    """Return what an error says, on one line of readable length."""
    return well_formed(" ".join(str(error).split()) or type(error).__name__)[:500]
