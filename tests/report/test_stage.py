"""The stage as DVC runs it: the page names what made it, and a second run gives the same bytes."""

import hashlib
import re
import sys

import pytest
import yaml

from tests.conftest import ROOT, dvc
from tests.report import small

MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
from stages.base.paths import Run
from tests.report import small
small.write(Run("small"))
"""
pytestmark = pytest.mark.slow

INPUTS = [
    "data/small/manifest.parquet",
    "data/small/splits.parquet",
    "data/small/classes.json",
    "data/small/captions.parquet",
    "data/small/keyframes",
    "data/small/predictions",
    "data/small/nulls",
    "data/small/measures",
    "data/small/verdicts",
    "data/small/per_class.csv",
    "data/small/confusion.csv",
    "data/small/sweep.csv",
    "data/small/validity.csv",
    "metrics/small",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A DVC repository whose first stage makes the small run and whose second writes its page."""
    folder = tmp_path_factory.mktemp("stage")
    dvc("init", "-q", "--no-scm", cwd=folder)
    (folder / "stages").mkdir()
    (folder / "stages/make.py").write_text(MAKE)
    params = {
        "report": {"small": small.params().model_dump()},
        "ingest": {"small": {"licensed": False}},
        "score": {"small": {"confidence": 0.95, "thresholds": {"keyword": 0.5, "similarity": 0.5}}},
        "seed": 7,
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    stages = {
        "make": {
            "cmd": f"{sys.executable} stages/make.py {ROOT}",
            "deps": ["stages/make.py"],
            "params": ["seed"],
            "outs": INPUTS,
        },
        "report": {
            "cmd": f"{sys.executable} -m stages.report small data/none data/none data/none data/none",
            "deps": INPUTS,
            "params": [
                "report.small",
                "ingest.small.licensed",
                "score.small.thresholds",
                "score.small.confidence",
            ],
            "outs": ["data/small/report"],
        },
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    # The code under test is the project's, not this folder's `stages`.
    run(folder, "repro", "-q")
    return folder


def run(folder, *arguments, **options):
    return dvc(*arguments, cwd=folder, env={"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}, **options)


def test_page_names_the_stage_that_made_the_tables(made):
    text = (made / "data/small/report/index.html").read_text()
    provenance = text[text.index('id="stages"') : text.index("</main>")]
    assert re.findall(r"<summary><b>(.*?)</b>", provenance) == ["make"]
    assert "seed: 7" in provenance
    assert hashlib.md5(MAKE.encode()).hexdigest() in provenance
    lock = yaml.safe_load((made / "dvc.lock").read_text())["stages"]["make"]
    assert all(out["md5"] in provenance for out in lock["outs"])


def test_a_second_run_gives_the_same_bytes(made):
    page = made / "data/small/report/index.html"
    before = page.read_bytes()
    run(made, "repro", "-q", "-s", "-f", "report")
    assert page.read_bytes() == before


def test_a_users_error_is_one_message(made):
    text = (made / "params.yaml").read_text()
    (made / "params.yaml").write_text(text.replace("thumbnail_width: 64", "thumbnail_width: wide"))
    shown = run(made, "repro", "-s", "report", check=False)
    (made / "params.yaml").write_text(text)
    assert "key 'report.small.thumbnail_width'" in shown
    assert "Traceback" not in shown
