"""The model card of the embedded VLM."""

from __future__ import annotations

from stages.pretrain.frames import Clips
from stages.pretrain.params import PoseParams, PretrainParams, SpeakerRecipe

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


_POSE = """---
license: apache-2.0
library_name: transformers
pipeline_tag: keypoint-detection
---

# Pose model of the benchmark

A small ViTPose (`VitPoseForPoseEstimation`, {layers} layers, {hidden} wide, {width} x {height} pixels, {tokens}
tokens) from random weights, trained for {steps} steps of {batch} crops on {learnt} rendered people of scene `{scene}`.
COCO's 17 joints; boxes in, as any ViTPose takes them. It is a test track: use it for nothing else.

Of {held} people of other subjects {near} of the joints are found within 0.1 of the longer side of the box, {far} within
0.2.
"""


def pose_card(params: PoseParams, learnt: int, held: int, found: tuple[float, ...]) -> str:
    """Return the text of the card of a pose model."""
    width, height = params.size
    return _POSE.format(
        layers=params.layers,
        hidden=params.hidden,
        width=width,
        height=height,
        tokens=(width // params.patch) * (height // params.patch),
        steps=params.steps,
        batch=params.batch,
        learnt=learnt,
        scene=params.scene,
        held=held,
        near=f"{found[0]:.1%}",
        far=f"{found[1]:.1%}",
    )


_SPEAKER = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
---

# Language model of the benchmark's interactions

A Qwen2 of {weights:,} weights from random ones ({layers} layers, {hidden} wide), trained for {steps} steps of {batch}
conversations in which somebody describes what two people do and then says it in one word. It saw no clip; the words
are those of the rendered scene's narrations, its unseen interactions' too, as a large language model knows them all.
Mean cross-entropy of an answer's token at the end: {loss:.3f}. It is a test track: use it for nothing else.
"""


def speaker_card(recipe: SpeakerRecipe, weights: int, loss: float) -> str:
    """Return the text of the card of a language model."""
    return _SPEAKER.format(
        weights=weights,
        layers=recipe.layers,
        hidden=recipe.hidden,
        steps=recipe.steps,
        batch=recipe.batch,
        loss=loss,
    )
