"""What a reviewer types: `dvc metrics diff`, `params diff`, `plots diff` and `plots show` answer short and readably."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import dvc
from tests.pipeline.project import BLOCKS, REPLAY, edit_yaml, journal

pytestmark = pytest.mark.slow


@pytest.fixture
def moved(copy):
    """The replay after another threshold: only numbers of the metric `similarity` may move."""
    edit_yaml(copy / BLOCKS, lambda params: params["score"]["thresholds"].update(similarity=0.6))
    dvc("repro", "-q", REPLAY, cwd=copy, env=journal(copy))
    return copy


def printed(*arguments, cwd):
    """Return the JSON that a command prints among warnings about what was not run."""
    lines = dvc(*arguments, "--json", cwd=cwd).splitlines()
    return json.loads(next(line for line in lines if line.startswith("{")))


def plots(*arguments, project):
    """Return a plot's Vega specifications by name, and what went wrong with those of the replay."""
    shown = printed("plots", *arguments, cwd=project)
    # The default graph did not run here; its plots are missing, and that is said.
    errors = [error for error in shown.get("errors", ()) if "data/smarthome_vlm" in error["source"]]
    return {Path(name).stem: found[0]["content"] for name, found in shown["data"].items() if found}, errors


def test_a_changed_threshold(moved):
    (line,) = dvc("params", "diff", cwd=moved).splitlines()[1:]
    assert line.split() == [BLOCKS, "score.thresholds.similarity", "0.5", "0.6"]

    lines = [line for line in dvc("metrics", "diff", cwd=moved).splitlines() if line.startswith("metrics/")]
    assert 0 < len(lines) <= 7 * 3  # methods, less those without a change, and three headlines of similarity
    for line in lines:
        path, key, old, new, change = line.split()
        assert re.fullmatch(r"metrics/smarthome_vlm/headlines/[a-z0-9_]+\.json", path)
        assert re.fullmatch(r"(cs|cv2|phase1)\.similarity\.(mca|accuracy)", key)
        assert all(len(value.lstrip("-")) <= 7 for value in (old, new, change))
        assert float(change) == pytest.approx(float(new) - float(old), abs=2e-5)
        assert float(new) < float(old)
        assert len(line) < 120

    specs, errors = plots("diff", "HEAD", project=moved)
    assert errors == []
    assert set(specs) == {"sweep", "per_class", "confusion"}
    for spec in specs.values():
        text = json.dumps(spec)
        assert "DVC_METRIC" not in text
        assert {row["rev"] for row in spec["data"]["values"]} == {"HEAD", "workspace"}


def test_nothing_changed(copy):
    assert dvc("params", "diff", cwd=copy) == ""
    assert [line for line in dvc("metrics", "diff", cwd=copy).splitlines() if line.startswith("metrics/")] == []


def test_metrics_are_headlines_and_plots_hold_every_method(copy):
    table = printed("metrics", "show", cwd=copy)
    values = {path: file["data"] for path, file in table[""]["data"].items() if "data" in file}
    assert len(values) == 7
    assert all(len(headlines) <= 10 for headlines in values.values())
    assert all(isinstance(value, float) for headlines in values.values() for value in flat(headlines))
    specs, errors = plots("show", project=copy)
    assert errors == []
    for name in ("sweep", "per_class", "confusion"):
        assert len({row["method"] for row in specs[name]["data"]["values"]}) == 7, name


def flat(values):
    return [leaf for value in values.values() for leaf in (flat(value) if isinstance(value, dict) else [value])]
