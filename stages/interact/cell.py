"""A cell: its names, and the frozen models that it is about, which load when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.paths import Run
from stages.encoders.loading import shape_of
from stages.encoders.params import EncoderParams
from stages.encoders.pose import PoseEncoder
from stages.encoders.vision import VisionEncoder
from stages.interact.params import Naming, Pose, Talking, Vision
from stages.learn.sharded import is_sharded
from stages.vlm.checkpoint import is_vision
from stages.vlm.engine import Engine
from stages.vlm.local import Local, device_of
from stages.vlm.params import LocalParams, NoParams


@dataclass(frozen=True)
class Cell:
    """The names of a cell, which say where its outputs go."""

    dataset: str
    method: str
    recipe: str
    protocol: str
    streams: Path | None
    """Folder of the stage `streams`; None for whole frames."""

    @property
    def run(self) -> Run:
        """The data set's files."""
        return Run(self.dataset)

    @property
    def name(self) -> str:
        """The cell in progress lines."""
        return f"interact {self.dataset} {self.method}"

    def folder(self, fold: str = "") -> Path:
        """Return where what a fold learns goes."""
        return self.run.data / "models" / self.method / fold

    def curves(self, fold: str) -> Path:
        """Return the folder of a fold's learning curves."""
        return self.run.data / "curves" / self.method / fold


class Frozen:
    """The frozen models of a recipe."""

    def __init__(self, way: Talking | Naming, vlm: LocalParams, pose: Pose, vision: Vision) -> None:
        """Bind them; none is loaded.

        Raises:
            InputError: the recipe needs a pose model or a ViT, and there is none.
        """
        where = compute()
        self.way, self._pose, self._vision = way, pose, vision
        self.device = device_of(where.device)
        vlm = vlm.model_copy(update={"dtype": way.dtype or vlm.dtype})
        # Where training is sharded it is loaded where all of it has room, and each process's part goes to its device.
        device = "cpu" if is_sharded() else where.device
        self.language = Local(vlm, device, where.batch, way.recipe.threads)
        if way.seeing.people and not isinstance(pose, EncoderParams):
            raise InputError(
                "the recipe sees people apart, and the record has no pose model",
                file="params.yaml",
                key="pose",
                do="name a file of params/models with backend: encoder, or a recipe with media: whole_frames",
            )
        if way.seeing.looks and isinstance(vision, NoParams):
            raise InputError(
                "the recipe sees a background or whole frames, and the record has nothing to see them with",
                file="params.yaml",
                key="vision",
                do="name a ViT or a VLM, a file of params/models, or a recipe with background: false",
            )
        self._tower: Local | None = None
        if way.seeing.looks and isinstance(vision, LocalParams):
            seeing = vision.model_copy(update={"dtype": way.dtype or vision.dtype})
            same = seeing == vlm and device == where.device
            self._tower = self.language if same else Local(seeing, where.device, where.batch, way.recipe.threads)

    @cached_property
    def shapes(self) -> dict[str, Any]:
        """All that shapes what each frozen model gives."""
        seeing, found = self.way.seeing, {}
        if seeing.people and isinstance(self._pose, EncoderParams):
            found["pose"] = shape_of(self._pose)
        if self._tower is not None:
            found["vision"] = {"tower": self._tower.hidden_shape()}
        elif seeing.looks and isinstance(self._vision, EncoderParams):
            found["vision"] = shape_of(self._vision)
        if isinstance(self.way, Talking):
            found["language"] = self.language.hidden_shape()
        return found

    @cached_property
    def named(self) -> dict[str, Any]:
        """Each frozen model's name and what identifies its weights, for whoever loads what was learnt."""
        found = {}
        if isinstance(self.way, Talking):
            found["language"] = {"name": self.language.params.name, "revision": self.language.revision}
        if "pose" in self.shapes and isinstance(self._pose, EncoderParams):
            found["pose"] = {"name": self._pose.name, "revision": self.shapes["pose"]["revision"]}
        if self._tower is not None:
            found["vision"] = {"name": self._tower.params.name, "revision": self._tower.revision}
        elif self.way.seeing.looks and isinstance(self._vision, EncoderParams):
            found["vision"] = {"name": self._vision.name, "revision": self.shapes["vision"]["revision"]}
        return found

    def engine(self) -> Engine:
        """Return the loaded language model."""
        return self.language.engine()

    @cached_property
    def _encoders(self) -> tuple[PoseEncoder | None, VisionEncoder | None]:
        seeing, pose, vision = self.way.seeing, None, None
        if seeing.people and isinstance(self._pose, EncoderParams):
            pose = PoseEncoder(self._pose, self.device)
        if self._tower is not None:
            engine = self._tower.engine()
            if not is_vision(engine.config):
                raise InputError(
                    "a model of text has no vision tower to see frames with",
                    file=self._tower.params.name,
                    key="vision",
                    do="name a ViT or a VLM, a file of params/models, or a recipe with background: false",
                )
            vision = VisionEncoder.within(engine.model, engine.processor, engine.device)
        elif seeing.looks and isinstance(self._vision, EncoderParams):
            vision = VisionEncoder.of(self._vision, self.device)
        return pose, vision

    def encoders(self) -> tuple[PoseEncoder | None, VisionEncoder | None]:
        """Return the pose model and the ViT, each None where it is not needed."""
        return self._encoders
