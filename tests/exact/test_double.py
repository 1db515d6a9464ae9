"""A float64 model computes in float64 throughout: norms, softmax, angles and the logits that `generate` picks from."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from stages.exact.double import double

#: 20 prompts of 10 tokens, neither padding nor end among them.
IDS = torch.arange(200).reshape(20, 10) % 62 + 2


def small(dtype: torch.dtype) -> Any:
    """Return a language model with random weights, whose code rounds norms, softmax and logits to float32."""
    from transformers import Qwen2Config, Qwen2ForCausalLM  # once `stages` has declared what torchvision lacks

    sizes: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads: dict[str, Any] = {"num_attention_heads": 2, "num_key_value_heads": 2, "pad_token_id": 0, "eos_token_id": 1}
    model: Any = Qwen2ForCausalLM(Qwen2Config(**sizes, **heads))
    model.eval().to(dtype)
    model.set_attn_implementation("eager")
    draw = np.random.default_rng(0)  # torch draws otherwise where its kernels are others
    for weight in model.parameters():
        weight.data.copy_(torch.from_numpy(draw.normal(0.5 if weight.dim() == 1 else 0, 0.3, tuple(weight.shape))))
    return model


def written(model: Any) -> torch.Tensor:
    """Return the logits from which `generate` picks the first new token, (B, V)."""
    out = model.generate(IDS, max_new_tokens=2, do_sample=False, output_logits=True, return_dict_in_generate=True)
    found: torch.Tensor = out.logits[0]
    return found


def test_norms_are_not_rounded() -> None:
    norm = small(torch.float64).model.norm
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 32)))
    exact = norm.weight * x / (x.square().mean(-1, keepdim=True) + norm.variance_epsilon).sqrt()
    assert (norm(x) - exact).abs().max() > 1e-9  # by itself transformers rounds
    assert (double(norm)(x) - exact).abs().max() < 1e-14


def test_generate_picks_from_what_forward_says() -> None:
    model = double(small(torch.float64))
    with torch.inference_mode():
        said, picked = model(IDS).logits[:, -1], written(model)
    assert picked.dtype is torch.float64
    assert torch.allclose(picked, said, rtol=0, atol=1e-13)


def test_a_model_that_is_asked_below_its_head_is_held_too() -> None:
    model = double(small(torch.float64))
    with torch.inference_mode():
        below = model.base_model(IDS, use_cache=False).last_hidden_state
        whole = model(IDS, output_hidden_states=True, use_cache=False).hidden_states[-1]
        plain = small(torch.float64).base_model(IDS, use_cache=False).last_hidden_state
    assert (below - whole).abs().max() < 1e-13
    assert (below - plain).abs().max() > 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_not_float64_is_left_alone(dtype: torch.dtype) -> None:
    held, plain = double(small(dtype)), small(dtype)
    assert "forward" not in vars(held)
    assert torch.equal(written(held), written(plain))


def test_a_model_whose_forward_was_replaced_before_is_held() -> None:
    """As accelerate does where a model is spread over devices."""
    from accelerate.hooks import ModelHook, add_hook_to_module

    model = small(torch.float64)
    for part in (model, model.base_model):
        add_hook_to_module(part, ModelHook())
    with torch.inference_mode():
        plain, held = model(IDS).logits, double(model)(IDS).logits
        assert (held - double(small(torch.float64))(IDS).logits).abs().max() < 1e-13
    assert (held - plain).abs().max() > 1e-9


def test_bytes_are_read_as_what_they_are() -> None:
    """What a vision tower saw comes out of the journal as bytes, within the model that asks for it."""

    class Reads(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))

        def forward(self, data: bytes) -> list[torch.Tensor]:
            whole = torch.frombuffer(bytearray(data), dtype=torch.float32)
            return [whole, whole.view(torch.int32).view(torch.float32)]

    said = np.asarray([1.5, -2.25, 3.0], np.float32)
    for found in double(Reads())(said.tobytes()):
        assert found.tolist() == said.tolist()


SAID = """
import json
import torch
from stages.exact.double import double
from tests.exact.test_double import small, written
print(json.dumps([written(model).double().tolist() for model in (small(torch.float64), double(small(torch.float64)))]))
"""


def test_other_kernels_differ_where_nothing_is_written_only() -> None:
    """Those of a processor without AVX are another order of summing in all of torch's kernels."""
    said = []
    for kernels in ({}, {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}):
        environment, command = os.environ | kernels, [sys.executable, "-c", SAID]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said.append(np.asarray(json.loads(done.stdout)))
    plain, held = np.abs(said[0] - said[1]).max((1, 2))
    assert held < 1e-12
    assert plain > 1e-9  # what was the processor's before
