"""The people found: which clip and frame stand for a class, what is drawn and said, and what a page must not show."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from stages.base import schema
from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.tables import read_table, write_table
from stages.base.video.decode import read_frames
from stages.base.video.overlay import overlay
from stages.base.video.streams import Streams
from stages.report.inputs import load
from stages.report.people import people
from stages.report.render import page
from tests.report import small
from tests.report.filmed import DRINK, FRAMES, LEFT, PEOPLE, RIGHT, TV, WALK, film
from tests.streams.drawn import clip, drawn

RUN = Run("small")
ERRORS = {WALK[2]: "it cannot be decoded", "broken": "no video stream"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small.write(RUN)
    return film(RUN, PEOPLE, ERRORS)


def file_of(clip_id):
    return RUN.clips / f"{clip_id}.mov"


def test_the_first_clip_with_both_in_half_of_its_frames_stands_for_a_class_else_the_one_with_most(folder):
    found = people(load(RUN, None), folder, 200)
    assert [(one.words, one.clip, one.both, one.frames) for one in found.pictures] == [
        ("drinking from a cup", DRINK[2], 3, FRAMES),
        ("walking", WALK[1], 1, FRAMES),
        ("watching television", TV[2], 0, FRAMES),  # somebody in more frames than in the others
    ]
    # The middle is frame 3, at ten frames a second; the two are in that frame, in the first one, nowhere.
    assert [one.time for one in found.pictures] == [0.3, 0.0, 0.3]
    assert [(one.two, one.clips) for one in found.pictures] == [(3, 4), (1, 2), (0, 3)]
    assert found[:4] == (4, 4, 1, 2)
    assert found.clips == len(PEOPLE)


def test_what_a_protocol_tests_goes_first(folder):
    splits = read_table(RUN.splits, schema.SPLITS).to_dicts()
    rows = [{**row, "part": "train" if row["clip_id"] in (*DRINK[1:3], *WALK) else "test"} for row in splits]
    write_table(RUN.splits, rows, schema.SPLITS)
    shown = [one.clip for one in people(load(RUN, None), folder, 200).pictures]
    assert shown == [DRINK[3], WALK[1], TV[2]]


@pytest.mark.parametrize(("width", "size"), [(200, (200, 120)), (100, (100, 60))])
def test_the_picture_is_the_frame_with_all_people_over_it(folder, width, size):
    shown, *_ = people(load(RUN, None), folder, width).pictures
    with Image.open(io.BytesIO(base64.b64decode(shown.image.partition(",")[2]))) as image:
        assert image.size == size
        seen = np.asarray(image.convert("RGB"), int)
    frames, _ = read_frames(file_of(DRINK[2]))
    rows = Streams(folder).rows(DRINK[2])
    assert rows["track"].n_unique() == 3
    off = [np.abs(seen - overlay(frame, rows, place, width)).mean() for place, frame in enumerate(frames)]
    assert np.argmin(off) == 3
    assert off[3] < 6


def test_a_clip_that_cannot_be_drawn_costs_its_picture_and_says_so(folder):
    file_of(DRINK[2]).write_bytes(file_of(DRINK[2]).read_bytes()[:400])
    file_of(WALK[1]).unlink()
    images, _ = drawn([LEFT], FRAMES, size=(100, 60), tall=36)
    clip(RUN.clips, images, TV[2])
    found = people(load(RUN, None), folder, 200)
    assert [one.image for one in found.pictures] == ["", "", ""]
    why = [one.why for one in found.pictures]
    assert f"{DRINK[2]}.mov: " in why[0]
    assert why[1].endswith(f"{WALK[1]}.mov: the file cannot be read: No such file or directory")
    assert "the mask of track 1 does not fit" in why[2]
    text = " ".join(page(load(RUN, None), small.params(), small.rules(streams=folder)).split())
    assert text.count("No picture: ") == 3
    assert f"<b>walking</b> <code>{WALK[1]}</code> both in 1 of 6 frames, and in 1 of 2 clips of the class" in text


def test_the_page_says_what_is_shown_and_in_how_many_clips_there_are_two(folder):
    text = " ".join(page(load(RUN, None), small.params(), small.rules(streams=folder)).split())
    assert "were found in 4 of 9 clips; one at a time in 4, nobody in 1; 2 more could not be looked at." in text
    shown = "at 0.3 s; both in 3 of 6 frames, and in 3 of 4 clips of the class"
    assert f"<b>drinking from a cup</b> <code>{DRINK[2]}</code> {shown}" in text
    assert re.findall(r'class="swatch" style="background: (rgb\([\d ]+\))"></span>([\w -]+)<', text) == [
        ("rgb(230 159 0)", "person 1"),
        ("rgb(86 180 233)", "person 2"),
        ("rgb(160 160 160)", "passers-by"),
    ]
    assert text.count('alt="The people found in ') == 3


def test_a_class_without_a_clip_that_could_be_looked_at_is_named():
    folder = film(RUN, {DRINK[0]: [LEFT, RIGHT]}, dict.fromkeys((*WALK, *TV), "too dark"))
    found = people(load(RUN, None), folder, 200)
    assert ([one.clip for one in found.pictures], found.without) == ([DRINK[0]], ["walking", "watching television"])
    text = " ".join(page(load(RUN, None), small.params(), small.rules(streams=folder)).split())
    assert "No clip could be looked at of these classes: walking, watching television." in text


def test_where_nobody_was_found_the_frame_is_shown_as_it_is():
    found = people(load(RUN, None), film(RUN, {DRINK[0]: []}, {}), 200)
    assert found[:4] == (0, 0, 1, 0)
    (shown,) = found.pictures
    assert (shown.clip, shown.both, shown.time, shown.why) == (DRINK[0], 0, 0.3, "")
    assert shown.image.startswith("data:image/webp;base64,")


@pytest.mark.parametrize(*small.RULE_OF_IMAGES)
def test_pictures_obey_the_rule_of_images_and_counts_are_on_each_page(folder, images, licensed, shown):
    text = page(load(RUN, None), small.params(images=images), small.rules(licensed=licensed, streams=folder))
    section = text[text.index('<section id="people">') : text.index('<section id="classes">')]
    assert "in 4 of 9 clips" in section
    assert section.count("<figure") == section.count("data:image") == (3 if shown else 0)
    assert ("data:image" in text) == shown
    assert ("stay out of the page" in section) == (licensed and not shown)


def test_a_page_without_streams_has_no_such_section():
    text = page(load(RUN, None), small.params(), small.rules())
    assert "#people" not in text
    assert 'id="people"' not in text


def test_same_clips_and_tables_give_the_same_bytes(folder):
    one, other = (page(load(RUN, None), small.params(), small.rules(streams=folder)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("name", ["tracks.parquet", "clips.parquet"])
def test_a_missing_table_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: no such file"):
        people(load(RUN, None), folder, 200)
