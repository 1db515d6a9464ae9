"""What a vision tower saw is kept for the batches that follow, and changes none of their answers."""

import pytest
import torch

from stages.pretrain.blank import blank
from stages.vlm.vision_cache import VisionCache
from tests.tiny_embedded import TINY


@torch.no_grad()
def test_a_model_that_changes_what_its_tower_gave_changes_nothing_that_is_kept() -> None:
    torch.manual_seed(0)
    model = blank(TINY, ["a person walks"]).model.eval()  # FastVLM puts its own features into the tower's output
    images = {name: torch.rand(1, 3, 64, 64) for name in "abc"}

    def features(shown: str) -> torch.Tensor:
        given = model.model.get_image_features(torch.cat([images[name] for name in shown]))
        return torch.cat(list(given.pooler_output))

    batches = ("a", "a", "ab", "cb", "b", "abc")
    plain = [features(shown) for shown in batches]
    looks = VisionCache(model)
    with looks.kept():
        for shown, wanted in zip(batches, plain, strict=True):
            with looks.at(list(shown)):
                torch.testing.assert_close(features(shown), wanted)


@torch.no_grad()
def test_another_process_finds_what_a_small_tower_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit, and without looking again; what another model saw is not taken for it."""
    torch.manual_seed(0)
    model = blank(TINY, ["a person walks"]).model.eval().double()
    images = {name: torch.rand(1, 3, 64, 64, dtype=torch.float64) for name in "abc"}
    asked: list[int] = []
    plain = model.model.vision_tower.forward
    monkeypatch.setattr(model.model.vision_tower, "forward", lambda *a, **k: asked.append(len(a[0])) or plain(*a, **k))

    def features(looks: VisionCache, shown: str) -> torch.Tensor:
        with looks.kept(), looks.at(list(shown)):
            given = model.model.get_image_features(torch.cat([images[name] for name in shown]))
        return torch.cat(list(given.pooler_output))

    def opened(of: str) -> VisionCache:
        # As a process does: the tower by itself, and nothing that another one keeps in memory.
        model.model.vision_tower.forward = lambda *a, **k: asked.append(len(a[0])) or plain(*a, **k)
        return VisionCache(model, of)

    first = features(opened("one model"), "ab")
    assert asked == [2]
    looks = opened("one model")
    features(looks, "c")  # the first batch must be looked at: it shows what nest a look is
    assert asked == [2, 1]
    assert torch.equal(features(looks, "ab"), first)
    assert asked == [2, 1]
    features(opened("another model"), "ab")
    assert asked == [2, 1, 2]
    model.get_input_embeddings().weight.mul_(2)  # as a step of training does
    features(looks, "ab")
    assert asked == [2, 1, 2, 2], "what the hash named is the model as it was loaded"
