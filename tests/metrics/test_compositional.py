"""Verb, noun and action of an answer, by its scores where it has them, else by the class that it names."""

from __future__ import annotations

import pytest

from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS
from stages.base.tables import write_table
from stages.labels.classes import class_list, write_classes
from stages.metrics.context import Context, Settings
from stages.metrics.registry import METRICS

RUN = Run("kitchen")
NAMES = [f"{head}_{best}" for head in ("verb", "noun", "action") for best in (1, 5)]
VERBS, NOUNS = ["cut", "put", "take"], ["knife", "plate"]


def write(*answers: dict, noun: str | None = "plate") -> None:
    clip = {"clip_id": "a", "labels": ["take plate"], "verb": "take", "noun": noun}
    write_table(RUN.manifest, [clip], MANIFEST)
    write_classes(RUN, class_list([["take plate"], ["put knife"]], "single", {"take plate": ("take", "plate")}))
    rows = [{"clip_id": "a", "method": "m", "repeat": n, "status": "ok", **one} for n, one in enumerate(answers)]
    write_table(RUN.predictions("m"), rows, PREDICTIONS)


def measured() -> list[dict[str, float | None]]:
    found: list[dict[str, float | None]] = []
    with Context(RUN, "m", Settings(metrics=NAMES, encoder="x")) as context:
        for name in NAMES:
            for row in METRICS[name].rows(context):
                found += [{}] * (row.repeat + 1 - len(found))
                found[row.repeat] = {**found[row.repeat], name: row.value}
    return found


def test_scores_are_ranked_and_what_only_names_a_class_is_taken_at_its_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scored = {"labels": ["take knife"], "verbs": VERBS, "nouns": NOUNS}
    scored |= {"verb_scores": [0.1, 0.2, 0.7], "noun_scores": [0.9, 0.1]}
    write(scored, {"labels": ["take plate"]}, {"labels": ["put knife"]}, {"labels": ["cut cheese"]}, {"labels": []})
    first, same, other, unknown, nothing = measured()
    assert first == {"verb_1": 1, "verb_5": 1, "noun_1": 0, "noun_5": 1, "action_1": 0, "action_5": 1}
    assert same == {"verb_1": 1, "noun_1": 1, "action_1": 1} | dict.fromkeys(["verb_5", "noun_5", "action_5"])
    for one in (other, unknown, nothing):
        assert one == dict.fromkeys(["verb_1", "noun_1", "action_1"], 0) | dict.fromkeys(
            ["verb_5", "noun_5", "action_5"]
        )


def test_a_clip_without_a_noun_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write({"labels": ["take plate"]}, noun=None)
    with pytest.raises(Exception, match="the clip has no verb or no noun"):
        measured()
