"""Given the weights, do answers depend on the processor? `python -m bench.processors [clips]`.

Asks the embedded model about clips of the rendered home (a caption, the class out of a list with a share of each, and
whether a caption is right), embeds the captions and pools features, in a process for each set of instructions that
stands in for another processor; then counts what differs from the first one. Needs a finished `make repro`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: Processors by what they offer; this one as it is comes first. What it lacks it cannot stand in for.
PROCESSORS: dict[str, dict[str, str]] = {
    "as it is": {},
    "AVX2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "AVX2,STRICT",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "SSE4.1": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
}
FORMATS = ("float64", "float32")


def asked(clips: int, dtype: str) -> dict[str, Any]:
    """Return what the embedded model says of the first clips of the home, in a number format, by kind and clip."""
    import polars as pl
    import torch

    from stages.adapt.pooling import pooled, visual_tokens
    from stages.base.paths import Run
    from stages.base.schema import MANIFEST
    from stages.base.tables import read_table
    from stages.labels.words import in_words
    from stages.text.encode import encode
    from stages.text.model import PACKAGED, model_folder
    from stages.vlm.base import Request
    from stages.vlm.local import Local
    from stages.vlm.params import LocalParams
    from stages.vlm.show import Show

    params = LocalParams.model_validate(
        {
            "backend": "local",
            "name": "data/models/embedded",
            "revision": None,
            "media": "images",
            "frames": 2,
            "processor": {},
            "dtype": dtype,
            "quantisation": None,
            "attention": "eager",
            "max_new_tokens": 24,
            "temperature": 0,
            "seed": 0,
        }
    )
    run, backend = Run("home"), Local(params, "cpu", 32)
    manifest = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null()).sort("clip_id").head(clips)
    classes = tuple(in_words(label) for label in sorted(set(manifest["labels"].explode())))
    choice = f"Which of these activities is shown: {', '.join(classes)}? Answer with one of them, in the same words."
    said: dict[str, Any] = {"caption": {}, "class": {}, "shares": {}, "judge": {}, "feature": {}, "embedding": {}}
    show = Show(run, params)
    shown = {clip_id: show.media(clip_id) for clip_id in manifest["clip_id"]}
    free = [Request("Describe the activity in one sentence.", media, clip_id=clip) for clip, media in shown.items()]
    for request, answer in backend.answer(free):
        said["caption"][request.clip_id] = answer.text
    closed = [Request(choice, media, options=classes, clip_id=clip) for clip, media in shown.items()]
    for request, answer in backend.answer(closed):
        said["class"][request.clip_id], said["shares"][request.clip_id] = answer.text, dict(answer.p or {})
    text = said["caption"]
    judged = [
        Request(
            f'Reference: "{text[clip]}" Prediction: "{text[clip]}" Does the prediction describe the same activity '
            "as the reference and the image? Answer only True or False.",
            media,
            options=("True", "False"),
            clip_id=clip,
        )
        for clip, media in shown.items()
    ]
    for request, answer in backend.answer(judged):
        said["judge"][request.clip_id] = dict(answer.p or {})
    engine = backend.engine()
    tokens = visual_tokens(engine.config)
    for request in free:
        with torch.inference_mode():
            vector = pooled(engine.model, tokens, engine.inputs([engine.encode(request)]))
        said["feature"][request.clip_id] = vector[0].tolist()
    for sentence, vector in encode(model_folder(PACKAGED), sorted(set(text.values())), precision=dtype):
        said["embedding"][sentence] = vector.tolist()
    return said


def differing(one: Any, other: Any) -> int:
    """Return how many clips (or texts) have another value."""
    return sum(one[name] != other.get(name) for name in one)


def measure(clips: int) -> None:
    """Print a row for each number format, processor and kind of answer."""
    print(f"{platform.processor() or platform.machine()}: what differs from this processor as it is, of {clips} clips")
    for dtype in FORMATS:
        said = {}
        for name, environment in PROCESSORS.items():
            with tempfile.TemporaryDirectory() as folder:  # a journal of its own: nothing is taken from another run
                file = Path(folder) / "said.json"
                command = [sys.executable, "-m", "bench.processors", str(clips), "--as", dtype, str(file)]
                env = {**os.environ, **environment, "HAR_JOURNAL": f"{folder}/journal"}
                subprocess.run(command, env=env, check=True)
                said[name] = json.loads(file.read_text())
        first = said["as it is"]
        for name in list(PROCESSORS)[1:]:
            found = ", ".join(f"{kind} {differing(first[kind], said[name][kind])}" for kind in first)
            print(f"  {dtype}, {name}: {found}", flush=True)


if __name__ == "__main__":
    if "--as" in sys.argv:
        Path(sys.argv[4]).write_text(json.dumps(asked(int(sys.argv[1]), sys.argv[3])))
    else:
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
