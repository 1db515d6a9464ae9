"""A sample's dropout follows from seed, step and sample: alone, in any batch, in pieces, and computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torchvision.ops import stochastic_depth
from transformers.models.timesformer.modeling_timesformer import TimesformerDropPath

from stages.learn.checkpoint import run_key
from stages.learn.device import start
from stages.learn.dropout import Draw, of_rows, remembered
from stages.learn.loop import fit
from tests.learn.small import Points, recipe

CPU = torch.device("cpu")
DRAWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "dropout": lambda x: F.dropout(x, 0.4),
    "module": nn.Dropout(0.4),
    "in place": lambda x: F.dropout(x.clone(), 0.4, inplace=True),
    "folded frames": lambda x: F.dropout(x.flatten(0, 1), 0.4).view(x.shape),
    "channels last": lambda x: F.dropout(x.transpose(1, 2), 0.4).transpose(1, 2),
    "channels": lambda x: F.dropout2d(x, 0.4),
    "row": lambda x: stochastic_depth(x, 0.4, "row"),
    "path": TimesformerDropPath(0.4).train(),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.4),
}


def of(samples: list[int], made: Callable[[torch.Tensor], torch.Tensor], step: int = 3) -> torch.Tensor:
    shown = torch.stack([torch.randn(4, 6, 8, generator=torch.Generator().manual_seed(one)) for one in samples])
    with Draw(0, step, samples, CPU):
        return made(shown)


@pytest.mark.parametrize("name", DRAWS)
def test_a_sample_drops_the_same_in_every_batch(name: str) -> None:
    whole = of([4, 9, 2, 7], DRAWS[name])
    for part in ([2], [9, 7], [7, 2, 9, 4]):
        rows = [[4, 9, 2, 7].index(one) for one in part]
        torch.testing.assert_close(of(part, DRAWS[name]), whole[rows], atol=1e-6, rtol=1e-6)
    assert any(not torch.allclose(of([4, 9, 2, 7], DRAWS[name], step), whole) for step in range(10))


def test_two_draws_and_two_samples_differ() -> None:
    with Draw(0, 0, [1, 2], CPU):
        first, second = (F.dropout(torch.ones(2, 1000), 0.5) for _ in range(2))
    assert len({tuple(row.tolist()) for row in (*first, *second)}) == 4


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_so_many_fall_out_and_the_mean_stays(p: float) -> None:
    with Draw(0, 0, range(8), CPU):
        drawn = F.dropout(torch.ones(8, 100_000), p)
        uniform = torch.rand(8, 100_000)
    assert (drawn == 0).float().mean(1).numpy() == pytest.approx(p, abs=0.006)
    assert drawn.mean() == pytest.approx(1, abs=0.02)
    assert torch.unique(drawn).tolist() == pytest.approx([0, 1 / (1 - p)])
    assert uniform.min() >= 0 and uniform.max() < 1  # noqa: PT018 (one statement about a range)
    # Elements, samples and draws do not know each other: correlations as of 100,000 independent numbers.
    assert torch.corrcoef(torch.cat([uniform, drawn])).fill_diagonal_(0).abs().max() < 0.017
    assert abs(np.corrcoef(uniform[:, 1:].flatten(), uniform[:, :-1].flatten())[0, 1]) < 0.006


def test_the_bits_are_murmurs_on_every_device() -> None:
    """Numpy's unsigned numbers give what torch's signed ones do, so that a GPU and a CPU drop the same."""

    def mixed(bits: Any, first: Any, second: Any) -> Any:
        bits = bits + np.uint32(first)
        bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B)
        bits = bits ^ np.uint32(second)
        bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
        return bits ^ (bits >> 16)

    words = np.random.SeedSequence([5, 6, 2]).generate_state(2)
    golden, factor = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
    with np.errstate(over="ignore"), Draw(5, 6, [3], CPU):
        F.dropout(torch.ones(1, 1), 0.5)
        keys = [mixed(np.uint32(3) * one + word, 0, 0) for one, word in zip((golden, factor), words, strict=True)]
        first, second = (mixed(key + golden, 0, 0) for key in keys)  # of the second draw
        wanted = mixed(np.arange(5, dtype=np.uint32) * golden, first, second) >> np.uint32(8)
        # A uniform number is the bits' upper 24.
        assert (torch.rand(1, 5).double() * 2**24).flatten().tolist() == [float(one) for one in wanted]


def test_attention_is_torchs() -> None:
    query, key, value = (torch.randn(2, 4, 6, 8) for _ in range(3))
    mask = torch.rand(2, 1, 6, 6) > 0.3
    mask[..., 0] = True
    for more in ({}, {"attn_mask": mask}, {"attn_mask": mask.float()}, {"is_causal": True}, {"scale": 0.3}):
        wanted = F.scaled_dot_product_attention(query, key, value, **more)
        with Draw(0, 0, [0, 1], CPU):
            found = F.scaled_dot_product_attention(query, key, value, dropout_p=1e-9, **more)
        torch.testing.assert_close(found, wanted)


def test_nothing_that_does_not_drop_is_touched() -> None:
    shown = torch.randn(3, 5)
    with Draw(0, 0, [0, 1, 2], CPU):
        assert torch.equal(F.dropout(shown, 0.5, training=False), shown)
        assert torch.equal(F.dropout(shown, 0.0), shown)
        assert torch.rand(2, 5).shape == (2, 5)  # no multiple of the samples: torch's own
    torch.manual_seed(0)
    plain = F.dropout(shown, 0.5)
    with Draw(0, 0, [0], CPU):
        pass
    torch.manual_seed(0)
    assert torch.equal(F.dropout(shown, 0.5), plain)


def test_parts_of_a_batch_draw_the_same_whatever_their_groups() -> None:
    shown = torch.ones(4, 50)

    def dropped(groups: list[list[int]]) -> torch.Tensor:
        out = torch.empty(4, 50)
        with Draw(0, 0, [7, 8, 9, 10], CPU):
            for rows in groups:
                with of_rows(torch.tensor(rows)):
                    out[rows] = F.dropout(F.dropout(shown[rows], 0.2), 0.2)
        return out

    assert torch.equal(dropped([[0, 1, 2, 3]]), dropped([[2, 0], [3, 1]]))


def test_computed_again_it_draws_the_same() -> None:
    layers = nn.ModuleList([nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5)) for _ in range(3)])
    grads = []
    for again in (False, True):
        layers.zero_grad()
        shown = torch.linspace(-1, 1, 32).view(4, 8)
        with Draw(0, 0, [3, 1, 2, 0], CPU):
            losses = []
            for rows in ([0, 2], [1, 3]):
                with of_rows(torch.tensor(rows)):
                    part = shown[rows]
                    for layer in layers:
                        how = {"use_reentrant": False, "context_fn": remembered}
                        part = checkpoint(layer, part, **how) if again else layer(part)
                losses.append(part.square().sum())
        torch.stack(losses).sum().backward()  # after the forward pass of the other rows
        grads.append(torch.cat([one.grad.flatten() for one in layers.parameters()]))
    torch.testing.assert_close(*grads)


class Dropping(nn.Module):
    """Dropout, and no batch norm, whose statistics are a batch's by definition."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 16), nn.Dropout(0.5))
        self.head = nn.Linear(16, 3)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(points))


def test_pieces_of_a_step_drop_what_the_whole_step_does() -> None:
    weights = []
    for accumulate in (1, 3):
        chosen = recipe(accumulate=accumulate, epochs=3)
        accelerator, model = start(chosen), Dropping()
        fit(accelerator, model, Points(), None, chosen, key=run_key(CPU, accumulate), what="points")
        weights.append(torch.cat([one.detach().flatten() for one in model.parameters()]))
    torch.testing.assert_close(*weights, atol=1e-5, rtol=1e-5)
