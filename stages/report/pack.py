"""JSON packed for an inline script: deflated, then base64, so that no text of a caption can end the script."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any


def packed(value: Any) -> str:
    """Return `value` as base64 of deflated UTF-8 JSON; the same value gives the same text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def unpacked(text: str) -> Any:
    """Return what `packed` was given."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
