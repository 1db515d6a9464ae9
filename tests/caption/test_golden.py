"""Captions are journalled under a key that has the integer VERSION: it must rise when the same model writes another."""

import hashlib
import json

from stages.caption.loop import VERSION
from stages.vlm.prompts import Prompt
from tests.caption.test_loop import clips, rules, run, teller

#: What `test_golden` sees, by VERSION. Where it fails: raise VERSION, and add what it sees now.
GOLDEN = {1: "1198d963deaff453", 2: "88e2e1f47d5cab9a"}


def test_golden(tmp_path):
    (tmp_path / "ask.txt").write_text("{{ activities | join }} {{ keywords | join }}")
    (tmp_path / "insist.txt").write_text("{{ activities | join }} {{ keywords | join }} not {{ caption }}")
    asked = rules(3)._replace(ask=Prompt(tmp_path, "ask"), insist=Prompt(tmp_path, "insist"))
    seen = [
        [clip_id, caption]
        for each in [clips(8), clips(4, ("Cook_Cut", "Walk")), clips(2, ())]
        for clip_id, caption in sorted(run(teller(0.4, 8), each, 3, asked)[0].items())
    ]
    digest = hashlib.blake2b(json.dumps(seen).encode(), digest_size=8).hexdigest()
    assert GOLDEN.get(VERSION) == digest, f"raise VERSION in stages/caption/loop.py: {digest}"
