"""Sentence embeddings beside a plain `SentenceTransformer.encode` (batch 32) over the same distinct texts.

    python -m bench.text [run] [texts] [rounds]

Takes a sample of the distinct texts of a run's reference captions and predictions (default: smarthome_vlm, 3,000 texts,
3 rounds), every n-th by length, so that it has the lengths of all. Each contender runs in a process of its own, in
turn; tokenising counts, loading does not. The peer runs twice: with MKL's strict mode, which all stages use so that
bytes do not hang on the batch, and with MKL as it is without us. Shown are the medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from stages.base.paths import Run
from stages.text.encode import encode, load
from stages.text.model import PACKAGED, model_folder

OURS, STRICT, PLAIN = "stages.text.encode", "SentenceTransformer.encode, strict MKL", "SentenceTransformer.encode"


def sampled(run: Run, size: int) -> list[str]:
    """Return `size` of the run's distinct texts, evenly spread over their lengths."""
    files = [run.captions, *sorted(run.data.glob("predictions/*.parquet"))]
    found = {text for file in files for text in pl.read_parquet(file, columns=["text"])["text"] if text is not None}
    texts = sorted(found, key=lambda text: (len(text), text))
    return [texts[int(place)] for place in np.linspace(0, len(texts) - 1, min(size, len(texts)))]


def work(who: str, folder: Path) -> None:
    """Embed the texts in `folder` as one contender; leave vectors and seconds there."""
    texts = json.loads((folder / "texts.json").read_text())
    model = load(model_folder(PACKAGED), "cpu")
    model.encode(texts[:64])  # threads and caches are warm
    wall, cpu = time.perf_counter(), time.process_time()
    if who == OURS:
        found = dict(encode(model_folder(PACKAGED), texts))
        vectors = np.stack([found[text] for text in texts])
    else:
        vectors = model.encode(texts, batch_size=32, show_progress_bar=False)
    seconds = [time.perf_counter() - wall, time.process_time() - cpu]
    np.save(folder / f"{who}.npy", vectors)
    (folder / f"{who}.json").write_text(json.dumps(seconds))


def main() -> None:
    """Print seconds, CPU seconds, texts a second and ratios."""
    given = sys.argv[1:]
    run, size, rounds = Run((given or ["smarthome_vlm"])[0]), int((given[1:] or [3000])[0]), int((given[2:] or [3])[0])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = sampled(run, size)
        (folder / "texts.json").write_text(json.dumps(texts))
        taken: dict[str, list[list[float]]] = {OURS: [], STRICT: [], PLAIN: []}
        for _ in range(rounds):
            for who, seconds in taken.items():
                env = dict(os.environ) | ({"MKL_CBWR": ""} if who == PLAIN else {})
                subprocess.run([sys.executable, "-m", "bench.text", "--work", who, name], env=env, check=True)
                seconds.append(json.loads((folder / f"{who}.json").read_text()))
        ours = np.load(folder / f"{OURS}.npy")
        median = {
            who: [statistics.median(column) for column in zip(*seconds, strict=True)] for who, seconds in taken.items()
        }
        print(f"{len(texts)} texts, {rounds} rounds, {len(os.sched_getaffinity(0))} cores")
        for who, (wall, cpu) in median.items():
            ratio, cpu_ratio = wall / median[OURS][0], cpu / median[OURS][1]
            apart = np.abs(np.load(folder / f"{who}.npy") - ours).max()
            print(
                f"{who:40} {wall:6.2f} s, {cpu:6.2f} s of CPU, {len(texts) / wall:5.0f} texts/s, "
                f"ours {ratio:.2f} times as fast ({cpu_ratio:.2f} by CPU), values within {apart:.1e}"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
