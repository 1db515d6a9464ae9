"""A small language model from random weights on conversations about two people: Qwen2, text only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from transformers import Qwen2Config, Qwen2ForCausalLM

from stages.base.progress import Progress
from stages.base.tables import write_text
from stages.pretrain.blank import ASSISTANT, END, PAD, TEMPLATE, USER, byte_tokenizer
from stages.pretrain.card import speaker_card
from stages.pretrain.keeping import Keeper, run_key
from stages.pretrain.packed import IGNORED
from stages.pretrain.params import SpeakerRecipe
from stages.pretrain.schedule import Optimiser
from stages.pretrain.speech import Talk, talk
from stages.weights.halved import half

#: The name of the training in what is kept of an unfinished run.
PHASE = "speaker"
#: Conversations from which the tokenizer is made.
_READ = 4000


class Spoken(NamedTuple):
    """A trained language model: its size, the mean cross-entropy of an answer's tokens, steps of before."""

    weights: int
    loss: float
    cached: int

    @property
    def words(self) -> str:
        """What was learnt, in words."""
        return f"loss {self.loss:.3f}"


def make(recipe: SpeakerRecipe, folder: Path, every: float = 30.0) -> Spoken:
    """Train a language model and save it into `folder`, as `save_pretrained` does."""
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(recipe.seed)
    model, tokenizer = blank(recipe)
    keeper = Keeper(run_key(recipe, None), every)
    cached = keeper.steps(PHASE)
    with Progress("pretrain, speaker, steps", recipe.steps, cached) as progress:
        loss = train(model, tokenizer, recipe, keeper, progress.advance)
    count = sum(parameter.numel() for parameter in model.parameters())
    weights = {name: half(value) for name, value in model.state_dict().items()}
    model.eval().save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)
    write_text(folder / "README.md", speaker_card(recipe, count, loss))
    keeper.finish()
    return Spoken(count, loss, cached)


def blank(recipe: SpeakerRecipe) -> tuple[Any, Any]:
    """Return the untrained model, its weights drawn from torch's generator, and its tokenizer."""
    rng = np.random.default_rng([recipe.seed, 1])
    talks = [talk(rng) for _ in range(_READ)]
    tokenizer = byte_tokenizer([text for one in talks for text in (*one.questions, *one.answers)], recipe.vocabulary)
    tokenizer.chat_template = TEMPLATE
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=3 * recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        bos_token_id=None,
    )
    model: Any = Qwen2ForCausalLM(config)
    return model.to(torch.float32), tokenizer


def train(model: Any, tokenizer: Any, recipe: SpeakerRecipe, keeper: Keeper, advance: Any = lambda _: None) -> float:
    """Train a model; return the mean loss over the last fifth of the steps. It goes on where `keeper` has it."""
    model.train()
    optimiser = Optimiser(model.parameters(), recipe)
    rng = np.random.default_rng([recipe.seed, 2])
    last: list[float] = []
    known = keeper.recall(PHASE, model, optimiser=optimiser)
    if known is not None:
        last, rng.bit_generator.state = known["last"], known["draw"]
    for step in range(keeper.steps(PHASE), recipe.steps):
        ids, wanted = batch(tokenizer, [talk(rng) for _ in range(recipe.batch)])
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        asked = wanted[:, 1:] != IGNORED
        loss = F.cross_entropy(model.lm_head(hidden[asked]), wanted[:, 1:][asked])
        optimiser.step(loss)
        if step >= 0.8 * recipe.steps:
            last.append(float(loss.detach()))
        advance(1)
        keeper.keep(PHASE, step + 1, model, {"draw": rng.bit_generator.state, "last": last}, optimiser=optimiser)
    return sum(last) / max(1, len(last))


def batch(tokenizer: Any, talks: list[Talk]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and what is to be said, both (B, L), padded on the right: the answers, `IGNORED` elsewhere.

    Special tokens stand at both ends of a turn, so that its parts are the tokens that the whole would have.
    """
    rows = []
    for one in talks:
        ids: list[int] = []
        wanted: list[int] = []
        for question, answer in zip(one.questions, one.answers, strict=True):
            asked = tokenizer(f"{USER}{question}{ASSISTANT}", add_special_tokens=False)["input_ids"]
            said = tokenizer(f"{answer}{END}", add_special_tokens=False)["input_ids"]
            ids += [*asked, *said]
            wanted += [*[IGNORED] * len(asked), *said]
        rows.append((ids, wanted))
    longest = max(len(ids) for ids, _ in rows)
    padding = (tokenizer.pad_token_id, IGNORED)
    padded = [[[*part, *[pad] * (longest - len(part))] for part, pad in zip(row, padding, strict=True)] for row in rows]
    return torch.tensor([ids for ids, _ in padded]), torch.tensor([wanted for _, wanted in padded])
