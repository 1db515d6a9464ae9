"""A frozen ViT by name, and a VLM's own tower: tokens of whole frames, whatever their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from stages.base.errors import InputError
from stages.encoders.loading import shape_of
from stages.encoders.params import EncoderParams
from stages.encoders.vision import VisionEncoder
from stages.pretrain.blank import blank
from tests.tiny_embedded import TINY

FRAMES = np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3)).astype(np.uint8)


def params(folder: Path, **changed) -> EncoderParams:
    return EncoderParams.model_validate({"backend": "encoder", "name": str(folder), "revision": None} | changed)


@pytest.fixture
def vit(tmp_path) -> Path:
    import transformers

    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16
    )
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "vit")
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "vit")
    return tmp_path / "vit"


def test_a_vit_gives_its_last_hidden_states_and_learns_nothing(vit):
    import transformers

    encoder = VisionEncoder.of(params(vit), "cpu")
    tokens = encoder(FRAMES)
    assert tokens.shape == (3, 1 + 4, 16)
    plain = transformers.ViTModel.from_pretrained(vit, add_pooling_layer=False).eval()
    processor = transformers.ViTImageProcessor.from_pretrained(vit)
    with torch.no_grad():
        wanted = plain(processor(list(FRAMES), return_tensors="pt")["pixel_values"]).last_hidden_state.numpy()
    assert np.allclose(tokens, wanted, atol=1e-5)
    assert np.allclose(tokens[2:], encoder(FRAMES[2:]), atol=1e-6)


def test_a_tower_gives_its_map_as_tokens():
    torch.manual_seed(0)
    vlm = blank(TINY, ["a"])
    tokens = VisionEncoder.within(vlm.model.eval(), vlm.processor, "cpu")(FRAMES)
    assert tokens.shape == (3, vlm.tokens_an_image, TINY.channels[-1])


def test_a_folder_is_named_by_its_files_and_a_hub_model_by_its_commit(vit, tmp_path):
    before = shape_of(params(vit))
    assert before["name"] is None
    assert shape_of(params(vit, dtype="float64")) != before
    (vit / "config.json").write_text((vit / "config.json").read_text() + "\n")
    from stages.vlm.checkpoint import revision_of

    revision_of.cache_clear()
    assert shape_of(params(vit))["revision"] != before["revision"]
    with pytest.raises(InputError, match="not a folder, and a hub name needs a revision"):
        shape_of(params(Path("owner/model")))
    with pytest.raises(InputError, match="its params do not say which commit"):
        shape_of(params(Path("owner/model"), revision="fill-in-the-commit"))
    with pytest.raises(InputError, match=r"no config\.json"):
        VisionEncoder.of(params(tmp_path), "cpu")
