"""Readers of what data sets of two people publish, and of HHIRChat's JSON, over changed inputs.

Most of what they read is free text, which another text is as good as. What is told here is that nothing but a refusal
or an error row comes of a damaged file, and that what is read can be written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.annotated import hollywood2, jpl_interaction, kinetics_interactions, shakefive2, sports_hhi
from stages.annotated.base import Annotations
from stages.chat.sample import outside
from stages.chat.table import read_rows, read_samples, write_samples
from stages.taxonomy.load import load, read
from tests.annotated import interactions as small
from tests.chat.test_chat import FIGURE, OTHER
from tests.fuzz.changing import Outcome, edited, edits, fuzz

BOX = "0.1,0.1,0.2,0.4,0.3,0.1,0.4,0.4"


def test_conversations(tmp_path: Path) -> None:
    path, table, data = tmp_path / "chat.json", tmp_path / "chat.parquet", tmp_path / "data"
    data.mkdir()
    content = json.dumps([FIGURE, OTHER, {**FIGURE, "id": 3}], ensure_ascii=False).encode()
    pieces = [
        b"..",
        b"/",
        b"\\",
        b'"',
        b"{",
        b"]",
        b"null",
        b"-1",
        b"human",
        b"\\ud83d",
        b"\\u0000",
        b"#track=1",
        b"9e9",
    ]

    def attempt(changes: Any) -> Outcome:
        path.write_bytes(edited(content, changes))
        samples = read_samples(path, data)
        for one in samples:
            if one.error is None:
                assert one.id is not None
                assert not any(outside(str(video), data) for video in (one.p1, one.p2, one.bg))
                assert [turn.speaker for turn in one.conversations or ()] == ["human", "gpt"] * 2
        write_samples(table, samples)
        assert read_rows(table) == samples
        return "reported" if any(one.error for one in samples) else "unchanged"

    fuzz("conversations", edits(pieces), attempt)


def test_a_taxonomy(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.yaml"
    whole = {"version": 1, "sources": {"one": {"a": "hug", "b": "push"}}, "classes": {"hug": ["H."], "push": ["P."]}}
    content = yaml.safe_dump(whole).encode()

    def attempt(changes: Any) -> Outcome:
        path.write_bytes(edited(content, changes))
        found = read(path)
        assert all(found.narration([into], "x") for into in found.sources.get("one", {}).values())
        return "unchanged"

    fuzz(
        "taxonomy",
        edits([b":", b"- ", b"\n", b"[", b"{", b"&a", b"*a", b"!!python/object:os.system", b"'", b"\t"]),
        attempt,
    )


READERS: dict[str, tuple[Callable[[Path], Path], str, Callable[[Path], Annotations]]] = {
    "jpl_interaction": (
        lambda folder: small.write(
            folder / "jpl_interaction_labels.csv", "file_name,label\n1_1.avi,hug\n1_2.avi,pet\n"
        ),
        "jpl_interaction_labels.csv",
        jpl_interaction.read,
    ),
    "shakefive2": (
        lambda folder: small.shakefive2(folder, {"0001": [["hug", "stand"]] * 3}),
        "0001.xml",
        shakefive2.read,
    ),
    "hollywood2": (
        lambda folder: small.hollywood2(folder, {"train": {"a": ["Kiss"], "b": []}, "test": {"c": ["Run"]}}),
        "Kiss_train.txt",
        hollywood2.read,
    ),
    "sports_hhi": (
        lambda folder: small.sports_hhi(folder, {"train": [f"v,31,{BOX},1,3,5", f"w,1,{BOX},2,0,1"], "val": []}),
        "sports_train_v1.csv",
        sports_hhi.read,
    ),
    "sports_hhi labels": (
        lambda folder: small.sports_hhi(folder, {"train": [f"v,31,{BOX},1,3,5"], "val": []}),
        "sports_action_list.pbtxt",
        sports_hhi.read,
    ),
    "kinetics_interactions": (
        lambda folder: small.write(
            folder / "a.csv", "label,youtube_id,time_start,time_end,split\nmade up hands,abc,1,9,train\nx,abd,1,9,val\n"
        ),
        "a.csv",
        kinetics_interactions.read,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_published_lists(tmp_path: Path, name: str) -> None:
    make, file, reader = READERS[name]
    make(tmp_path)
    if (source := name.partition(" ")[0]) in small.OWN:
        small.taxonomy(tmp_path, source)
    content = (tmp_path / file).read_bytes()
    known = set(load().classes) | {into for labels in small.OWN.values() for into in labels.values()}

    def attempt(changes: Any) -> Outcome:
        (tmp_path / file).write_bytes(edited(content, changes))
        found = reader(tmp_path).segments
        for one in found:
            assert set(one.labels if one.labels is not None else [one.label]) <= known | {""}
            assert bool(one.narration) == bool(one.label or one.labels)
            assert one.start is None or one.end is None or 0 <= one.start < one.end
            assert one.clip_id
        return "reported" if any(one.error for one in found) else "unchanged"

    fuzz(f"lists of {name}", edits(), attempt)
