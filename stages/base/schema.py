"""The tables that rooms hand over: one Parquet schema each, rows sorted by its keys.

Times are seconds, sizes pixels unless a field says otherwise. A null means "not known" or "none".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa


class _More(NamedTuple):
    """What a table is besides its schema: a schema of pyarrow takes no attributes."""

    keys: list[str]
    optional: tuple[str, ...]


_MORE: dict[int, _More] = {}


def table(
    keys: Sequence[str],
    fields: Sequence[pa.Field],
    *,
    optional: tuple[str, ...] = (),
    metadata: Mapping[str, str] | None = None,
) -> pa.Schema:
    """Return the schema of a table.

    Args:
        keys: columns by which it is sorted; together they name a row once.
        fields: its columns.
        optional: columns at its end that it has only where a row has a value in one of them; who reads it gets them
            always.
        metadata: what a file says of it.
    """
    schema = pa.schema(fields, metadata=metadata)
    _MORE[id(schema)] = _More(list(keys), optional)
    return schema


def keys_of(schema: pa.Schema) -> list[str]:
    """Return the columns by which a table of this schema, one that `table` made, is sorted."""
    return _MORE[id(schema)].keys


def optional_of(schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns that a table of this schema may lack."""
    return _MORE[id(schema)].optional if id(schema) in _MORE else ()


STR = pa.string()
STRS = pa.list_(pa.string())

#: In `detail` of PREDICTIONS and MEASURES: opens what an answer named that is no class of the list.
UNLISTED = "names no class: "

#: A clip. `path` is what stages/base/video decodes: a file, or a window of one (`recording.mp4#t=12,14`), which then
#: has `start` and `end`, seconds from the recording's first frame (null: the whole file). `bytes` are the file's;
#: `md5` names the content: the file's hash, of a window the hash of that with its bounds.
#: `labels` is a sorted set (one element where the data set is single-label; empty where unlabelled, or none holds),
#: `group` what must not straddle a split beside the subject (a recording or sequence),
#: `error` why the clip is unusable, null when it is usable; a broken clip keeps its row.
#: `narration` is what somebody said that the clip shows, in their own words; `verb` and `noun` are the classes that a
#: compositional label is made of, which `labels` then names together (`base/actions.py`).
MANIFEST = table(
    ["clip_id"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("path", STR),
        pa.field("bytes", pa.int64()),
        pa.field("md5", STR),
        pa.field("labels", STRS, nullable=False),
        pa.field("subject", STR),
        pa.field("camera", STR),
        pa.field("group", STR),
        pa.field("start", pa.float64()),
        pa.field("end", pa.float64()),
        pa.field("duration", pa.float64()),
        pa.field("frames", pa.int32()),
        pa.field("fps", pa.float64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("error", STR),
        pa.field("journal_key", STR),
        pa.field("narration", STR),
        pa.field("verb", STR),
        pa.field("noun", STR),
    ],
    optional=("narration", "verb", "noun"),
)

#: The part of a clip in a protocol: `part` is train, validation or test.
#: A leave-one-out protocol has one `fold` a held-out subject; elsewhere `fold` is the empty string.
SPLITS = table(
    ["protocol", "fold", "clip_id"],
    [
        pa.field("protocol", STR, nullable=False),
        pa.field("fold", STR, nullable=False),
        pa.field("clip_id", STR, nullable=False),
        pa.field("part", STR, nullable=False),
    ],
)

IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", STR)])

#: A keyframe; `frame` is its place in presentation order from 0, `time` its seconds from the first frame,
#: `rank` its place among the clip's keyframes in time order from 0, `image` as Hugging Face `datasets`
#: stores an Image, `fallback` why Katna's method gave too few (null where it gave the frame).
KEYFRAMES = table(
    ["clip_id", "rank"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("frame", pa.int32(), nullable=False),
        pa.field("time", pa.float64()),
        pa.field("image", IMAGE),
        pa.field("fallback", STR),
        pa.field("journal_key", STR),
    ],
    # By this `datasets.load_dataset("parquet", ...)` knows that the column is images.
    metadata={"huggingface": '{"info": {"features": {"image": {"_type": "Image"}}}}'},
)

#: A reference caption and how it came about; `ended`, `thinking` and `tokens_thinking` as in PREDICTIONS.
CAPTIONS = table(
    ["clip_id"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("text", STR),
        pa.field("attempts", pa.int32()),
        pa.field("keywords", STRS),
        pa.field("ended", STR),
        pa.field("thinking", STR),
        pa.field("tokens_thinking", pa.int32()),
        pa.field("prompt_hash", STR),
        pa.field("model", STR),
        pa.field("revision", STR),
        pa.field("journal_key", STR),
    ],
)

#: A method's answer for a clip. `text` is a free answer as the model gave it; `labels` a closed answer
#: (null: the method names no class; empty: it named none); `classes` and `class_scores` run in parallel.
#: `status` is ok, missing (no answer exists), unparsed, unmapped, refused or error; `detail` says more.
#: `repeat` numbers repeated draws of one method (null models, repeated judges) from 0.
#: `ended` is why the answer ended: stop, length (it was cut at the longest answer allowed: more might have followed),
#: filter, or what else a server said; null where nobody knows. Of a row of several answers it is length where one was.
#: `thinking` is what the model thought before it answered, of a row of several answers each under its class; it is no
#: part of `text`. `tokens_thinking` are those of `tokens_out` that were thinking; null where there is none, or the
#: server does not say.
#: `metric` names the one metric that the row answers (null: all metrics that no other row of the clip answers), with a
#: `repeat` of its own: a null model may have an answer for each metric.
#: What a closed answer names outside of the list of classes stands in `detail` behind `UNLISTED`.
#: Where labels are compositional, `verbs` and `verb_scores`, `nouns` and `noun_scores` run in parallel too; `classes`
#: are then the pairs that occur, and `class_scores` the products of theirs.
PREDICTIONS = table(
    ["clip_id", "method", "repeat"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("method", STR, nullable=False),
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("metric", STR),
        pa.field("text", STR),
        pa.field("labels", STRS),
        pa.field("classes", STRS),
        pa.field("class_scores", pa.list_(pa.float64())),
        pa.field("status", STR, nullable=False),
        pa.field("detail", STR),
        pa.field("prompt_hash", STR),
        pa.field("revision", STR),
        pa.field("tokens_in", pa.int32()),
        pa.field("tokens_out", pa.int32()),
        pa.field("tokens_thinking", pa.int32()),
        pa.field("ended", STR),
        pa.field("thinking", STR),
        pa.field("journal_key", STR),
        pa.field("verbs", STRS),
        pa.field("verb_scores", pa.list_(pa.float64())),
        pa.field("nouns", STRS),
        pa.field("noun_scores", pa.list_(pa.float64())),
    ],
    optional=("verbs", "verb_scores", "nouns", "noun_scores"),
)

#: One metric's value for one answer, before any threshold. `label` is the class that the metric names
#: (only metrics that name one); `value` is null where the metric has none, and `detail` then says why.
#: A metric of sets (`labels`) has the set that the method named in `labels`, and its `class_scores` beside `classes`.
MEASURES = table(
    ["clip_id", "method", "repeat", "metric"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("method", STR, nullable=False),
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("metric", STR, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("label", STR),
        pa.field("labels", STRS),
        pa.field("classes", STRS),
        pa.field("class_scores", pa.list_(pa.float64())),
        pa.field("detail", STR),
    ],
)

#: A distinct text and its sentence embedding (float32, unit length), with the key under which a journal keeps it.
EMBEDDINGS = table(
    ["journal_key"],
    [
        pa.field("journal_key", STR, nullable=False),
        pa.field("text", STR, nullable=False),
        pa.field("embedding", pa.list_(pa.float32()), nullable=False),
    ],
)

#: What a judge said of one text: `value` is p(True), or 1 and 0 where it gives no probability; null where `detail` says
#: why. It lies beside the measures, with the key under which a journal keeps it. `ended`, `thinking` and
#: `tokens_thinking` are of the judge's answer, as in PREDICTIONS; `revision` is the judging model's.
JUDGEMENTS = table(
    ["journal_key"],
    [
        pa.field("journal_key", STR, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("detail", STR),
        pa.field("ended", STR),
        pa.field("thinking", STR),
        pa.field("tokens_thinking", pa.int32()),
        pa.field("revision", STR),
    ],
)

#: Which class a text model chose for one text (metric `prompted_class`): its answer, in its own words, by the key under
#: which a journal keeps it. `status`, `ended`, `thinking` and the tokens are of that answer, as in PREDICTIONS;
#: `revision` is the text model's.
CHOICES = table(
    ["journal_key"],
    [
        pa.field("journal_key", STR, nullable=False),
        pa.field("text", STR, nullable=False),
        pa.field("status", STR, nullable=False),
        pa.field("detail", STR),
        pa.field("tokens_in", pa.int32()),
        pa.field("tokens_out", pa.int32()),
        pa.field("ended", STR),
        pa.field("thinking", STR),
        pa.field("tokens_thinking", pa.int32()),
        pa.field("revision", STR),
    ],
)

#: What a metric says of one answer, after any threshold; one row a metric for each clip of any protocol's test part.
#: `right` is 1 or 0, or a fraction over `repeats` draws; null where the clip is left out, and `left_out` then says why.
#: `label` is the class that the metric names (of the first draw; only metrics that name one), `labels` the set of each
#: draw after any threshold (only metrics of sets).
VERDICTS = table(
    ["clip_id", "method", "metric"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("method", STR, nullable=False),
        pa.field("metric", STR, nullable=False),
        pa.field("right", pa.float64()),
        pa.field("label", STR),
        pa.field("labels", pa.list_(STRS)),
        pa.field("repeats", pa.int32(), nullable=False),
        pa.field("left_out", STR),
    ],
)

#: An aggregate over a protocol's test part. `aggregate` is mca, accuracy, macro_f1, class:{name} or mca_sd (standard
#: deviation of mca over repeated draws, without interval); of metrics that read free text also mean (of the value over
#: clips) with clip_sd (its standard deviation between clips), unmapped (share of answers that name no class) and
#: names_unseen (share that name a class which training never had, where such are tested); `low` and `high` bound the
#: interval (null: it cannot be told); `subjects` is the number of clusters behind it. A metric of sets has, instead of
#: mca and class:{name}, macro_precision, macro_recall, macro_ap and for each class f1:{name}, precision:{name},
#: recall:{name}, ap:{name}; macro_f1_sd; violations, the share of clips whose set breaks a rule, violations:{rule};
#: invented, the share of clips of which a class is named that they lack, invented:{name}, of the clips that lack that
#: class, and invented_per_clip, such classes a clip; outside, the share of answers that name something outside of the
#: list; and threshold:{name}, the score above which a class is named.
SCORES = table(
    ["method", "protocol", "metric", "aggregate"],
    [
        pa.field("method", STR, nullable=False),
        pa.field("protocol", STR, nullable=False),
        pa.field("metric", STR, nullable=False),
        pa.field("aggregate", STR, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("clips", pa.int32()),
        pa.field("classes", pa.int32()),
        pa.field("subjects", pa.int32()),
    ],
)

#: What a teacher says of a text or of a clip, which `key` names: `log_probabilities` of the classes of each of its
#: heads, one head after the other (`teacher.json` lists both), and the `embedding` that a student may regress, null
#: where the teacher has none. `fingerprint` is of the classes, their order and what was to be named: a table that has
#: another one teaches nobody.
SIGNALS = table(
    ["key"],
    [
        pa.field("key", STR, nullable=False),
        pa.field("fingerprint", STR, nullable=False),
        pa.field("log_probabilities", pa.list_(pa.float32()), nullable=False),
        pa.field("embedding", pa.list_(pa.float32())),
    ],
)

#: A person seen in a frame of a clip. `track` is the person: 1 and 2 are the two who interact by the stated rule (1 is
#: the one further left where both are first seen), 3 and on are others. `frame` counts in presentation order from 0,
#: `box` is left, top, right, bottom, ends excluded, of the mask; `mask` the run lengths in row order over that one
#: frame (height x width of the clip), the first run counting pixels outside; `score` is the finder's own, 0 to 1.
#: There is no row where a person is not seen.
STREAMS = table(
    ["clip_id", "track", "frame"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("track", pa.int32(), nullable=False),
        pa.field("frame", pa.int32(), nullable=False),
        pa.field("box", pa.list_(pa.int16()), nullable=False),
        pa.field("mask", pa.list_(pa.int32()), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
    ],
)

#: A sample of HHIRChat (Ray et al., Fig. 1). `row` is its place in the file that it was read from, or would be written
#: to, from 0; `id` its own number; `p1`, `p2` and `bg` paths of three videos below the data folder, of person 1, person
#: 2 and the rest. A path may carry a media fragment: `clip.avi#track=1` is that clip, of which only the person of this
#: track of table STREAMS is shown, `#track=0` what is neither. `conversations` are turns in order, each `from` human or
#: gpt. `error` is why the sample cannot be used, null when it can; what is known of a broken one stands beside it.
HHIRCHAT = table(
    ["row"],
    [
        pa.field("row", pa.int32(), nullable=False),
        pa.field("id", pa.int64()),
        pa.field("p1", STR),
        pa.field("p2", STR),
        pa.field("bg", STR),
        pa.field("conversations", pa.list_(pa.struct([pa.field("from", STR), pa.field("value", STR)]))),
        pa.field("error", STR),
    ],
)

#: A clip whose people were looked for: how many were found, why tracks 1 and 2 are these two in the rule's words, and
#: `error`, null where the clip could be looked at; `people` and `why` are null where it could not.
STREAMED = table(
    ["clip_id"],
    [
        pa.field("clip_id", STR, nullable=False),
        pa.field("people", pa.int32()),
        pa.field("why", STR),
        pa.field("error", STR),
        pa.field("journal_key", STR),
    ],
)
