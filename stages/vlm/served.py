"""Which weights a server has, as far as it says: recorded outside of git, with a warning where they changed.

A server is asked for a name, and tells nobody when other weights get it. What it does tell (its entry in `/v1/models`,
the `system_fingerprint` of its replies) is kept next to the journal, in `<journal>/served/`, a file a model.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any

from stages.base.journal.store import root
from stages.base.tables import write_json

#: Fields of a model's entry that change from reply to reply, or say what a caller may do.
_PASSING = ("permission", "created")


def entry(models: Any, name: str) -> dict[str, Any] | None:
    """Return what a reply to `/v1/models` says of a model, without what changes by itself; None where it says nothing.

    `created` stays where it is a date of the past: some servers write the time of the reply.
    """
    listed = models.get("data") if isinstance(models, dict) else None
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("id") == name:
            kept = {key: value for key, value in one.items() if key not in _PASSING}
            created = one.get("created")
            old = isinstance(created, int | float) and 0 < created < time.time() - 86400
            return kept | ({"created": created} if old else {})
    return None


class Served:
    """The record of one model by name and engine; not by address, which shapes no answer."""

    def __init__(self, name: str, engine: str) -> None:
        self.name, self.engine = name, engine
        self._lock = threading.Lock()

    @property
    def file(self) -> Path:
        """Where it is kept."""
        digest = hashlib.blake2b(json.dumps([self.name, self.engine]).encode(), digest_size=8).hexdigest()
        return root() / "served" / f"{digest}.json"

    def note(self, said: dict[str, Any] | None = None, fingerprint: str | None = None) -> str | None:
        """Record what the server says; return in words what is other than it was, null where nothing is."""
        with self._lock:
            known = self._read()
            old: dict[str, Any] = known["model"] or {}
            changed = [
                f"{key} was {old[key]!r} and is {value!r}"
                for key, value in (said or {}).items()
                if key in old and old[key] != value
            ]
            if fingerprint and fingerprint not in known["fingerprints"]:
                if known["fingerprints"]:
                    changed.append(f"system_fingerprint was {known['fingerprints'][-1]!r} and is {fingerprint!r}")
                known["fingerprints"].append(fingerprint)
            elif not changed and set(said or {}) <= set(old):
                return None
            known["model"] = old | (said or {})
            write_json(self.file, known)
        return "; ".join(changed)[:500] or None

    def _read(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"name": self.name, "engine": self.engine, "model": None, "fingerprints": []}
        try:
            known = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return empty
        fits = isinstance(known, dict) and isinstance(known.get("fingerprints"), list)
        return empty | known if fits and isinstance(known.get("model") or {}, dict) else empty
