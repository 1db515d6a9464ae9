"""What the integer versions stand for: change one of these values, and `VERSION` beside its code has to be raised."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from stages.learn import checkpoint, frames
from stages.learn.augment import draw, seen
from stages.learn.data import Clip
from stages.learn.device import start
from stages.learn.loop import fit
from stages.learn.params import Augmentation, Pixels
from tests.base.video.clips import noise, write_clip
from tests.learn.small import Net, Points, recipe


def test_kept_frames(tmp_path):
    path = write_clip(tmp_path / "clip.mov", noise(9, 48, 64))
    kept = frames.decode(Clip("a", path, "", 9, ("x",)), 4, (32, 32), "cover")
    digest = hashlib.md5(kept.tobytes(), usedforsecurity=False).hexdigest()
    assert (frames.VERSION, digest) == (1, "9b60947498b1449439787759c959a40a")


def test_what_training_sees():
    pixels = Pixels(frames=2, size=(8, 6), kept=4, kept_size=(16, 12))
    change = Augmentation(
        crop=(0.4, 1), ratio=(0.8, 1.25), flip=True, brightness=0.3, contrast=0.2, saturation=0.4, tint=0.1, jitter=True
    )
    look = draw(pixels, change, np.random.default_rng([0, 3, 5]))
    images = seen(torch.from_numpy(noise(4, 12, 16)[look.places][None]), [look], pixels.size)
    assert (checkpoint.VERSION, look.places.tolist()) == (2, [0, 2])
    assert images.mean((0, 1, 3, 4)).tolist() == pytest.approx([0.42305, 0.40108, 0.46542], abs=1e-4)


@pytest.mark.parametrize(
    ("dropout", "wanted"),
    [(0.0, [[1.1096, 0.973], [1.0045, 0.8774]]), (0.2, [[1.1188, 0.9772], [1.045, 0.8875]])],
)
def test_what_it_learns(dropout, wanted):
    chosen = recipe(epochs=2, mixup=0.4, average=0.9)
    accelerator, net = start(chosen), Net()
    net.body[3].p = dropout
    fitted = fit(accelerator, net, Points(), Points(20, 1), chosen, key="golden", what="points")
    losses = [(epoch.train_loss, epoch.validation_loss) for epoch in fitted.history]
    assert checkpoint.VERSION == 2
    assert np.asarray(losses) == pytest.approx(np.array(wanted), abs=1e-3)
