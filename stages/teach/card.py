"""The card beside a teacher."""

from __future__ import annotations

import yaml

from stages.teach.params import Language, Video
from stages.teachers.signals import About

_CARD = """# Teacher {name}

{what}. Its table, `signals.parquet`, has what it says of each of {rows} {keys} of {clips} train clips of protocol
`{protocol}`: log-probabilities of {classes}, in the order of `teacher.json`, and the embedding for students to regress.
{named}
A student takes it only where classes, their order and the {keys} are the same (fingerprint `{fingerprint}`).

Params:

```yaml
{params}```
"""


def card(name: str, params: Language | Video, about: About, protocol: str, clips: int, rows: int) -> str:
    """Return the text of the card."""
    if isinstance(params, Language):
        what = f"A frozen encoder, `{params.encoder}`, with linear heads that learnt to name the class of a text"
    else:
        what = f"A video model, {params.net.architecture} from `{params.net.weights}`"
    named = about.teacher.get("named", {})
    shares = ", ".join(f"{head} {share:.3f}" for head, share in named.items())
    return _CARD.format(
        name=name,
        what=what,
        rows=rows,
        keys={"narration": "narrations", "label": "labels", "clip": "clips"}[about.by],
        clips=clips,
        protocol=protocol,
        classes=" and ".join(f"{len(classes)} {head}s" for head, classes in about.heads),
        named=f"\nShare of train clips whose class it names: {shares}.\n" if named else "",
        fingerprint=about.fingerprint,
        params=yaml.safe_dump(params.model_dump(mode="json"), sort_keys=True, width=100),
    )
