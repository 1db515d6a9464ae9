"""Phase 2: projector and language model learn to answer questions about frames; the vision tower is frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from stages.pretrain.blank import Blank
from stages.pretrain.frames import KNOWN, Clips
from stages.pretrain.keeping import Keeper
from stages.pretrain.lessons import Lesson
from stages.pretrain.packed import IGNORED, attending, pack
from stages.pretrain.params import LanguagePhase
from stages.pretrain.schedule import Optimiser
from stages.pretrain.teacher import Teacher
from stages.pretrain.vision import tokens_of

#: Its name in what is kept of an unfinished run.
PHASE = "language"
#: Frames that the tower looks at together.
_AT_ONCE = 64


def train_language(
    blank: Blank,
    clips: Clips,
    phase: LanguagePhase,
    frames: int,
    seed: int,
    normalise: Callable[[torch.Tensor], torch.Tensor],
    advance: Callable[[int], None],
    keeper: Keeper,
) -> float:
    """Train; return the mean loss over the last fifth of the steps. It goes on where `keeper` has it.

    A step asks the same kinds of questions of each of its clips, all of one scene, so that rows are about equally long.
    """
    model = blank.model
    model.model.vision_tower.requires_grad_(False)
    optimiser = Optimiser(model.parameters(), phase)
    teacher = Teacher(clips, phase)
    rng = np.random.default_rng([seed, 2])
    last: list[float] = []
    known = keeper.recall(PHASE, model, optimiser=optimiser)
    if known is not None:
        last, rng.bit_generator.state = known["last"], known["draw"]
    seen = look(model, clips, normalise)
    for step in range(keeper.steps(PHASE), phase.steps):
        picked, rows = teacher.step(rng)
        shown = np.sort(np.stack([rng.permutation(KNOWN)[:frames] for _ in picked]), 1)  # (B, frames), in time order
        visual = seen[torch.from_numpy(picked)[:, None], torch.from_numpy(shown)].flatten(1, 2)
        loss = answer_loss(blank, rows, visual)
        optimiser.step(loss)
        if step >= 0.8 * phase.steps:
            last.append(float(loss.detach()))
        advance(1)
        keeper.keep(PHASE, step + 1, model, {"draw": rng.bit_generator.state, "last": last}, optimiser=optimiser)
    return sum(last) / max(1, len(last))


@torch.no_grad()
def look(model: Any, clips: Clips, normalise: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Return the visual tokens of every known frame, (N, KNOWN, tokens, width)."""
    model.eval()
    frames = clips.pixels.flatten(0, 1)
    seen = [tokens_of(model, normalise(frames[at : at + _AT_ONCE])) for at in range(0, len(frames), _AT_ONCE)]
    return torch.cat(seen).reshape(*clips.pixels.shape[:2], *seen[0].shape[1:])


def answer_loss(blank: Blank, rows: list[list[Lesson]], visual: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the answers' tokens.

    Args:
        blank: model and processor.
        rows: the questions about each of B clips, all clips of the same kinds.
        visual: (B, N, width), their visual tokens before the projector.
    """
    model = blank.model
    packed = pack(blank.processor, rows, visual.shape[1])
    embedded = model.get_input_embeddings()(packed.ids)  # (B, L, hidden)
    place = (packed.ids == model.config.image_token_index).unsqueeze(-1)
    if place.any():
        embedded = embedded.masked_scatter(place, model.model.multi_modal_projector(visual))
    reader = model.model.language_model
    with attending(reader):
        read = reader(
            inputs_embeds=embedded,
            attention_mask={"full_attention": packed.slots},
            position_ids=packed.places,
            use_cache=False,
        )
    hidden = read.last_hidden_state[:, :-1]
    target = packed.wanted[:, 1:]
    asked = target != IGNORED
    return F.cross_entropy(model.lm_head(hidden[asked]), target[asked])
