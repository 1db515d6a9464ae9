"""Params of a VLM: the blocks `vlm.<model>` of params.yaml, told apart by their `backend`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveInt, field_validator, model_validator

from stages.base.params import Params
from stages.vlm.thinking import TAGS, Tags


def _closing(tags: Tags) -> Tags:
    if not all(closing.strip() for _, closing in tags):
        raise ValueError("a pair of tags without a closing one")
    return tags


#: Pairs of tags between which a model thinks, opening and closing one: the text between them is no part of the answer.
#: The opening one is "" where the server's chat template writes it into the prompt; [] takes nothing out.
Thinking = Annotated[tuple[tuple[str, str], ...], AfterValidator(_closing)]


class Price(Params):
    """What a provider asks, in US dollars a million tokens."""

    input: Annotated[float, Field(ge=0)]
    """Tokens read."""
    output: Annotated[float, Field(ge=0)]
    """Tokens written."""


class About(Params):
    """What people must know of a model before they run it. It shapes no answer."""

    licence: str
    """Licence of the weights, or the provider's terms."""
    gated: bool = False
    """Whether the hub gives it only to those whom it gave access."""
    parameters: Annotated[float, Field(gt=0)] | None = None
    """Billions of weights."""
    memory: Annotated[float, Field(gt=0)] | None = None
    """GiB that its weights take as its block has them."""
    serve: str | None = None
    """The exact command that serves it."""
    price: Price | None = None
    """What a provider asks; null where nobody does."""
    config: dict[str, Any] | None = None
    """`model_type` and sizes, as in the model's config.json: for the estimate of memory where no hub can be reached."""


class _Weights(Params):
    """What is said of a model whose weights this machine holds, whoever computes with them."""

    name: str
    """Hub name (owner/model) or the path of a folder written by `save_pretrained`."""
    revision: str | None
    """Hub commit, 40 hex digits; null for a path, whose files are hashed."""
    frames: PositiveInt
    """Frames of a clip that it is shown."""
    processor: dict[str, Any]
    """Arguments of the model's processor that differ from its own, such as crop_to_patches: false; {} for none."""
    max_new_tokens: PositiveInt
    """Longest answer in tokens."""
    temperature: Annotated[float, Field(ge=0)]
    """0 takes the likeliest token; above it, tokens are drawn."""
    seed: int
    """Seed of the draws; of no effect at temperature 0."""
    thinking: Thinking = TAGS
    """Pairs of tags between which the model thinks, such as [[<think>, </think>]]; left out: those of usual models."""
    remote_code: str | None = None
    """Why code that the model's folder brings may run (`trust_remote_code`); null: none of it runs. Read it first."""
    about: About | None = None
    """What people must know of it; it shapes no answer."""


class LocalParams(_Weights):
    """A transformers model, by hub name or local path, run in this process."""

    backend: Literal["local"]
    """local: transformers, in this process."""
    media: Literal["images", "video"]
    """What it is shown: images (the clip's keyframes) or video (frames drawn evenly from the clip)."""
    dtype: Literal["float32", "float64", "bfloat16", "float16"]
    """Number format of weights and activations. float64: on a CPU the same answers and scores on every processor."""
    quantisation: Literal["int8", "int4"] | None
    """Weights in 8 or 4 bits (bitsandbytes); null for none."""
    attention: Literal["sdpa", "eager", "flash_attention_2"]
    """Implementation of attention."""
    adapter: str | None = None
    """LoRA in peft's format to put on the model: a folder, or a hub name as owner/adapter@commit; null for none."""
    device_map: Literal["auto", "balanced", "sequential"] | dict[str, int | str] | None = None
    """How accelerate spreads a model that exceeds one card over several: a rule, or each part's place ({model.visual:
    0, lm_head: 1, model.language_model: disk}). Null puts it on compute.yaml's device."""


#: What the vllm back end says to vLLM itself, from other keys or because it must be so.
_SAID_TO_VLLM = (
    *("model", "revision", "tokenizer", "tokenizer_revision", "dtype", "quantization", "seed", "load_format"),
    *("trust_remote_code", "mm_processor_kwargs", "max_model_len", "max_num_seqs", "gpu_memory_utilization"),
    "tensor_parallel_size",
)


class VllmModelParams(_Weights):
    """A model by hub name or local path, held by vLLM in this process."""

    backend: Literal["vllm"]
    """vllm: vLLM, in this process."""
    media: Literal["images"]
    """What it is shown: images (the clip's keyframes)."""
    dtype: Literal["float32", "bfloat16", "float16"]
    """Number format of weights and activations."""
    quantisation: str | None
    """vLLM's name of how weights are made smaller, such as fp8 or bitsandbytes; null leaves them as they are stored."""
    batch_invariant: bool
    """Whether an answer may not depend on those computed next to it (VLLM_BATCH_INVARIANT): slower, and only some
    GPUs and models can."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of vllm.LLM that shape answers, such as enforce_eager: true."""
    context: PositiveInt | None = None
    """Most tokens of prompt and answer together: memory is set aside for them; null takes the model's own."""
    cards: PositiveInt = 1
    """GPUs over which each layer is spread."""
    memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of a GPU's memory that vLLM takes: less where two models, or two workers, are on one."""

    @field_validator("arguments")
    @classmethod
    def _are_not_said_already(cls, value: dict[str, Any]) -> dict[str, Any]:
        twice = sorted(set(value) & set(_SAID_TO_VLLM))
        if twice:
            raise ValueError(f"vLLM is told of {', '.join(twice)} by other keys of the block")
        return value


class ApiParams(Params):
    """A model behind an OpenAI-compatible server; compute.yaml's `endpoints` has its address."""

    backend: Literal["api"]
    """api: chat completions of an OpenAI-compatible server."""
    name: str
    """Name by which the server knows the model, such as gpt-4o-2024-11-20."""
    engine: str
    """What serves it, with version, such as openai or vllm 0.11: it shapes the answers."""
    key: str | None
    """Name of the environment variable that holds the key; null for a server that asks for none."""
    media: Literal["images"]
    """What it is shown: images (chat completions know no video)."""
    frames: PositiveInt
    """Frames of a clip that it is shown."""
    image_format: Literal["png", "jpeg"]
    """Encoding of the images in a request: png keeps every pixel, jpeg (quality 90) is smaller."""
    image_side: PositiveInt | None
    """Longest side in pixels to which images are shrunk; null sends them as they are."""
    detail: Literal["low", "high", "auto"] | None
    """OpenAI's image detail; null leaves it out, for servers that do not know it."""
    max_new_tokens: PositiveInt
    """Longest answer in tokens."""
    temperature: Annotated[float, Field(ge=0)] | None
    """Sampling temperature; null leaves it out, for models that refuse it."""
    seed: int | None
    """Seed that is sent along (a repeated draw adds its number); null sends none."""
    logprobs: bool
    """Ask for the likeliest first tokens where a question has options (their probabilities come from these); false for
    servers that do not know it."""
    constrain: Literal["structured_outputs"] | None
    """How an answer is made to hold a word: structured_outputs (vLLM 0.12 and later); null where the server cannot."""
    length_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Field of the request that says how long an answer may be; null: OpenAI's max_completion_tokens where the engine
    is openai, else max_tokens, which llama.cpp, ollama and older versions of vLLM know alone."""
    thinking: Thinking = TAGS
    """Pairs of tags between which the model thinks, such as [[<think>, </think>]]; left out: those of usual models."""

    @property
    def length(self) -> str:
        """The field that is sent."""
        openai = self.engine.split()[0].lower() in ("openai", "azure")
        return self.length_field or ("max_completion_tokens" if openai else "max_tokens")

    about: About | None = None
    """What people must know of it; it shapes no answer."""

    @model_validator(mode="after")
    def _key_is_a_name(self) -> ApiParams:
        # A key pasted here would end up in git.
        if self.key is not None and not self.key.replace("_", "").isalnum():
            raise ValueError("not the name of an environment variable")
        return self


class RecordedParams(Params):
    """A model whose answers are published: it is shown nothing and says what the file holds of the clip."""

    backend: Literal["recorded"]
    """recorded: the generations of one published file."""
    file: str
    """The file, in one of the formats that recorded.py reads."""


class NoParams(Params):
    """Nobody: what params/models/none.yaml holds."""

    backend: Literal["none"]
    """none: there is no captioner, or no judge."""


_Asked = LocalParams | VllmModelParams | ApiParams | RecordedParams
#: A file of params/models.
VlmParams = Annotated[_Asked, Field(discriminator="backend")]
#: The same, or nobody.
MaybeVlmParams = Annotated[_Asked | NoParams, Field(discriminator="backend")]
