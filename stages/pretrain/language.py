"""Phase 2: projector and language model learn to answer questions about frames; the vision tower is frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from stages.pretrain.blank import END, IMAGE, Blank
from stages.pretrain.frames import KNOWN, Clips
from stages.pretrain.lessons import LESSONS, Lesson
from stages.pretrain.params import Phase
from stages.pretrain.schedule import Optimiser
from stages.pretrain.vision import tokens_of

_IGNORED = -100


def train_language(
    blank: Blank,
    clips: Clips,
    phase: Phase,
    frames: int,
    seed: int,
    normalise: Callable[[torch.Tensor], torch.Tensor],
    advance: Callable[[int], None],
) -> dict[str, float]:
    """Train; return the mean loss of each kind of lesson over the last fifth of the steps."""
    model = blank.model
    seen = look(model, clips, normalise)
    model.model.vision_tower.requires_grad_(False)
    optimiser = Optimiser(model.parameters(), phase)
    rng = np.random.default_rng([seed, 2])
    kinds, shares = list(LESSONS), [share for _, share in LESSONS.values()]
    last: dict[str, list[float]] = {kind: [] for kind in kinds}
    for step in range(phase.steps):
        kind = str(rng.choice(kinds, p=shares))
        picked = rng.integers(len(seen), size=phase.batch)
        lessons = [_lesson(kind, clips, int(clip), rng) for clip in picked]
        shown = np.sort(np.stack([rng.permutation(KNOWN)[:frames] for _ in picked]), 1)  # (B, frames), in time order
        visual = seen[torch.from_numpy(picked)[:, None], torch.from_numpy(shown)].flatten(
            1, 2
        )  # (B, frames * N, width)
        loss = answer_loss(blank, lessons, visual, frames)
        optimiser.step(loss)
        if step >= 0.8 * phase.steps:
            last[kind].append(float(loss.detach()))
        advance(1)
    return {kind: sum(losses) / len(losses) for kind, losses in last.items() if losses}


@torch.no_grad()
def look(model: Any, clips: Clips, normalise: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Return the visual tokens of every known frame, (N, KNOWN, tokens, width)."""
    model.eval()
    return torch.stack([tokens_of(model, normalise(frames)) for frames in clips.pixels])


def answer_loss(blank: Blank, lessons: list[Lesson], visual: torch.Tensor, frames: int) -> torch.Tensor:
    """Return the mean cross-entropy of the answers' tokens.

    Args:
        blank: model and processor.
        lessons: B lessons, all with or all without images.
        visual: (B, frames * N, width), visual tokens before the projector; unused without images.
        frames: images that each question shows.
    """
    model, processor = blank.model, blank.processor
    ids, wanted = _tokens(processor, lessons, blank.tokens_an_image * frames)
    embedded = model.get_input_embeddings()(ids)  # (B, L, hidden)
    if lessons[0].sees:
        projected = model.model.multi_modal_projector(visual)  # (B, frames * N, hidden)
        place = (ids == model.config.image_token_index).unsqueeze(-1)
        embedded = embedded.masked_scatter(place, projected)
    hidden = model.model.language_model(inputs_embeds=embedded).last_hidden_state[:, :-1]
    target = wanted[:, 1:]
    asked = target != _IGNORED
    return F.cross_entropy(model.lm_head(hidden[asked]), target[asked])


def _lesson(kind: str, clips: Clips, clip: int, rng: np.random.Generator) -> Lesson:
    number = int(clips.targets["label"][clip])
    others = [activity for place, activity in enumerate(clips.activities) if place != number]
    return LESSONS[kind][0](clips.activities[number], others, rng)


def _tokens(processor: Any, lessons: list[Lesson], visual: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids (B, L), padded on the right, and the same with all but the answers ignored."""
    tokenizer = processor.tokenizer
    prompts, answers = [], []
    for lesson in lessons:
        shown = [{"type": "image"}] if lesson.sees else []
        turn = [{"role": "user", "content": [*shown, {"type": "text", "text": lesson.question}]}]
        text = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
        prompts.append(tokenizer(text.replace(IMAGE, IMAGE * visual))["input_ids"])
        answers.append(tokenizer(lesson.answer + END)["input_ids"])
    longest = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers, strict=True))
    # Attention looks back only, so tokens behind an answer need no mask.
    ids = torch.full((len(lessons), longest), tokenizer.pad_token_id)
    wanted = torch.full_like(ids, _IGNORED)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor(prompt + answer)
        wanted[row, len(prompt) : end] = torch.tensor(answer)
    return ids, wanted
