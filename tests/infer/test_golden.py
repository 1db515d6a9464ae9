"""Rows are journalled under a key that has the integer VERSION: it must rise when the same answers give another row."""

import hashlib
import json

from stages.infer.outcome import VERSION, asked_each, described, listed
from stages.vlm.base import Answer

#: What `test_golden` sees, by VERSION. Where it fails: raise VERSION, and add what it sees now.
GOLDEN = {1: "7a5a08bc20668c88", 2: "41ba08a135ff6cfe"}

WORDS = {"Cook": "cook", "Getup": "get up", "Sitdown": "sit down"}
TEXTS = ["get up", "Cook, sit down", "dancing", "none", "", "1. cook\n2. dance", "Yes", "No.", "No one", "Yes, sitting"]


def test_golden():
    rows = []
    for text in TEXTS:
        answer = Answer(text, tokens_in=3, tokens_out=2)
        weighed = answer._replace(p={"cook": 0.25, "get up": 0.5, "sit down": 0.25})
        rows += [described(answer), *(listed(one, WORDS, many) for one in (answer, weighed) for many in (False, True))]
    for said in zip(TEXTS, TEXTS[3:] + TEXTS[:3], TEXTS[6:] + TEXTS[:6], strict=True):
        for p in (None, 0.75):
            answers = {
                name: Answer(text, p=p and {"Yes": p, "No": 1 - p}) for name, text in zip(WORDS, said, strict=True)
            }
            rows += [asked_each(answers, many, "a caption") for many in (False, True)]
    rows += [described(Answer("", status, "why")) for status in ("refused", "missing", "error")]
    digest = hashlib.blake2b(json.dumps(rows).encode(), digest_size=8).hexdigest()
    assert GOLDEN.get(VERSION) == digest, f"raise VERSION in stages/infer/outcome.py: {digest}"
