"""Every reader of foreign bytes, over changed inputs."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from stages.base.journal.store import Journal, journal_key
from stages.base.schema import SPLITS
from stages.base.tables import read_table, write_table
from stages.checkpoint.state import Checkpoint
from stages.ingest.adapters import load
from stages.ingest.annotations import read_annotations
from stages.ingest.manifest_rows import Entry, rows_of
from stages.ingest.sources import bare, read_names
from stages.vlm.base import Answer, Request
from stages.vlm.params import ApiParams
from stages.vlm.recorded import read_generations
from stages.vlm.reply import Garbage, read
from tests.fuzz.changing import Outcome, any_text, edited, edits, fuzz

CLASSES = {"baby_visible", "ventilation", "suction"}
RECORDINGS = {"p00", "p01"}
TABLE = "recording,label,start,end,note\n" + "".join(
    f"{name},{label},{start},{start + 2.25},seen\n"
    for name in sorted(RECORDINGS)
    for label in sorted(CLASSES)
    for start in (0.5, 12, 33.125)
)


def of_structure(content: bytes) -> list[int]:
    """Places of a table at which no number is made another one: the beginnings and ends of its fields."""
    return [place for place, byte in enumerate(content) if chr(byte) in ',;"\t\n\r\0 ' or place == 0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_annotations(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "annotations.csv"
    content = TABLE.replace(",", separator).encode()
    path.write_bytes(content)
    whole = {one[:4] for one in read_annotations(path, "seconds", CLASSES)}
    # A line break that is set where another row begins, or a file cut there, leaves a whole table of other rows.
    pieces = [b",", b";", b"\t", b'"', b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"x", b"\xc3", b'""', b"\n\n"]
    structural = [piece for piece in pieces if piece != b"," or separator == ","]

    def attempt(changes: Any) -> Outcome:
        path.write_bytes(edited(content, changes, of_structure))
        found = {one[:4] for one in read_annotations(path, "seconds", CLASSES)}
        if found == whole:
            return "unchanged"
        strange = {one for one in found - whole if one[0] not in RECORDINGS}  # a finding of the audit
        assert found - strange <= whole, sorted(found - whole)
        assert len(found) == len(whole)
        return "reported"

    fuzz(f"annotations with {separator!r}", edits(structural, ("insert", "delete", "set")), attempt)


def test_annotations_of_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"

    def drawn(of: random.Random) -> bytes:
        table = of.choice([None, TABLE.encode(), TABLE.encode("utf-16")])
        return edited(table, edits()(of)) if table else of.randbytes(of.randint(0, 200))

    def attempt(content: bytes) -> Outcome:
        path.write_bytes(content)
        for one in read_annotations(path, "seconds", CLASSES):
            assert one.label in CLASSES
            assert 0 <= one.start < one.end
        return "reported"  # a number that is another one is none that a reader can know

    fuzz("annotations of any bytes", drawn, attempt)


@pytest.mark.parametrize("kind", ["list", "object"])
def test_published_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "published.json"
    texts = {f"Walk_p{number:02}_r00_v01_c01": f'A man walks, {number} times. "So" ü' for number in range(12)}
    entries = [f"{clip}_0.jpeg--{text}" for clip, text in texts.items()]
    content = json.dumps(entries if kind == "list" else texts, ensure_ascii=False, indent=1).encode()

    def attempt(changes: Any) -> Outcome:
        path.write_bytes(edited(content, changes))
        found = read_generations(path)
        read_names(path)
        for text in found.texts.values():
            text.encode()
        assert len(found.texts) + len(found.problems) > 0
        return "unchanged" if found.texts == texts else "reported"

    fuzz(f"published {kind}", edits(), attempt)


def test_journal_segments(tmp_path: Path) -> None:
    values = {journal_key(n=number): {"text": f"ü {number}", "p": {"a": number / 7}} for number in range(8)}
    with Journal("fuzz") as journal:
        for key, value in values.items():
            journal.put(key, value)
        folder = journal.folder
    (segment,) = folder.glob("*.jsonl")
    content = segment.read_bytes()

    def attempt(changes: Any) -> Outcome:
        segment.write_bytes(edited(content, changes))
        with Journal("fuzz") as found:
            kept = {key: found.get(key) for key in values if key in found}
        assert all(value == values[key] for key, value in kept.items())
        return "unchanged" if kept == values else "reported"  # what is not there is computed again

    fuzz("journal segments", edits(), attempt)


def test_checkpoints() -> None:
    state = {"weights": {"a": torch.arange(40.0).reshape(5, 8)}, "step": 3, "history": [[1, 0.5, None]]}
    checkpoint = Checkpoint("fuzz", "run")
    checkpoint.save("state", state)
    file, sums = checkpoint.folder / "state.pt", checkpoint.folder / "state.pt.sum"
    contents = [file.read_bytes(), sums.read_bytes()]

    def attempt(drawn: Any) -> Outcome:
        which, changes = drawn
        for number, path in enumerate((file, sums)):
            path.write_bytes(edited(contents[number], changes) if number == which else contents[number])
        found = checkpoint.load("state")
        if found is None:
            return "reported"  # said on standard error, and left aside
        assert torch.equal(found["weights"]["a"], state["weights"]["a"])
        assert (found["step"], found["history"]) == (state["step"], state["history"])
        return "unchanged"

    fuzz("checkpoints", lambda of: (of.randint(0, 1), edits()(of)), attempt)


def test_parquet(tmp_path: Path) -> None:
    rows = [
        {"protocol": "cs", "fold": "", "clip_id": f"clip{number:05}", "part": ("train", "test")[number % 2]}
        for number in range(300)
    ]
    path = tmp_path / "splits.parquet"
    write_table(path, rows, SPLITS)
    content, whole = path.read_bytes(), read_table(path, SPLITS)

    def attempt(changes: Any) -> Outcome:
        path.write_bytes(edited(content, changes))
        found = read_table(path, SPLITS)
        assert found.equals(whole), pl.concat([found, whole]).unique(keep="none")
        return "unchanged"

    fuzz("Parquet", edits(), attempt)


KEYS = ("content", "text", "type", "token", "logprob", "top_logprobs", "bytes", "role")
SCALARS = (None, True, False, 0, -1, 2**31, 10**400, 0.5, -1e308, math.nan, math.inf, "", "\ud83d", "<think>", "Yes")


def value(of: random.Random, deep: int = 3) -> Any:
    """Draw any JSON value."""
    kind = of.randrange(6 if deep else 4)
    if kind < 2:
        return of.choice(SCALARS)
    if kind == 2:
        return of.choice([of.randint(-(2**40), 2**40), of.uniform(-3, 3), of.gauss(0, 1e9)])
    if kind == 3:
        return any_text(of, 8, surrogates=True)
    inner = [value(of, deep - 1) for _ in range(of.randint(0, 3))]
    return inner if kind == 4 else dict(zip(of.sample(KEYS, len(inner)), inner, strict=True))


SHARES = [{"token": token, "logprob": share, "bytes": None} for token, share in (("Yes", -0.1), ("No", -2.3))]
REPLY: dict[str, Any] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Yes", "refusal": None},
            "logprobs": {"content": [SHARES[0] | {"top_logprobs": SHARES}]},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(value[path[0]], path[1:], new)
    return copied


def test_server_replies() -> None:
    from openai.types.chat import ChatCompletion

    params = ApiParams(
        backend="api",
        name="m",
        engine="x 1",
        key=None,
        media="images",
        frames=1,
        image_format="png",
        image_side=None,
        detail=None,
        max_new_tokens=8,
        temperature=0,
        seed=0,
        logprobs=True,
        constrain=None,
    )
    request = Request("Is it so?", options=("Yes", "No"))
    inside = places(REPLY)[1:]

    whole = read(ChatCompletion.construct(**REPLY), request, params, lambda text: text)
    assert whole.p is not None

    def attempt(change: Any) -> Outcome:
        changed = put(REPLY, *change)
        answer = read(ChatCompletion.construct(**changed), request, params, lambda text: text)
        assert answer.status in ("ok", "refused", "error")
        assert isinstance(answer.text, str)
        journal.put("one", answer._asdict())
        assert Answer(**journal.get("one")).text == answer.text
        for said in (answer.text, answer.detail or "", answer.thinking or "", answer.ended or ""):
            said.encode()
        for number in (answer.tokens_in, answer.tokens_out, answer.tokens_thinking):
            assert number is None or (isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31)
        for share in (answer.p or {}).values():
            assert 0 <= share <= 1
        return "unchanged" if answer == whole else "reported"

    with Journal("replies") as journal:
        fuzz("server replies", lambda of: (of.choice(inside), value(of)), attempt, (Garbage,))


@pytest.mark.parametrize(
    "adapter",
    [
        *("air_act2act", "folders", "ntu_rgbd", "recordings", "resuscitation", "sbu_kinect", "smarthome"),
        *("tv_human_interaction", "ut_interaction", "weizmann"),
    ],
)
def test_names(adapter: str) -> None:
    loaded = load(adapter)
    named = ["Walk_p02_r00_v01_c01", "p01_m02_t03_r004", "daria_bend", "0_1_4", "wave/1", "Cook.Cut_p02_r00_v01_c03"]
    named += ["s01s02/03/001", "hug_0012", "S001C001P001R001A050_rgb", "C001P010A003S002"]

    def name(of: random.Random) -> str:
        one = of.choice(named)
        changed = edited(one.encode(), edits()(of)).decode(errors="replace")
        return of.choice([one, changed, changed, any_text(of, 30)])

    def attempt(drawn: list[str]) -> Outcome:
        rows = rows_of([Entry(bare(name), name, name) for name in drawn], loaded)
        assert len({row.clip_id for row in rows}) == len(rows) == len(drawn)
        return "reported" if any(row.error for row in rows) else "unchanged"

    fuzz(f"names of {adapter}", lambda of: [name(of) for _ in range(of.randint(0, 5))], attempt)
