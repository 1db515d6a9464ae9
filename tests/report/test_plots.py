"""The Vega templates fill completely from the tables that `compare` writes; `dvc plots show` needs no network."""

import json
import shutil

import yaml

from stages.base.paths import Run
from tests.conftest import ROOT, dvc
from tests.report import small


def test_templates_fill(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dvc("init", "-q", "--no-scm", cwd=tmp_path)
    shutil.copytree(ROOT / ".dvc/plots", tmp_path / ".dvc/plots")
    small.write(Run("small"), keyframes=False)
    tables = {
        "sweep": ("threshold", {"data/small/sweep.csv": "mca"}),
        "per_class": ({"data/small/per_class.csv": "value"}, {"data/small/per_class.csv": "class"}),
        "confusion": ({"data/small/confusion.csv": "predicted"}, {"data/small/confusion.csv": "actual"}),
    }
    plots = [{name: {"template": name, "x": x, "y": y}} for name, (x, y) in tables.items()]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    shown = json.loads(dvc("plots", "show", "--json", cwd=tmp_path).splitlines()[-1])
    assert not shown.get("errors")
    for name in tables:
        spec = json.dumps(shown["data"][name][0]["content"])
        assert "DVC_METRIC" not in spec
        assert '"rev": "workspace"' in spec
