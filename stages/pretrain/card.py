"""The model card of the embedded VLM."""

from __future__ import annotations

from stages.pretrain.frames import Clips
from stages.pretrain.params import PretrainParams

_CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---

# Embedded VLM

A vision-language model of {weights:,} weights that lets the default run of this repository exercise, on a laptop with
nothing downloaded, the code that runs models of billions of parameters on a GPU. It is a test track: use it for nothing
else.

- **Architecture**: FastVLM (`FastVlmForConditionalGeneration`) with a ResNet tower of {channels} channels, {tokens}
  visual tokens an image, and a Qwen2 language model of {layers} layers, {hidden} wide.
- **Trained on**: {clips} clips of the rendered {scenes}, from random weights: {vision} steps of vision (where
  the person is, its joints, activity, object and posture, in windows of single frames and then in whole ones), then
  {language} steps of questions and answers about {frames} frames. No real person is in its training data.
- **Activities that it saw**: {seen}. Others it can at best put together from words and things that it knows.
- **Speaks to**: one-sentence descriptions, choices from a list, yes/no questions about a class, judging a caption.
  Anything else gets words without sense.
- **Limits**: it knows drawn figures in drawn rooms; on real video it guesses. Its numbers say how well the pipeline
  works, not how well VLMs recognise activities.
"""


def card(params: PretrainParams, clips: Clips, weights: int) -> str:
    """Return the text of the card."""
    return _CARD.format(
        weights=weights,
        channels=" ".join(map(str, params.channels)),
        tokens=(params.size[0] // 32) * (params.size[1] // 32),
        layers=params.layers,
        hidden=params.hidden,
        clips=len(clips.pixels),
        scenes=f"scene `{params.scene}`" + (f" and windows of `{params.tables}`" if params.tables else ""),
        vision=params.vision.steps,
        language=params.language.steps,
        frames=params.frames,
        seen=", ".join(clips.classes["label"]),
    )
