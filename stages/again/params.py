"""Params of `again`: which methods of a data set are asked."""

from __future__ import annotations

from stages.base.params import Declared
from stages.methods.records import Record

PARAMS: Declared = {"asked": dict[str, Record]}
