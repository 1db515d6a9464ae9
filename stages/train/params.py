"""Params of `train`: what is trained on which protocol, and how."""

from __future__ import annotations

from stages.base.params import Declared
from stages.nets.trained import TrainParams

PARAMS: Declared = {"train.{dataset}.{method}": TrainParams}
