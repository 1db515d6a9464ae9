"""The learnt half before a frozen language model: what learns, what reaches what, shapes at full size, the loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from stages.interact.model import SLOTS, Interaction
from stages.interact.params import Talking
from tests.interact.small import RECIPE, WIDTHS, inputs_of_clips, interaction


@pytest.mark.parametrize("image", [None, {"layers": 1, "hidden": 8, "heads": 2, "inner": 16, "queries": 3}])
@pytest.mark.parametrize("shared", [True, False])
def test_only_qformers_positions_queries_and_linear_layers_learn(shared, image):
    model = interaction(shared=shared, image_qformer=image)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names == {name for name, _ in model.named_parameters()}
    branches = {"person", "bg"} if shared else {"p1", "p2", "bg"}
    parts = {"position_embeddings", "video", "project"} | ({"image"} if image else set())
    assert {tuple(name.split(".")[1:3]) for name in names} == {(one, part) for one in branches for part in parts}
    inner = {tuple(name.split(".")[3:4]) for name in names if ".video." in name}
    assert inner == {("query_tokens",), ("qformer",)}
    assert not any(parameter.requires_grad for parameter in model.language.parameters())


def test_the_gradient_reaches_all_that_learns_and_nothing_that_is_frozen():
    model = interaction()
    before = {name: value.clone() for name, value in model.language.state_dict().items()}
    optimiser = torch.optim.SGD([*model.parameters(), *model.language.parameters()], lr=0.1)
    model.train()(**inputs_of_clips())[:, 0].mean().backward()
    moved = {name: float(parameter.grad.abs().sum()) for name, parameter in model.named_parameters()}
    still = [name for name, size in moved.items() if size == 0]
    assert all(".key.bias" in name for name in still), still  # a bias of keys moves no softmax
    assert all(parameter.grad is None for parameter in model.language.parameters())
    optimiser.step()
    assert all(torch.equal(value, before[name]) for name, value in model.language.state_dict().items())


def test_the_loss_is_that_of_an_independent_computation():
    """Each row alone, without padding, its streams' tokens put in by hand, each answer's token by a log-softmax."""
    model, inputs = interaction(torch.float64).eval(), inputs_of_clips(dtype=torch.float64)
    with torch.no_grad():
        losses = model(**inputs)
        tokens = model.tokens(inputs["features"], inputs["seen"])
        for row, length in enumerate((22, 21)):
            ids, turns = inputs["ids"][row, :length].tolist(), inputs["turns"][row, :length].tolist()
            vectors, left = [], {SLOTS[name]: list(tokens[name][row]) for name in WIDTHS}
            for one in ids:
                vectors.append(left[one].pop(0) if one < 0 else model.language.get_input_embeddings().weight[one])
            logits = model.language(inputs_embeds=torch.stack(vectors)[None]).logits[0]
            each = {1: [], 2: []}
            for place in range(1, length):
                if turns[place]:
                    each[turns[place]].append(-float(logits[place - 1].log_softmax(0)[ids[place]]))
            one, two = (sum(each[number]) / len(each[number]) for number in (1, 2))
            whole = sum(each[1] + each[2]) / len(each[1] + each[2])
            assert losses[row].tolist() == pytest.approx([whole, one, two], abs=1e-6)
    turned = interaction(torch.float64, weigh="turns").eval()
    with torch.no_grad():
        of_turns = turned(**inputs)
    assert of_turns[:, 0].tolist() == pytest.approx(((of_turns[:, 1] + of_turns[:, 2]) / 2).tolist())
    assert torch.allclose(of_turns[:, 1:], losses[:, 1:])


def test_frames_without_a_person_are_not_looked_at_and_nobody_at_all_is_defined():
    model, inputs = interaction().eval(), inputs_of_clips()
    inputs["seen"]["p1"][:, 1] = False
    with torch.no_grad():
        first = model.tokens(inputs["features"], inputs["seen"])["p1"]
        inputs["features"]["p1"][:, 1] += 5
        assert torch.equal(model.tokens(inputs["features"], inputs["seen"])["p1"], first)
        inputs["features"]["p1"][:, 2] += 5
        assert not torch.allclose(model.tokens(inputs["features"], inputs["seen"])["p1"], first)
        inputs["seen"]["p1"][:] = False
        inputs["features"]["p1"][:] = 0
        nobody = model.tokens(inputs["features"], inputs["seen"])["p1"]
    assert torch.isfinite(nobody).all()
    assert torch.equal(nobody[0], nobody[1])


def test_shapes_at_full_size():
    """16 frames of 192 tokens of 768 a person to 32 tokens of LLaMA-2 13B, on no memory at all."""
    from transformers import LlamaConfig, LlamaForCausalLM, VitPoseBackbone, VitPoseBackboneConfig

    way = Talking(kind="qformer", recipe=RECIPE, shared=False)
    with torch.device("meta"):
        language = LlamaForCausalLM(
            LlamaConfig(hidden_size=5120, intermediate_size=13824, num_hidden_layers=40, num_attention_heads=40)
        )
        model = Interaction(way, {"p1": 768, "p2": 768, "bg": 768}, language).eval()
        pose = VitPoseBackbone(VitPoseBackboneConfig(out_indices=[12]))
        tokens = pose(torch.empty(16, 3, 256, 192)).feature_maps[-1]
        assert tokens.shape == (16, 192, 768)
        features = {"p1": tokens[None], "p2": tokens[None], "bg": torch.empty(1, 16, 197, 768)}
        seen = {name: torch.ones(1, 16, dtype=torch.bool) for name in features}
        found = {name: branch(features[name], seen[name]) for name, branch in model.branches.items()}
    assert {name: tuple(value.shape) for name, value in found.items()} == dict.fromkeys(features, (1, 32, 5120))
    learnt = sum(parameter.numel() for parameter in model.parameters())
    frozen = sum(parameter.numel() for parameter in language.parameters())
    assert 60e6 < learnt < 75e6
    assert frozen > 13e9
    layers = model.branches["p1"].video.qformer.encoder.layer
    assert [hasattr(layer, "crossattention") for layer in layers] == [True, True]


def test_queries_start_normal_with_a_deviation_of_a_fiftieth():
    way = Talking(kind="qformer", recipe=RECIPE)
    torch.manual_seed(0)
    queries = Interaction(way, {"p1": 8, "p2": 8}, _Words()).branches["person"].video
    assert float(queries.query_tokens.detach().std()) == pytest.approx(0.02, rel=0.03)
    assert queries.query_tokens.shape == (1, 32, 768)


class _Words(nn.Module):
    """As much of a language model as a branch asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(4, 6)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words
