"""A loaded model: encode a request, answer a batch of requests of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from transformers import LogitsProcessorList
from transformers.cache_utils import DynamicLayer

from stages.exact.double import double
from stages.exact.linear import steady
from stages.vlm.adapter import attach
from stages.vlm.base import Answer, Request
from stages.vlm.chat import encode
from stages.vlm.checkpoint import is_vision, load_config, load_model, load_processor
from stages.vlm.decoding import Draw, Force, MustHold
from stages.vlm.options import shares, ways
from stages.vlm.spread import entry
from stages.vlm.thinking import Reader
from stages.vlm.vision_cache import VisionCache
from stages.weights.unchanged import check_folder, check_hub

if TYPE_CHECKING:
    from stages.vlm.params import LocalParams


@dataclass(frozen=True, eq=False)
class Encoded:
    """A request with its tensors, each with a batch of one."""

    request: Request
    tensors: dict[str, torch.Tensor]

    @property
    def length(self) -> int:
        """Tokens of the prompt, media placeholders included."""
        return int(self.tensors["input_ids"].shape[1])

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        return sum(value.nbytes for value in self.tensors.values())

    @property
    def shape(self) -> tuple[object, ...]:
        """What requests of one batch share exactly, so that none is padded: then neighbours do not matter."""
        shapes = sorted((name, tuple(value.shape)) for name, value in self.tensors.items())
        return (tuple(shapes), self.request.options)


class Written(NamedTuple):
    """What a model wrote after the prompts of a batch."""

    tokens: list[list[int]]
    """A prompt's new tokens, its end included where it came to one."""
    first: torch.Tensor | None
    """Logits of the first new token, (B, V), where the requests have options."""
    read: Any
    """What the model keeps of the prompts alone, to go on from; None where that cannot be cut out."""


class Engine:
    """Processor and weights of a model, on its device."""

    def __init__(
        self, params: LocalParams, config: Any, processor: Any, model: Any, device: str, sees: str | None = None
    ) -> None:
        """Bind a model; `sees` is the hash of all that shapes what it sees of media, None where that is not kept."""
        self.params, self.config, self.processor, self.device = params, config, processor, device
        self.model = double(steady(_side_by_side(model), device))
        self.vision_cache = VisionCache(self.model, sees)
        self.tokenizer = getattr(processor, "tokenizer", processor)
        self.reader = Reader(self.tokenizer, params.thinking)
        self.context = getattr(config.get_text_config(), "max_position_embeddings", None)
        ends = model.generation_config.eos_token_id
        self.ends: list[int] = [ends] if isinstance(ends, int) else list(ends or [self.tokenizer.eos_token_id])
        self._ways = cache(self._option_ways)
        # Qwen's places depend on the images before them, which `generate` alone works out.
        self._own_places = hasattr(getattr(model, "model", model), "rope_deltas")

    @classmethod
    def load(cls, params: LocalParams, revision: str, device: str, sees: str | None = None) -> Engine:
        """Return the model that the block names, with its adapter, on `device`; `revision` is the model's own.

        `sees`: see `__init__`.

        Raises:
            InputError: it does not load, or the adapter was made for another model.
        """
        found = None if params.revision is None else revision
        trusted = params.remote_code is not None
        if found is None:
            check_folder(Path(params.name))
        config = load_config(params.name, found, trusted)
        processor = load_processor(params.name, found, is_vision(config), trusted)
        model = load_model(params.name, found, config, params, device)
        if found is not None:
            check_hub(params.name, found)  # now that all of it is there
        if params.device_map:
            device = entry(model)
        if params.adapter:
            model = attach(model, params.adapter, params.name, revision, device)
        return cls(params, config, processor, model, device, sees)

    def encode(self, request: Request, answer: str | None = None) -> Encoded | Answer:
        """Return a request's tensors, or the error answer of one that the model cannot take.

        With an `answer`, they are those of the whole conversation, to learn from.
        """
        try:
            tensors = encode(self.processor, request, self.params.processor, answer)
        except ValueError as error:
            return Answer("", "error", f"the processor refuses the request: {error}")
        kind = getattr(torch, self.params.dtype)
        encoded = Encoded(
            request, {name: value.to(kind) if value.is_floating_point() else value for name, value in tensors.items()}
        )
        room = self.params.max_new_tokens if answer is None else 0
        need = encoded.length + room
        if self.context is not None and need > self.context:
            return Answer(
                "",
                "error",
                f"prompt of {encoded.length} tokens and answer of {room} exceed the model's context of {self.context}",
                tokens_in=encoded.length,
            )
        return encoded

    def answer(self, batch: Sequence[Encoded]) -> list[Answer]:
        """Return the answers of requests of one shape; a batch that exceeds the GPU's memory is halved."""
        try:
            return self._answer(batch)
        except torch.cuda.OutOfMemoryError:
            if len(batch) == 1:
                raise
        torch.cuda.empty_cache()
        half = len(batch) // 2
        return self.answer(batch[:half]) + self.answer(batch[half:])

    def _answer(self, batch: Sequence[Encoded]) -> list[Answer]:
        inputs = self.inputs(batch)
        options = batch[0].request.options
        written = self._write(batch, inputs)
        weights = self._weigh(inputs, options, written) if options else [None] * len(batch)
        answers = []
        for encoded, tokens, p in zip(batch, written.tokens, weights, strict=True):
            ended = "stop" if tokens and tokens[-1] in self.ends else "length"
            prompt = encoded.tensors["input_ids"][0].tolist()
            answers.append(self.reader.answer(prompt, tokens, ended, p, encoded.request.must_hold))
        return answers

    def write(self, batch: Sequence[Encoded]) -> Written:
        """Return the tokens that the model writes after each prompt of one shape."""
        return self._write(batch, self.inputs(batch))

    def _write(self, batch: Sequence[Encoded], inputs: dict[str, torch.Tensor]) -> Written:
        requests = [encoded.request for encoded in batch]
        shown = ["+".join(media.digest for media in request.all_media) for request in requests if request.all_media]
        room, start = self.params.max_new_tokens, batch[0].length
        chosen = LogitsProcessorList()
        if self.params.temperature > 0:
            chosen.append(Draw(requests, self.params.temperature, self.params.seed))
        if any(request.must_hold for request in requests):
            words = [request.must_hold for request in requests]
            prompts = inputs["input_ids"].tolist()
            chosen.append(MustHold(self.reader, words, prompts, room, self.ends))
        asks = bool(requests[0].options)
        with self.vision_cache.at(shown):
            out = self._generate(inputs, room, chosen, keep_logits=asks)
        rows = out.sequences[:, start:].tolist()
        read = _of_prompt(out.past_key_values, start) if asks and not self._own_places else None
        return Written([self._upto_end(row) for row in rows], out.logits[0] if asks else None, read)

    def inputs(self, batch: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """Return what `forward` takes for requests of one shape, on the model's device."""
        joined = {name: torch.cat([each.tensors[name] for each in batch]) for name in batch[0].tensors}
        return {name: value.to(self.device) for name, value in joined.items()}

    @torch.inference_mode()
    def _generate(self, inputs: dict[str, torch.Tensor], room: int, chosen: Any, keep_logits: bool) -> Any:
        pad = self.tokenizer.pad_token_id
        return self.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=room,
            logits_processor=chosen,
            output_logits=keep_logits,
            return_dict_in_generate=True,
            eos_token_id=self.ends,
            pad_token_id=self.ends[0] if pad is None else pad,
        )

    def _upto_end(self, tokens: list[int]) -> list[int]:
        ends = [place for place, token in enumerate(tokens) if token in self.ends]
        return tokens[: ends[0] + 1] if ends else tokens

    def _weigh(
        self, inputs: dict[str, torch.Tensor], options: tuple[str, ...], written: Written
    ) -> list[dict[str, float]]:
        """Return each row's probability of each option, renormalised over the options.

        An option's log-probability is that of its tokens after the prompt, at temperature 1. Only options of several
        tokens cost further passes.
        """
        assert written.first is not None
        logs = []  # an option's list of ways, each the log-probabilities of B rows
        for option in self._ways(options):
            each = []
            for way in option:
                steps = [written.first, *self._following(inputs, way, written.read)]
                picked = [step.double().log_softmax(-1)[:, token] for step, token in zip(steps, way, strict=True)]
                each.append(torch.stack(picked).sum(0).tolist())
            logs.append(each)
        return [
            shares(options, [[way[row] for way in option] for option in logs])
            for row in range(len(inputs["input_ids"]))
        ]

    @torch.inference_mode()
    def _following(self, inputs: dict[str, torch.Tensor], way: list[int], read: Any) -> list[torch.Tensor]:
        """Return the logits, each (B, V), of the tokens of `way` after its first one."""
        if len(way) == 1:
            return []
        count, start = inputs["input_ids"].shape
        if read is None:
            forced = LogitsProcessorList([Force(start, way)])
            return list(self._generate(inputs, len(way), forced, keep_logits=True).logits)[1:]
        tokens = torch.tensor([way[:-1]], device=self.device).expand(count, -1)
        seen = torch.ones((count, start + len(way) - 1), dtype=torch.long, device=self.device)
        out = self.model(input_ids=tokens, attention_mask=seen, past_key_values=read, use_cache=True)
        _forget(read, len(way) - 1)
        return list(out.logits.unbind(1))

    def _option_ways(self, options: tuple[str, ...]) -> list[list[list[int]]]:
        """Return the token sequences that write each option.

        Where one option begins another (Cook, Cook.Cut), all must be followed by the end of the answer.
        """
        found = [ways(self.tokenizer, option) for option in options]
        begins = any(
            other[: len(way)] == way
            for mine, ways in enumerate(found)
            for theirs, others in enumerate(found)
            for way in ways
            for other in others
            if mine != theirs
        )
        return [[[*way, self.ends[0]] for way in ways] for ways in found] if begins else found


def _side_by_side(model: Any) -> Any:
    """Return a model whose convolutions have a pixel's channels side by side: a tower of many is much faster so."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def _of_prompt(cache: Any, start: int) -> Any:
    """Return a cache with the prompt's `start` tokens only; None for one that cannot be cut to them.

    Layers that look at images across, at a window or at a running state keep something else than a place a token.
    """
    layers = getattr(cache, "layers", [])
    if not layers or any(type(layer) is not DynamicLayer for layer in layers):
        return None
    lengths = {int(layer.get_seq_length()) for layer in layers}
    if len(lengths) > 1 or min(lengths) < start:
        return None
    _forget(cache, lengths.pop() - start)
    return cache


def _forget(cache: Any, tokens: int) -> None:
    for layer in cache.layers:
        layer.crop(-tokens)
