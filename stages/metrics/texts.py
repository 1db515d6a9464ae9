"""The answers that have a text to measure, and the rows of those that have none.

What every metric of texts does with an answer that has none:

- missing (no answer exists): no row, so that the score counts the clip as not measured;
- error (the back end failed): a row with a null value that says why, so that the score leaves it out and counts it;
- refused, or a blank text: value 0 and why. The model was asked and did not say: that is wrong, not left out.

A closed answer without a text, such as a trained model's, gets no row: there is nothing to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stages.metrics.context import Answer, Context, Row

NO_REFERENCE = "the clip has no reference caption"
NO_NARRATION = "the clip has no narration"


def void(answer: Answer) -> Row | None:
    """Return the row of an answer that has no text to measure; None where it has one."""
    if answer.status == "error":
        return Row(answer.clip_id, answer.repeat, None, detail=f"error: {answer.detail}")
    if answer.status == "refused" or not (answer.text or "").strip():
        why = "empty text" if answer.status == "ok" else answer.status
        return Row(answer.clip_id, answer.repeat, 0.0, detail=why)
    return None


def texts(
    context: Context, voids: list[Row], references: Mapping[str, str] | None = None, lacking: str = NO_REFERENCE
) -> Iterator[tuple[Answer, str]]:
    """Yield the answers that have a text, with it; put the rows of the others into `voids`.

    With `references`, by clip, also an answer for a clip that has none is void: its value is null, as `lacking` says.
    """
    for answer in context.answers:
        closed = answer.text is None and answer.labels is not None
        if answer.status == "missing" or closed:
            continue
        row = void(answer)
        if references is not None and answer.clip_id not in references:
            row = Row(answer.clip_id, answer.repeat, None, detail=lacking)
        if row:
            voids.append(row)
        else:
            yield answer, answer.text or ""
