"""A rendered data set of a few small clips, ingested, and params to train on it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from stages.base.paths import Run
from stages.simulate.make import make as render
from stages.simulate.params import Scene
from tests.nets.small import net
from tests.once import once
from tests.stage import Workplace

CLASSES = ["Drink_Fromcup", "Enter", "Walk"]
SCENE = Scene(
    seed=1,
    clips=36,
    fps=5,
    size=(64, 48),
    seconds=(1, 1.6),
    subjects=[2, 3, 10, 19],
    cameras=[1, 2, 3],
    rooms=2,
    activities=CLASSES,
    style="home",
)
RECIPE: dict[str, Any] = {"seed": 0, "threads": 1, "epochs": 2, "batch": 4, "rate": 0.002}


def params(architecture: str = "swin3d", **changed: Any) -> dict[str, Any]:
    """Return a recipe, at a size that trains in a second."""
    block = {
        "net": net(architecture).model_dump(mode="json"),
        "pixels": {"frames": 4, "size": [48, 32], "kept": 4, "kept_size": [48, 32]},
        "recipe": RECIPE,
        "augmentation": {"crop": [0.7, 1.0], "jitter": True},
    }
    return {**block, **changed}


def values(recipes: dict[str, dict[str, Any]], labels: str = "single", **protocols: Any) -> dict[str, Any]:
    """Return params.yaml with these recipes."""
    given = protocols or {"cs": {"validation": True}, "leave_one_subject_out": {"validation": False}}
    block = {
        "adapter": "smarthome",
        "licensed": False,
        "labels": labels,
        "protocols": given,
        "accept_leaks": list(given),
    }
    return {"ingest": {"home": block}, "recipes": recipes}


def prepare(place: Workplace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put the clips there, rendered and ingested."""
    shutil.copytree(once(tmp_path_factory, "small_home", _make) / "data", place.folder / "data")


def _make(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_JOURNAL", str(folder / "journal"))
        place = Workplace(folder, patch)
        render(SCENE, Run("home"), 1, lambda _: None)
        said = place.run("ingest", "home", "data/home/clips", values=values({}))
    assert said == "", said
