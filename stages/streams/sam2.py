"""The back end `sam2`: a detector finds people on one frame; SAM 2, EdgeTAM or SAM 3 follows them both ways.

Ravi et al. 2024, SAM 2; Zhou et al. 2025, EdgeTAM; Carion et al. 2025, SAM 3, of which the tracker alone is loaded; as
transformers has them, by hub name or path. The frame that prompts is the one, of some spread evenly over the clip, on
which the detector sees most people; each of their boxes is one object of one session. What the paper (OV-HHIR) did by
clicks in Track Anything is done by these boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any, NamedTuple, cast

import numpy as np

from stages.base.errors import InputError
from stages.base.video.decode import Image
from stages.base.video.masks import resized
from stages.base.video.sample import shrunk, uniform_indices
from stages.streams.finder import Clip, Seen, seen
from stages.streams.params import VideoParams
from stages.vlm.checkpoint import explained, load_config, revision_of
from stages.vlm.local import device_of

#: Raise it when the same clip and weights give other people.
VERSION = 1
#: The longer side of the frames that are held: the models look at squares of 1,024 pixels, or 1,008.
_SIDE = 1024
#: Classes of model and processor of each architecture that follows boxes. A folder of all of SAM 3 is `sam3_video`.
_CLASSES = {
    "sam2_video": ("Sam2VideoModel", "Sam2VideoProcessor"),
    "edgetam_video": ("EdgeTamVideoModel", "Sam2VideoProcessor"),
    "sam3_video": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
    "sam3_tracker_video": ("Sam3TrackerVideoModel", "Sam3TrackerVideoProcessor"),
}
_LIBRARIES = ("torch", "torchvision", "transformers")


class Prompt(NamedTuple):
    """A frame, and the boxes of the people that the detector sees on it: left, top, right, bottom, pixels."""

    frame: int
    boxes: list[list[float]]


class Sam2:
    """Finds people by models of transformers, which load with the first clip."""

    def __init__(self, params: VideoParams, device: str) -> None:
        self.params, self._wanted = params, device

    def shapes(self, clip_id: str) -> dict[str, Any]:
        """Return the versions, and what identifies both models' weights."""
        names = (self.params, self.params.detector)
        libraries = {name: version(name).split("+")[0] for name in _LIBRARIES}
        return {"version": VERSION, "weights": [revision_of(one.name, one.revision) for one in names], **libraries}

    def known(self, clip_id: str) -> tuple[int, int] | None:
        """Return None: nothing in a clip says who interacts."""
        return None

    def find(self, clip: Clip, views: Sequence[Image] = ()) -> list[Seen]:
        """Return the people of a clip, numbered by the detector's score.

        Raises:
            InputError: the clip cannot be decoded, is too long, or a model does not load.
        """
        if clip.frames > self.params.frames:
            do = "take windows of it (block `windows` of its data set), or raise `frames` where memory allows"
            raise InputError(f"{clip.frames} frames, more than {self.params.frames}", file=clip.path, do=do)
        images = [shrunk(image, _SIDE) for _, image in clip.images()]
        prompt = self.prompt(images)
        found: dict[tuple[int, int], Seen] = {}
        for frame, person, mask, score in self._follow(images, prompt) if prompt.boxes else ():
            one = seen(person, frame, resized(mask, clip.height, clip.width), score)
            if one is not None:
                found[person, frame] = one
        return list(found.values())

    def prompt(self, images: Sequence[Image]) -> Prompt:
        """Return the frame with the most people, of equal ones that of the highest scores, and their boxes."""
        import torch

        best, worth = Prompt(0, []), (0, 0.0)
        processor, model, label = self._detector
        for place in sorted(set(uniform_indices(len(images), self.params.looks))) if images else ():
            inputs = processor(images=images[place], return_tensors="pt").to(model.device)
            with torch.no_grad():
                outputs = model(**inputs)
            (seen_here,) = processor.post_process_object_detection(
                outputs, threshold=self.params.detector.threshold, target_sizes=[images[place].shape[:2]]
            )
            people = seen_here["labels"] == label
            scores, order = torch.sort(seen_here["scores"][people], descending=True, stable=True)
            boxes = seen_here["boxes"][people][order][: self.params.people].tolist()
            if (len(boxes), float(scores[: len(boxes)].sum())) > worth:
                best, worth = Prompt(place, boxes), (len(boxes), float(scores[: len(boxes)].sum()))
        return best

    def _follow(self, images: Sequence[Image], prompt: Prompt) -> Iterator[tuple[int, int, Any, float]]:
        """Yield frame, person, mask (H, W) and score of who is followed, from the prompt forwards, then backwards."""
        import torch

        processor, model = self._segmenter
        dtype = getattr(torch, self.params.dtype)
        session = processor.init_video_session(
            video=np.stack(images),
            inference_device=model.device,
            inference_state_device="cpu",
            video_storage_device="cpu",
            dtype=dtype,
        )
        people = list(range(len(prompt.boxes)))
        processor.add_inputs_to_inference_session(
            session, frame_idx=prompt.frame, obj_ids=people, input_boxes=[prompt.boxes]
        )
        size = [list(images[0].shape[:2])]
        with torch.no_grad():
            model(session, frame_idx=prompt.frame)
            for reverse in (False, True):
                for output in model.propagate_in_video_iterator(session, prompt.frame, reverse=reverse):
                    masks = processor.post_process_masks([output.pred_masks.float()], size)[0]
                    scores = torch.sigmoid(output.object_score_logits.float()).flatten().tolist()
                    for person, mask, score in zip(output.object_ids, masks.cpu().numpy(), scores, strict=True):
                        yield output.frame_idx, person, mask[0].astype(bool), score

    @cached_property
    def _device(self) -> str:
        return device_of(self._wanted)

    @cached_property
    def _segmenter(self) -> tuple[Any, Any]:
        """Return the processor and the model that follows."""
        import torch
        import transformers

        of = self.params
        config = load_config(of.name, of.revision)
        if config.model_type not in _CLASSES:
            do = f"name one of architecture {' or '.join(_CLASSES)}, such as facebook/sam2.1-hiera-tiny"
            raise InputError(f"its architecture is {config.model_type}", file=of.name, key="name", do=do)
        kind, processors = (getattr(transformers, name) for name in _CLASSES[config.model_type])
        with explained(of.name):
            model, found = kind.from_pretrained(
                of.name,
                revision=of.revision,
                dtype=getattr(torch, of.dtype),
                use_safetensors=True,
                output_loading_info=True,
            )
            processor = processors.from_pretrained(of.name, revision=of.revision)
        if missing := sorted(found["missing_keys"]):
            # Transformers would go on with random numbers in their place.
            what = f"{len(missing)} of its weights are missing: {missing[0]}"
            raise InputError(what, file=of.name, key="name", do="give a whole checkpoint")
        return processor, model.to(self._device).eval()

    @cached_property
    def _detector(self) -> tuple[Any, Any, int]:
        """Return the processor and the model that finds people, and the number of their class."""
        import transformers

        of, processors = self.params.detector, cast(Any, transformers.AutoImageProcessor)
        with explained(of.name):
            model = transformers.AutoModelForObjectDetection.from_pretrained(
                of.name, revision=of.revision, use_safetensors=True
            )
            processor = processors.from_pretrained(of.name, revision=of.revision)
        label = {name: int(number) for number, name in model.config.id2label.items()}.get(of.label)
        if label is None:
            do = "set `detector.label` to the class of its config.json that is a person"
            raise InputError(f"it has no class {of.label!r}", file=of.name, key="detector.label", do=do)
        return processor, model.to(self._device).eval(), label
