"""The replay's figures: `python -m bench.replay` (needs the published files, see README).

In a copy of the project with an empty journal and cache: a cold replay of all models, null models, protocols and
metrics; a no-op; a changed similarity threshold; the same in a copy without a journal. Prints wall seconds and the
largest process of each.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = "papers/smarthome_vlm/dvc.yaml"
REPLAYED = ("vlms_har_rhms", "smarthome_splits")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            if (ROOT / name).exists() and not name.endswith("dvc.lock"):
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, project / name)
        subprocess.run(["git", "init", "-q"], cwd=project, check=True)
        # DVC verifies what was published against its cache; a cache is laid out as a remote is.
        dvc = [sys.executable, "-m", "dvc"]
        here = ["-q", "--local", "-d", "here", ROOT / ".dvc/cache"]
        subprocess.run([*dvc, "remote", "add", *here], cwd=project, check=True)
        files = [path for part in REPLAYED for path in sorted((ROOT / "data/published" / part).glob("*.dvc"))]
        pointers = [path.relative_to(ROOT) for path in files]
        subprocess.run([*dvc, "pull", "-q", *pointers], cwd=project, check=True)
        timed("cold replay", project)
        timed("no-op", project)
        threshold(project, 0.55)
        timed("changed similarity threshold", project)
        shutil.rmtree(project / ".journal")
        threshold(project, 0.6)
        timed("changed threshold, no journal", project)


def threshold(project: Path, value: float) -> None:
    """Change the threshold of similarity."""
    params = project / "params/datasets/smarthome_vlm.yaml"
    values = yaml.safe_load(params.read_text())
    values["score"]["thresholds"]["similarity"] = value
    params.write_text(yaml.safe_dump(values, sort_keys=False))


def timed(what: str, project: Path) -> None:
    """Run `dvc repro` and print how long it took and the largest process since the start."""
    environment = {
        **os.environ,
        "HAR_JOURNAL": str(project / ".journal"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", PIPELINE],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    ran = [
        line.split("'")[1].rpartition(":")[2] for line in done.stdout.splitlines() if line.startswith("Running stage")
    ]
    embedded = sum(
        int(line.split(" texts embedded")[0].rpartition(";")[2].split(" of ")[0])
        for line in done.stdout.splitlines()
        if " texts embedded" in line
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    said = f"{len(ran)} stages ran, {embedded} texts embedded, largest process so far {peak:.2f} GiB"
    print(f"{what}: {seconds:.1f} s, {said}, exit {done.returncode}", flush=True)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:])


if __name__ == "__main__":
    main()
