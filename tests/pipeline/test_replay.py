"""The replay of the published outputs as a graph: what runs, what runs again, and what never does."""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.pipeline.project import PUBLISHED, REPLAY, commit, dvc, edit_yaml, git, ran, replay_project

PARAMS = "papers/smarthome_vlm/params.yaml"
RUN = "data/smarthome_vlm"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory, remote_file):
    """A project with real but fewer texts, replayed once; with what `dvc repro` printed."""
    project = replay_project(tmp_path_factory.mktemp("replay") / "project", remote_file)
    output = repro(project)
    commit(project)
    return project, output


def repro(project: Path, **env: str) -> str:
    return dvc("repro", REPLAY, cwd=project, env={"HAR_JOURNAL": str(project / ".journal"), **env})


def embedded(output: str) -> int:
    """Return how many texts the measure cells embedded, from their closing lines."""
    lines = [line for line in output.splitlines() if line.startswith("measure ") and "texts embedded" in line]
    return sum(int(line.split(" texts embedded")[0].rpartition(";")[2].split(" of ")[0]) for line in lines)


def digests(project: Path) -> dict[str, str]:
    """Return the MD5 of each result. DVC adds to its `.gitignore`s in the order in which stages ran: no results."""
    found = [path for name in (RUN, "metrics") for path in sorted((project / name).rglob("*"))]
    files = [path for path in found if path.is_file() and path.name != ".gitignore"]
    return {str(path.relative_to(project)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def changed(replayed, tmp_path):
    """A copy of the replayed project, to change."""
    return Path(shutil.copytree(replayed[0], tmp_path / "project", symlinks=True))


def test_summary_has_every_model_protocol_and_metric(replayed):
    rows = list(csv.DictReader((replayed[0] / "metrics/smarthome_vlm/summary.csv").open()))
    assert ",".join(rows[0]) == "model,protocol,metric,mca,mca_low,mca_high,macro_f1,accuracy,clips,classes,subjects"
    found = {(row["model"], row["protocol"], row["metric"]) for row in rows}
    for model in ("deepseek_vl2", "internvl2_5", "internvl2_5_videocaps", "llama3_2_vision"):
        for protocol in ("cs", "cv1", "cv2", "cs_published", "cv1_published", "phase1"):
            for metric in ("keyword", "keyword_word", "similarity", "nearest_class"):
                assert (model, protocol, metric) in found
        assert (model, "phase1", "bertscore") in found
    every = [row for row in rows if row["model"] == "null_every_class" and row["metric"] == "keyword"]
    assert {float(row["mca"]) for row in every} == {1.0}
    assert all(0 <= float(row["mca_low"]) <= float(row["mca"]) <= float(row["mca_high"]) <= 1
               for row in rows if row["mca_low"])  # fmt: skip


def test_leak_in_the_published_list_is_found(replayed):
    audit = json.loads((replayed[0] / "metrics/smarthome_vlm/audit.json").read_text())
    leaks = [finding for finding in audit if finding["protocol"] == "cs_published" and finding["severity"] == "leak"]
    assert {subject for finding in leaks for subject in finding["subjects"]} >= {"15", "17", "19", "25"}


def test_nothing_runs_when_nothing_changed(replayed):
    assert ran(repro(replayed[0])) == []
    assert git("status", "--porcelain", cwd=replayed[0]) == ""


def test_a_threshold_touches_only_score_and_what_follows(changed):
    edit_yaml(changed / PARAMS, lambda params: params["score"]["thresholds"].update(similarity=0.6))
    output = repro(changed)
    assert {stage.partition("@")[0] for stage in ran(output)} == {"score", "compare", "report"}
    assert "texts embedded" not in output


def test_a_fifth_file_costs_its_new_texts_also_without_a_journal(changed):
    generations = json.loads((changed / PUBLISHED / "dpsk_generations.json").read_text())
    for place, clip in enumerate(sorted(generations)):
        if place % 10 == 0:
            generations[clip] = f"The person is doing thing number {place}."
    (changed / PUBLISHED / "fifth.json").write_text(json.dumps(generations))

    def add(params):
        file = f"{PUBLISHED}/fifth.json"
        params["models"]["fifth"] = file
        params["vlm"]["fifth"] = {"backend": "recorded", "file": file}
        params["methods"].append("fifth")
        params["compare"]["smarthome_vlm"]["methods"].append("fifth")

    edit_yaml(changed / PARAMS, add)
    # A line for each of its files that compare and report read, beside the line of another model.
    others, mark, readers = (changed / REPLAY).read_text().partition("\n  compare:\n")
    readers, added = re.subn(r"(?m)^( +- data/.*/)llama3_2_vision(.*\n)", r"\g<0>\1fifth\2", readers)
    assert added == 6
    (changed / REPLAY).write_text(others + mark + readers)
    shutil.rmtree(changed / ".journal")
    output = repro(changed)
    assert {stage for stage in ran(output) if stage.startswith(("infer", "measure", "score"))} == {
        "infer@fifth",
        "measure@fifth",
        "score@fifth",
    }
    assert embedded(output) == sum(text.startswith("The person is doing thing number") for text in generations.values())
    assert "fifth" in (changed / "metrics/smarthome_vlm/summary.csv").read_text()


def test_same_bytes_from_an_empty_journal_with_other_batches(changed, tmp_path):
    before = digests(changed)
    shutil.rmtree(changed / RUN)
    shutil.rmtree(changed / "metrics")
    (changed / "compute.yaml").write_text("batch: 3\nworkers: 1\nthreads: 1\n")
    dvc("repro", "--force", "--no-run-cache", REPLAY, cwd=changed, env={"HAR_JOURNAL": str(tmp_path / "empty")})
    after = digests(changed)
    # The page says which code and params made it, so it is compared as well.
    assert after == before


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("intern2kf.json", '["Walk_p02_r00_v01_c01_0.jpeg--cut', "intern2kf.json"),
        ("cs_split.json", '["Walk_p99_r00_v01_c01"]', "Walk_p99_r00_v01_c01"),
        ("Keywords_Evaluate_all_data.ipynb", '{"cells": []}', "activity_dict_cleaned"),
    ],
)
def test_bad_files_end_in_one_clear_message(changed, name, content, says):
    (changed / PUBLISHED / name).write_text(content)
    output = dvc("repro", REPLAY, cwd=changed, env={"HAR_JOURNAL": str(changed / ".journal")}, check=False)
    assert says in output
    assert "what to do" in output
    assert "Traceback" not in output


def test_threshold_outside_0_to_1(changed):
    edit_yaml(changed / PARAMS, lambda params: params["score"]["thresholds"].update(similarity=1.5))
    output = dvc("repro", REPLAY, cwd=changed, check=False)
    assert "similarity" in output
    assert "Traceback" not in output


def test_a_removed_model_does_not_reach_the_page(changed):
    def remove(params):
        params["methods"].remove("internvl2_5_videocaps")
        params["compare"]["smarthome_vlm"]["methods"].remove("internvl2_5_videocaps")

    edit_yaml(changed / PARAMS, remove)
    repro(changed)
    assert "internvl2_5_videocaps" not in (changed / "metrics/smarthome_vlm/summary.csv").read_text()
