"""What each architecture must show: it sees the order of frames, learns from its first layer on, and by heart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional as F

from stages.base.errors import InputError
from stages.nets.base import Shape
from stages.nets.models import build, save
from stages.weights.halved import round_to_half
from tests.nets.small import ARCHITECTURES, CLASSES, OPTIONS, SHAPE, net


def logits(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    out = model(pixel_values=pixels)
    return getattr(out, "logits", out)


def clips(count: int = 2, shape: Shape = SHAPE) -> torch.Tensor:
    torch.manual_seed(7)
    return torch.randn(count, shape.frames, 3, shape.height, shape.width)


@pytest.fixture(
    params=[
        (name, stem)
        for name in ARCHITECTURES
        for stem in ("patches", "convolutions", "motion")
        if (name, stem) != ("r2plus1d", "patches")
    ],
    ids=lambda each: "-".join(each),
)
def chosen(request):
    torch.manual_seed(0)
    return net(request.param[0], stem=request.param[1])


def test_another_order_of_frames_changes_the_logits(chosen):
    model = build(chosen, SHAPE, CLASSES).model.eval()
    pixels = clips()
    with torch.no_grad():
        there, back = logits(model, pixels), logits(model, pixels.flip(1))
        assert torch.allclose(there, logits(model, pixels))
    assert (there - back).abs().max() > 1e-5


def test_gradients_reach_every_weight_from_the_first_layer_on(chosen):
    model = build(chosen, SHAPE, CLASSES).model.train()
    F.cross_entropy(logits(model, clips()), torch.tensor([0, 1])).backward()
    first = next(
        name for name, value in model.named_parameters() if ("proj" in name or "stem" in name) and value.ndim > 1
    )
    gradients = {name: value.grad for name, value in model.named_parameters()}
    assert gradients[first].abs().max() > 0
    assert [name for name, gradient in gradients.items() if gradient is None] == []


def test_one_batch_is_learnt_by_heart(chosen):
    model = build(chosen, SHAPE, CLASSES).model.train()
    pixels, wanted = clips(6), torch.tensor([0, 1, 2, 0, 1, 2])
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(120):
        loss = F.cross_entropy(logits(model, pixels), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.02:
            break
    assert loss < 0.02


def test_saved_it_loads_and_says_the_same(chosen, tmp_path):
    built = build(chosen, SHAPE, CLASSES)
    round_to_half(built.model)
    save(chosen, built, SHAPE, CLASSES, tmp_path)
    again = build(net(chosen.architecture, weights=str(tmp_path)), SHAPE, ["c", "a", "b"])
    pixels = clips()
    with torch.no_grad():
        there, back = logits(built.model.eval(), pixels), logits(again.model.eval(), pixels)
    assert torch.equal(there[:, [2, 0, 1]], back)
    assert (again.mean, again.std) == (built.mean, built.std)


@pytest.mark.parametrize("shape", [Shape(8, 48, 32), Shape(4, 64, 64), Shape(8, 32, 48)])
def test_other_frames_and_sizes(chosen, shape, tmp_path):
    built = build(chosen, SHAPE, CLASSES)
    save(chosen, built, SHAPE, CLASSES, tmp_path / "first")
    other = build(net(chosen.architecture, weights=str(tmp_path / "first")), shape, CLASSES)
    pixels = clips(shape=shape)
    round_to_half(other.model)
    with torch.no_grad():
        there = logits(other.model.eval(), pixels)
    assert torch.isfinite(there).all()
    save(chosen, other, shape, CLASSES, tmp_path / "second")
    again = build(net(chosen.architecture, weights=str(tmp_path / "second")), shape, CLASSES)
    with torch.no_grad():
        assert torch.equal(there, logits(again.model.eval(), pixels))


@pytest.mark.parametrize("name", ["timesformer", "videomae", "vivit"])
def test_a_square_checkpoint_is_transformers_own(name, tmp_path):
    """What is saved loads in plain transformers and says the same: no class of ours is needed."""
    square = Shape(4, 32, 32)
    built = build(net(name), square, CLASSES)
    round_to_half(built.model)
    save(net(name), built, square, CLASSES, tmp_path)
    plain = transformers.AutoModelForVideoClassification.from_pretrained(tmp_path)
    assert plain.config.id2label == dict(enumerate(CLASSES))
    pixels = clips(shape=square)
    with torch.no_grad():
        assert torch.equal(logits(plain.eval(), pixels), logits(built.model.eval(), pixels))


def test_windows_of_a_larger_map_get_a_larger_table(tmp_path):
    """A table of relative positions that grows with its window still tells by the same offset, left from right."""
    small, large = Shape(4, 32, 16), Shape(4, 64, 32)
    built = build(net("swin3d"), small, CLASSES)
    tables = {name: value for name, value in built.model.named_parameters() if name.endswith("bias_table")}
    name, table = list(tables.items())[-1]
    assert len(table) == 3 * 3 * 7  # a window of 2 x 2 x 4 tokens, where 2 x 4 x 4 were asked for
    with torch.no_grad():
        table.copy_(torch.linspace(-0.75, 0.75, 7).repeat(9)[:, None].expand(-1, table.shape[1]))
    save(net("swin3d"), built, small, CLASSES, tmp_path)
    grown = dict(build(net("swin3d", weights=str(tmp_path)), large, CLASSES).model.named_parameters())[name]
    rows = grown.view(3, 7, 7, -1)
    assert torch.allclose(rows[..., :, :], torch.linspace(-0.75, 0.75, 7)[:, None].expand(3, 7, 7, rows.shape[-1]))


def test_another_architecture_is_named(tmp_path):
    save(net("vivit"), build(net("vivit"), SHAPE, CLASSES), SHAPE, CLASSES, tmp_path / "vivit")
    save(net("swin3d"), build(net("swin3d"), SHAPE, CLASSES), SHAPE, CLASSES, tmp_path / "swin")
    for wanted, given, said in (
        ("videomae", "vivit", "is a vivit, expected a videomae"),
        ("swin3d", "vivit", "is a vivit, expected a swin3d"),
        ("timesformer", "swin", "is a swin3d, expected a timesformer"),
    ):
        with pytest.raises(InputError, match=said):
            build(net(wanted, weights=str(tmp_path / given)), SHAPE, CLASSES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_other_classes_are_named_and_the_head_is_remade_only_if_asked(name, tmp_path):
    save(net(name), build(net(name), SHAPE, CLASSES), SHAPE, CLASSES, tmp_path)
    with pytest.raises(
        InputError, match=r"tells 3 classes apart \(a, b, c\), the data set has 2 \(x, y\)(.|\n)*remake"
    ):
        build(net(name, weights=str(tmp_path)), SHAPE, ["x", "y"])
    model = build(net(name, weights=str(tmp_path), head="remake"), SHAPE, ["x", "y"]).model
    assert logits(model.eval(), clips()).shape == (2, 2)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_of_another_size_do_not_load_in_silence(name, tmp_path):
    save(net(name), build(net(name), SHAPE, CLASSES), SHAPE, CLASSES, tmp_path)
    options = {"swin3d": {"embed_dim": 64}, "r2plus1d": {"channels": [8, 8, 24]}}.get(name, {"hidden_size": 64})
    with pytest.raises(InputError, match="weights"):
        build(net(name, weights=str(tmp_path), options=options), SHAPE, CLASSES)


def test_nothing_there():
    for name in ARCHITECTURES:
        with pytest.raises(InputError, match="weights"):
            build(net(name, weights="data/models/none"), SHAPE, CLASSES)


def test_unknown_option_and_indivisible_size():
    with pytest.raises(InputError, match="no field hidden"):
        build(net("timesformer", options={"hidden": 3}), SHAPE, CLASSES)
    with pytest.raises(InputError, match="no field hidden_size"):
        build(net("swin3d", options={"hidden_size": 3}), SHAPE, CLASSES)
    with pytest.raises(InputError, match="4 frames of 50 x 32 do not divide into patches of 16 x 16"):
        build(net("videomae"), Shape(4, 50, 32), CLASSES)


def test_image_processor_of_a_checkpoint_scales_the_pixels(tmp_path):
    """ViViT's processor rescales to -1 to 1 before it normalises: mean and std say the same for values 0 to 1."""
    name = "vivit"
    save(net(name), build(net(name), SHAPE, CLASSES), SHAPE, CLASSES, tmp_path)
    processor = transformers.VivitImageProcessor(
        size={"height": 32, "width": 48}, do_center_crop=False, do_resize=False
    )
    processor.save_pretrained(tmp_path)
    built = build(net(name, weights=str(tmp_path)), SHAPE, CLASSES)
    image = torch.randint(0, 256, (3, 32, 48), dtype=torch.uint8)
    theirs = torch.as_tensor(processor([[image.numpy()]], return_tensors="pt")["pixel_values"])[0, 0]
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (built.mean, built.std))
    assert torch.allclose((image.float() / 255 - mean) / std, theirs.float(), atol=1e-5)


def test_a_checkpoint_before_finetuning_needs_a_new_head(tmp_path):
    config = transformers.VideoMAEConfig(
        **OPTIONS["videomae"], num_frames=4, image_size=32, decoder_hidden_size=16, decoder_num_attention_heads=2
    )
    transformers.VideoMAEForPreTraining(config).save_pretrained(tmp_path)
    transformers.VideoMAEImageProcessor().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"weights are missing(.|\n)*head: remake"):
        build(net("videomae", weights=str(tmp_path)), Shape(4, 32, 32), CLASSES)
    model = build(net("videomae", weights=str(tmp_path), head="remake"), Shape(4, 32, 32), CLASSES).model
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "videomae"
    assert model.classifier.out_features == 3


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "r2plus1d"])
def test_activations_computed_again_give_the_same_gradients(name):
    gradients = []
    for again in (False, True):
        torch.manual_seed(0)
        model = build(net(name), SHAPE, CLASSES).model
        if again:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()
        torch.manual_seed(1)
        F.cross_entropy(logits(model, clips()), torch.tensor([0, 1])).backward()
        gradients.append([value.grad for value in model.parameters()])
    assert all(torch.allclose(one, two, atol=1e-6) for one, two in zip(*gradients, strict=True))


def test_paths_are_relative_to_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(net("swin3d"), build(net("swin3d"), SHAPE, CLASSES), SHAPE, CLASSES, Path("m"))
    assert build(net("swin3d", weights="m"), SHAPE, CLASSES).model is not None
