"""Tiny models with random weights, of the architectures that the studies name, for tests of any room.

Each is a stock transformers class with its real processor, a small tokenizer and a chat template, written with
`save_pretrained` and loaded by path as any other: what runs on them runs on the models of billions of parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

from stages.vlm.architectures import ARCHITECTURES


def save(architecture: str, folder: Path, seed: int = 0) -> Path:
    """Write a tiny model of an architecture (see `architectures.py`) into `folder` and return the folder."""
    config, processor = ARCHITECTURES[architecture]()
    text_only = architecture == "llama"
    kind: Any = transformers.AutoModelForCausalLM if text_only else transformers.AutoModelForImageTextToText
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = kind.from_config(config)
    for name, parameter in model.named_parameters():
        if name.endswith("gate"):  # Llama 3.2 Vision starts training with its image gates shut
            parameter.data.fill_(1.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
