"""Tables TRUTH, RECORDINGS, SEGMENTS and ENCOUNTERS: what the simulator knows about every clip of a scene."""

from __future__ import annotations

import pyarrow as pa

from stages.base.schema import STR, STRS

#: What every table says of a clip's file, and of what is masked in it.
_SIZE = (
    pa.field("frames", pa.int32(), nullable=False),
    pa.field("fps", pa.float64(), nullable=False),
    pa.field("width", pa.int32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
)
_MASKED = (
    pa.field("boxes", pa.list_(pa.int16()), nullable=False),
    pa.field("masks", pa.list_(pa.int32()), nullable=False),
    pa.field("plate", pa.binary(), nullable=False),
)

#: A clip, as it was rendered. Words: "a {person} in a {shirt} shirt is {phrase}"; `verb` and `object` are the
#: phrase's parts (`object` null where there is none), `place` where it happens, `posture` how the body is.
#: Sequences run over the clip's T frames, flattened, first axis slowest:
#: `joints` (T, 17, 2), COCO's order, pixels from the top left corner, also where the joint is hidden or outside;
#: `held_at` (T, N, 2), pixels, the centre of each of the N things in use, whose names are `held`;
#: `boxes` (T, 4), pixels left, top, right, bottom (ends excluded) of what is seen of the person with these,
#: all 0 where nothing is seen; `masks` (T, height, width) of the same, as run lengths in row order over all frames at
#: once, the first run counting pixels outside the mask; `plate` the clip's room without the person, JPEG.
TRUTH = pa.schema(
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("label", STR, nullable=False),
        pa.field("phrase", STR, nullable=False),
        pa.field("verb", STR, nullable=False),
        pa.field("object", STR),
        pa.field("place", STR, nullable=False),
        pa.field("posture", STR, nullable=False),
        pa.field("shirt", STR, nullable=False),
        pa.field("trousers", STR, nullable=False),
        pa.field("subject", STR, nullable=False),
        pa.field("camera", STR, nullable=False),
        pa.field("room", STR, nullable=False),
        *_SIZE,
        pa.field("joints", pa.list_(pa.float32()), nullable=False),
        pa.field("held", STRS, nullable=False),
        pa.field("held_at", pa.list_(pa.float32()), nullable=False),
        *_MASKED,
    ]
)

#: A recording of the resuscitation table; its activities stand in annotations.csv. `subject` is the health worker who
#: leads, `helper` the second one (null where there is none), `newborn` the mannequin. `points` (T, N, 2) are pixels, a
#: place in each frame for each of the N `names`, also where it is hidden or outside. `boxes`, `masks` and `plate` are
#: as in TRUTH, of mannequin, hands and tools together: the plate is the table with nothing that tells an activity.
RECORDINGS = pa.schema(
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("subject", STR, nullable=False),
        pa.field("helper", STR),
        pa.field("newborn", STR, nullable=False),
        pa.field("table", STR, nullable=False),
        *_SIZE,
        pa.field("names", STRS, nullable=False),
        pa.field("points", pa.list_(pa.float32()), nullable=False),
        *_MASKED,
    ]
)

#: A clip of the kitchen, by its narration's id. `subject` is the participant, whose kitchen it is; `hand` the preferred
#: one; `kind` what it is for: train, seen, unseen, new_pairs; `colour` a word, null where the thing is the kitchen's.
#: `points` are as in RECORDINGS, of both hands and of the noun's thing. `boxes` and `masks` are as in TRUTH, of hands
#: and all that they handle. The head moves: `plate` is all that it may see without these, at `samples` times the clip's
#: scale, and `views` (T, 2) the left top corner of what it sees, pixels of the plate; shrunk, that is a frame's plate.
SEGMENTS = pa.schema(
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("label", STR, nullable=False),
        pa.field("narration", STR, nullable=False),
        pa.field("verb", STR, nullable=False),
        pa.field("noun", STR, nullable=False),
        pa.field("colour", STR),
        pa.field("kind", STR, nullable=False),
        pa.field("subject", STR, nullable=False),
        pa.field("hand", STR, nullable=False),
        *_SIZE,
        pa.field("names", STRS, nullable=False),
        pa.field("points", pa.list_(pa.float32()), nullable=False),
        *_MASKED,
        pa.field("samples", pa.int32(), nullable=False),
        pa.field("views", pa.list_(pa.int16()), nullable=False),
    ]
)

#: A clip of two people who do something with each other. `people` are the names of the P people in it: first the two,
#: the one who is further left when both are first seen before the other, then those who pass; `actor` is 1 or 2, who
#: acts on the other, null where both do the same; `thing` is what is handed over; `kind` what it is for: train,
#: validation, seen, unseen. `subject` names the pair. `joints` (P, T, 17, 2) as in TRUTH; `person_boxes` (P, T, 4) and
#: `person_masks`, one list a person, are as boxes and masks in TRUTH, of what is seen of each behind the others, with
#: what they hold. `boxes` and `masks` are as in TRUTH, of all people together, and `plate` is the room without any.
ENCOUNTERS = pa.schema(
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("label", STR, nullable=False),
        pa.field("interaction", STR, nullable=False),
        pa.field("sentence", STR, nullable=False),
        pa.field("kind", STR, nullable=False),
        pa.field("subject", STR, nullable=False),
        pa.field("people", STRS, nullable=False),
        pa.field("actor", pa.int32()),
        pa.field("thing", STR),
        pa.field("cut", pa.bool_(), nullable=False),
        pa.field("camera", STR, nullable=False),
        pa.field("room", STR, nullable=False),
        *_SIZE,
        pa.field("joints", pa.list_(pa.float32()), nullable=False),
        pa.field("person_boxes", pa.list_(pa.int16()), nullable=False),
        pa.field("person_masks", pa.list_(pa.list_(pa.int32())), nullable=False),
        *_MASKED,
    ]
)
