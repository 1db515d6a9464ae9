"""Head and LoRA on every architecture: what is pooled, what learns, and that it can learn."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from stages.adapt.frozen import Frozen
from stages.adapt.heads import Headed, Speaking
from stages.adapt.lora import put_on, save
from stages.adapt.pooling import pooled, visual_tokens
from stages.adapt.saved import load, save_head
from stages.adapt.sources import Shown
from stages.base.errors import InputError
from stages.learn.dropout import Draw, remembered
from stages.learn.params import Augmentation
from stages.vlm.base import Request
from stages.vlm.checkpoint import folder_hash
from stages.weights import unchanged
from stages.weights.unchanged import dvc_hash
from tests.adapt.given import ATTENTION, CASES, lora
from tests.adapt.test_lora import VISION, local, noise
from tests.vlm.given import media

CPU = torch.device("cpu")


def shown(engine: Any, kind: str, frames: int, count: int = 4, answers: list[str] | None = None) -> Shown:
    clips = {f"clip{seed}": media(kind, frames, seed) for seed in range(count)}
    wanted = torch.arange(count) % 2
    return Shown(engine, "Describe the activity", list(clips), clips.__getitem__, wanted, answers)


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_features_are_the_states_at_the_visual_tokens(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    engine = local(tiny_model(name)).engine()
    tokens = visual_tokens(engine.config)
    found = []
    for seed in (0, 1):
        inputs = engine.inputs([engine.encode(Request("Describe", media(kind, frames, seed)))])
        with torch.no_grad():
            found.append(pooled(engine.model, tokens, inputs))
            states = engine.model(**inputs, output_hidden_states=True).hidden_states[-1]
        places = [place for place, token in enumerate(inputs["input_ids"][0].tolist()) if token in tokens.tolist()]
        assert len(places) >= 1
        torch.testing.assert_close(found[-1][0], states[0, places].mean(0))
    assert not torch.allclose(found[0], found[1], atol=1e-3), "another image is another feature"


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_a_prompt_has_a_part_in_the_feature_where_it_stands_first(
    tiny_model: Any, name: str, kind: str, frames: int
) -> None:
    """Behind the visual tokens of a causal model it has none: two prompts gave a difference of exactly 0."""
    engine, shown = local(tiny_model(name)).engine(), media(kind, frames, 0)
    tokens, found = visual_tokens(engine.config), {}
    for first in (False, True):
        for prompt in ("Describe", "What is red"):
            inputs = engine.inputs([engine.encode(Request(prompt, shown, text_first=first))])
            with torch.no_grad():
                found[first, prompt] = pooled(engine.model, tokens, inputs)
    assert not torch.allclose(found[True, "Describe"], found[True, "What is red"], atol=1e-4)
    if name != "mllama":  # it looks at images across, from every place
        torch.testing.assert_close(found[False, "Describe"], found[False, "What is red"], atol=1e-6, rtol=0)


def test_a_text_model_has_no_features(tiny_model: Any) -> None:
    with pytest.raises(InputError, match="no visual tokens"):
        visual_tokens(local(tiny_model("llama")).engine().config)


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
@pytest.mark.parametrize("part", ["vision", "language"])
def test_gradients_reach_lora_and_head_and_nothing_else(
    tiny_model: Any, name: str, kind: str, frames: int, part: str
) -> None:
    engine = local(tiny_model(name)).engine()
    where = [VISION[name]] if part == "vision" else ATTENTION
    adapted = put_on(engine.model, lora(targets=where, parts=[part]), 0)
    noise(adapted)  # fresh LoRA is 0 on one side, whose gradient hides the other's
    model = Headed(engine.model, 2).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs = shown(engine, kind, frames).inputs([0, 1], None, CPU)
    (model(**inputs) ** 2).sum().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert reached
    assert all("lora_" in name or name.startswith("head.") for name in reached)
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert all(is_left_out(one, engine.model.config) for one in learning - reached)
    assert all(parameter.grad.abs().max() > 0 for one, parameter in model.named_parameters() if one in reached)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), "statistics are kept"


def is_left_out(name: str, config: Any) -> bool:
    """Return whether the model computes nothing with it: the other of two towers, layers behind the one it takes."""
    return "image_tower" in name or (getattr(config, "vision_feature_layer", -1) == -2 and ".layers.1." in name)


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_one_batch_is_learnt_by_heart(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    engine = local(tiny_model(name)).engine()
    put_on(engine.model, lora(), 0)
    torch.manual_seed(0)
    model = Headed(engine.model, 2)
    source = shown(engine, kind, frames)
    losses = learn(model, source, 60)
    assert losses[-1] < 0.1 * losses[0]
    with torch.no_grad():
        assert model.eval()(**source.inputs(range(4), None, CPU)).argmax(1).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_answers_are_learnt_by_heart_and_said(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    backend = local(tiny_model(name), max_new_tokens=32)
    engine = backend.engine()
    put_on(engine.model, lora(targets=[*ATTENTION, "up_proj", "down_proj", "lm_head"], rank=16, alpha=32), 0)
    texts = ["A man sits.", "A woman walks to the table."]
    source = shown(engine, kind, frames, 2, texts)
    losses = learn(Speaking(engine.model), source, 500, answers=True)
    assert losses[-1] < 0.02
    requests = [Request(source.prompt, source.media(clip_id)) for clip_id in source.clip_ids]
    said = dict(backend.answer(requests))
    assert [said[request].text for request in requests] == texts


def learn(model: Any, source: Shown, steps: int, answers: bool = False) -> list[float]:
    optimiser = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.01)
    inputs, losses = source.inputs(range(len(source)), None, CPU), []
    for _ in range(steps):
        out = model.train()(**inputs)
        loss = out.mean() if answers else torch.nn.functional.cross_entropy(out, source.targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if losses[-1] < 0.01:
            break
    return losses


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
@pytest.mark.parametrize("speaks", [False, True])
def test_what_is_frozen_is_computed_once_and_changes_nothing(
    tiny_model: Any, name: str, kind: str, frames: int, speaks: bool
) -> None:
    engine = local(tiny_model(name)).engine()
    noise(put_on(engine.model, lora(), 0))
    torch.manual_seed(0)
    model = Speaking(engine.model) if speaks else Headed(engine.model, 2)
    texts = ["A man sits.", "A woman sits down.", "A man sits.", "He sits."] if speaks else None
    whole, split = shown(engine, kind, frames, answers=texts), shown(engine, kind, frames, answers=texts)
    split._frozen = Frozen(engine.model)
    found = []
    for source in (whole, split):
        model.zero_grad()
        out = model.train()(**source.inputs([2, 0, 1, 3], None, CPU))
        (out**2).sum().backward()
        grads = {one: parameter.grad.clone() for one, parameter in model.named_parameters() if parameter.requires_grad}
        found.append((out.detach(), grads))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-3)
    tower = next(module for part, module in engine.model.model.named_children() if "vis" in part or "video" in part)
    tower.forward = lambda *_, **__: pytest.fail("it was computed again")
    again = model(**split.inputs([1, 3], None, CPU))
    torch.testing.assert_close(again, found[1][0][[2, 3]], atol=1e-4, rtol=1e-3)


def test_what_is_made_ahead_is_what_is_made_when_asked_for(tiny_model: Any) -> None:
    engine = local(tiny_model("smolvlm")).engine()
    clips = {f"clip{seed}": media("images", 1 + seed % 2, seed) for seed in range(6)}
    change = Augmentation(flip=True, brightness=0.3)
    asked: list[str] = []

    def look(clip_id: str) -> Any:
        asked.append(clip_id)
        return clips[clip_id]

    ahead, plain = (Shown(engine, "Describe", list(clips), look, torch.zeros(6), change=change) for _ in range(2))
    ahead.ahead([4, 1, 5], 2)
    for indices in ([4, 1], [5, 0]):
        found, wanted = (source.inputs(indices, 2, CPU) for source in (ahead, plain))
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert sorted(asked) == sorted(2 * ["clip4", "clip1", "clip5", "clip0"]), "nothing is made twice"
    clips.clear()
    ahead.ahead([2], 0)
    with pytest.raises(KeyError):
        ahead.inputs([2], 0, CPU)


def test_samples_of_other_shapes_stand_in_the_order_of_the_batch(tiny_model: Any) -> None:
    engine = local(tiny_model("smolvlm")).engine()
    clips = {f"clip{seed}": media("images", 1 + seed % 2, seed) for seed in range(5)}
    source = Shown(engine, "Describe", list(clips), clips.__getitem__, torch.zeros(5))
    torch.manual_seed(0)
    model = Headed(engine.model, 3).eval()
    with torch.no_grad():
        together = model(**source.inputs([4, 1, 0, 3, 2], None, CPU))
        alone = torch.cat([model(**source.inputs([index], None, CPU)) for index in (4, 1, 0, 3, 2)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("name", ["embedded", "internvl", "qwen2_5_vl"])
def test_a_saved_head_with_lora_gives_equal_logits(tiny_model: Any, tmp_path: Path, name: str) -> None:
    base = tiny_model(name)
    engine = local(base).engine()
    adapted = put_on(engine.model, lora(), 0)
    noise(adapted)
    model = Headed(engine.model, 3).eval()
    save(adapted, tmp_path, str(base), folder_hash(base))
    about = {"classes": ["a", "b", "c"], "base": str(base), "revision": folder_hash(base)}
    save_head(tmp_path, model.head, about)
    again, classes = load(tmp_path, local(base))
    inputs = shown(engine, "images", 2).inputs(range(3), None, CPU)
    with torch.no_grad():
        assert torch.equal(again(**inputs), model(**inputs))
    assert classes == about["classes"]
    (tmp_path / "head.json").write_text(json.dumps(about | {"revision": "0" * 32}))
    with pytest.raises(InputError, match=r"made for .* at 0{32}"):
        load(tmp_path, local(base))


def test_a_flipped_bit_in_a_recorded_head_is_no_other_head(
    tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base, cell = tiny_model("internvl"), Path("data/home/models/tiny_ft_lc_cs")
    headed = Headed(local(base).engine().model, 2)
    for fold in ("01", "02"):
        save_head(cell / fold, headed.head, {"classes": ["a", "b"], "base": str(base), "revision": folder_hash(base)})
    out = {"path": str(cell), "md5": dvc_hash(cell)}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": {"adapt@home": {"outs": [out]}}}))
    load(cell / "01", local(base))
    content = bytearray((cell / "01/head.safetensors").read_bytes())
    content[-3] ^= 1
    (cell / "01/head.safetensors").write_bytes(content)
    unchanged._hash.cache_clear()
    with pytest.raises(InputError, match=r"not those that dvc\.lock recorded"):
        load(cell / "01", local(base))


def test_checkpointed_activations_give_the_same_gradients(tiny_model: Any) -> None:
    grads = []
    for checkpointing in (False, True):
        engine = local(tiny_model("internvl")).engine()
        noise(put_on(engine.model, lora(dropout=0.0), 0))
        torch.manual_seed(0)
        model = Headed(engine.model, 2)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            layers = engine.model.get_decoder().layers
            assert all(
                layer.gradient_checkpointing and layer.training for layer in model.train().vlm.get_decoder().layers
            )
            assert not any(layer.self_attn.training for layer in layers)
        model.train()(**shown(engine, "images", 1).inputs([0], None, CPU)).sum().backward()
        grads.append({one: parameter.grad for one, parameter in model.named_parameters() if "lora_" in one})
    assert all(torch.equal(grads[0][one], grads[1][one]) for one in grads[0])


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_sample_drops_the_same_in_every_group_and_batch(tiny_model: Any, checkpointing: bool) -> None:
    """One batch with groups of other shapes, against a sample at a time: the gradients are those of sums."""
    engine = local(tiny_model("smolvlm")).engine()
    noise(put_on(engine.model, lora(dropout=0.5), 0))
    clips = {f"clip{seed}": media("images", 1 + seed % 2, seed) for seed in range(4)}
    source = Shown(engine, "Describe", list(clips), clips.__getitem__, torch.zeros(4))
    torch.manual_seed(0)
    model = Headed(engine.model, 2)
    grads = []
    for batches in ([[3, 0, 2, 1]], [[1], [0], [2], [3]]):
        if checkpointing and len(batches) == 1:
            model.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": remembered})
        model.zero_grad()
        for batch in batches:
            with Draw(0, 5, batch, CPU):
                out = model.train()(**source.inputs(batch, None, CPU))
            out.square().sum().backward()
        grads.append({one: value.grad for one, value in model.named_parameters() if value.requires_grad})
    torch.testing.assert_close(*grads, atol=1e-4, rtol=1e-4)
    with Draw(0, 6, [0], CPU):
        other = model.train()(**source.inputs([0], None, CPU))
    with Draw(0, 5, [0], CPU):
        assert not torch.allclose(other, model.train()(**source.inputs([0], None, CPU)), atol=1e-3)
