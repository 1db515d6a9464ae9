"""Stages over Ray beside processes of this machine, the same bytes: `python -m bench.cluster [--runs 5] [--clips 600]`.

Two machines of one core each, on the loopback, against two processes or threads; the cluster runs before either is
timed, as a user's does. `keyframes` decodes and chooses; `infer` asks the embedded model a question for each class, and
`caption` asks it up to three times for a caption, which locally is one process of two threads and over Ray two workers
that each hold the model. Each run has an empty
journal and no earlier output, the two kinds take turns, and the ratio is the median of the pairs'. A stage's time is
whole: its imports, the workers' start and the model's loading are in it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[1]
RUN = Run("home")
STAGES = {
    "keyframes": (["home"], RUN.keyframes),
    "infer": (["home", "embedded_per_class", "embedded", "per_class", "all"], RUN.predictions("embedded_per_class")),
    "caption": (["home", "embedded"], RUN.captions),
}


@contextmanager
def machines() -> Iterator[str]:
    """Start two machines of one core; give the address of the first."""
    from ray.cluster_utils import Cluster

    # Ray's workers have a niceness of 15, and would yield to whatever else the machine does.
    os.environ.update({"PYTHONPATH": str(ROOT), "RAY_worker_niceness": "0"})
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    try:
        yield made.address
    finally:
        made.shutdown()


def prepare(folder: Path, most: int, have: Sequence[Path]) -> int:
    """Write a workspace of the home's first clips in which stages write what they make; return how many they are.

    `have` are paths that are made already.
    """
    shutil.copytree("params", folder / "params")
    shutil.copy("params.yaml", folder)
    (folder / RUN.data).mkdir(parents=True)
    (folder / "data/models").mkdir()
    for path in (RUN.classes, RUN.keywords, RUN.data / "clips", Path("data/models/embedded"), *have):
        (folder / path).symlink_to(path.resolve())
    manifest = read_table(RUN.manifest, MANIFEST).head(most)
    splits = read_table(RUN.splits, SPLITS)
    write_table(folder / RUN.manifest, manifest, MANIFEST)
    write_table(folder / RUN.splits, splits.filter(splits["clip_id"].is_in(manifest["clip_id"].to_list())), SPLITS)
    return len(manifest)


def stage(name: str, folder: Path, compute: dict[str, object]) -> tuple[float, str]:
    """Run a stage with nothing to go on from; return its seconds and the hash of its output."""
    arguments, output = STAGES[name]
    made, journal = folder / output, folder / "journal"
    (folder / "compute.yaml").write_text(yaml.safe_dump(compute))
    shutil.rmtree(journal, ignore_errors=True)
    # A journal fills itself from the output of the run before, if that is there.
    shutil.rmtree(made) if made.is_dir() else made.unlink(missing_ok=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HAR_JOURNAL": str(journal), "OMP_NUM_THREADS": "1"}
    start = time.perf_counter()
    command = [sys.executable, "-m", f"stages.{name}", *arguments]
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - start
    files = sorted(made.rglob("*")) if made.is_dir() else [made]
    return took, hashlib.md5(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each kind")
    parser.add_argument("--clips", type=int, default=600, help="of the home")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=[*STAGES])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, machines() as address:
        folder = Path(name).resolve()
        clips = prepare(folder, given.clips, [] if "keyframes" in given.stages else [RUN.keyframes])
        kinds: dict[str, dict[str, object]] = {
            "local": {"workers": 2, "threads": 2, "device": "cpu"},
            "ray": {"engine": "ray", "ray": {"address": address}, "threads": 1, "device": "cpu"},
        }
        for what in (name for name in STAGES if name in given.stages):
            seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
            hashes = set()
            for _ in range(given.runs):
                for kind, compute in kinds.items():
                    took, made = stage(what, folder, compute)
                    seconds[kind].append(took)
                    hashes.add(made)
            ratios = sorted(local / ray for local, ray in zip(*seconds.values(), strict=True))
            rates = ", ".join(f"{kind} {clips / statistics.median(took):.1f} clips/s" for kind, took in seconds.items())
            bytes_ = "the same bytes" if len(hashes) == 1 else "OTHER BYTES"
            print(
                f"{what}: {clips} clips, {rates}; ray / local {statistics.median(ratios):.2f} "
                f"(of {given.runs} pairs from {ratios[0]:.2f} to {ratios[-1]:.2f}); {bytes_}",
                flush=True,
            )


if __name__ == "__main__":
    main()
