"""Trains a net, one before a frozen model, and LoRA, 20 steps each: `python -m tests.learn.run_sharded out -1`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from stages.learn import stepping
from stages.learn.checkpoint import run_key
from stages.learn.device import predict, start
from stages.learn.loop import fit
from stages.learn.sharded import whole
from tests.learn.small import Net, Points, recipe


class Words(Points):
    """Sentences of four words that lie as the points do."""

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> dict[str, torch.Tensor]:
        points = super().inputs(indices, epoch, device)["points"]
        return {"input_ids": (4 * points + 16).long().clamp(1, 31)}


def net() -> nn.Module:
    made = Net()
    made.body[0].bias = None  # as in test_together
    return made


#: Of a Llama.
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "vocab_size": 32,
    "num_hidden_layers": 2,
    "num_labels": 3,
    "pad_token_id": 0,
}


class Before(nn.Module):
    """Points as the words of a frozen language model, which is no part of the module."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import LlamaConfig, LlamaModel  # after the stages, which mend what it imports

        self.outside = [LlamaModel(LlamaConfig(**SIZES)).requires_grad_(False)]
        self.words, self.head = nn.Linear(1, 32), nn.Linear(32, 3)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        hidden = self.outside[0](inputs_embeds=self.words(points.unsqueeze(2)), use_cache=False).last_hidden_state
        logits: torch.Tensor = self.head(hidden.mean(1))
        return logits


def language() -> nn.Module:
    """Return a model whose word embeddings are frozen like the rest; LoRA and the head learn."""
    import peft
    from transformers import LlamaConfig, LlamaForSequenceClassification

    config = LlamaConfig(**SIZES)
    lora = peft.LoraConfig(target_modules=["q_proj", "v_proj"], r=4, lora_dropout=0.1, modules_to_save=["score"])
    model: nn.Module = peft.get_peft_model(LlamaForSequenceClassification(config), lora)
    return model


def main(out: str, killed_at: int) -> None:
    take, losses, steppers = stepping.Stepper.take, [], []

    def taking(self: stepping.Stepper, step: int) -> float:
        if step == killed_at and self.what == "lora":
            os.kill(os.getpid(), signal.SIGKILL)
        losses.append(take(self, step))
        steppers[:] = [self]
        return losses[-1]

    stepping.Stepper.take = taking  # type: ignore[method-assign]
    chosen = recipe(epochs=4, batch=9, accumulate=2, mixup=0.0, average=0.9)
    accelerator = start(chosen)
    found = {}
    for name, make, source in (("net", net, Points), ("before", Before, Points), ("lora", language, Words)):
        torch.manual_seed(0)
        model = make()
        losses.clear()
        steppers.clear()
        key = run_key(accelerator.device, accelerator.num_processes, name=name)
        fitted = fit(accelerator, model, source(), source(20, 1), chosen, key=key, what=name, every=0)
        state = steppers[0].optimiser.state_dict()["state"] if steppers else {}
        found[name] = {
            "losses": list(losses),
            "cached": fitted.cached,
            "history": [list(one) for one in fitted.history],
            "logits": torch.from_numpy(predict(accelerator, model, source(21, 2), 4)),
            "weights": whole(model.state_dict()),
            "held": {key: held(value) for key, value in weights(model)},
            "moments": {str(key): held(value["exp_avg"]) for key, value in state.items()},
        }
    torch.save(found, f"{out}.{accelerator.process_index}")


def weights(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield a model's weights, and those of the layers of what is outside of it."""
    yield from model.named_parameters()
    for each in getattr(model, "outside", ()):
        yield from each.layers.named_parameters()


def held(value: Any) -> tuple[int, int]:
    """Return how many numbers of a weight this process holds, and how many there are."""
    part = value.to_local() if hasattr(value, "to_local") else value
    return part.numel(), value.numel()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
