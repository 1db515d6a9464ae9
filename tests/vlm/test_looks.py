"""What a vision tower saw is kept for the batches that follow, and changes none of their answers."""

import torch

from stages.pretrain.blank import blank
from stages.vlm.looks import Looks
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
    looks = Looks(model)
    with looks.kept():
        for shown, wanted in zip(batches, plain, strict=True):
            with looks.at(list(shown)):
                torch.testing.assert_close(features(shown), wanted)
