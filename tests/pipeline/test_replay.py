"""The replay of the published outputs as a graph: what runs, what runs again, and what never does."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from tests.conftest import dvc
from tests.pipeline.drill import embedded
from tests.pipeline.project import BLOCKS, PARAMS, PUBLISHED, REPLAY, RUN, digests, edit_yaml, git, journal, ran

pytestmark = pytest.mark.slow


def repro(project: Path, **env: str) -> str:
    return dvc("repro", REPLAY, cwd=project, env={**journal(project), **env})


def test_summary_has_every_model_protocol_and_metric(replayed):
    rows = list(csv.DictReader((replayed / "metrics/smarthome_vlm/summary.csv").open()))
    head = "model,protocol,metric,mca,mca_low,mca_high,macro_f1,accuracy,clips,classes,subjects"
    # With four clips a class some protocols test a class that never trained, which free text may name.
    free_text = "mean,mean_low,mean_high,unmapped,unmapped_low,unmapped_high,names_unseen,names_unseen_low"
    assert ",".join(rows[0]) == f"{head},{free_text},names_unseen_high,clip_sd"
    found = {(row["model"], row["protocol"], row["metric"]) for row in rows}
    for model in ("deepseek_vl2", "internvl2_5", "internvl2_5_videocaps", "llama3_2_vision"):
        for protocol in ("cs", "cv1", "cv2", "cs_published", "cv1_published", "phase1"):
            for metric in ("keyword", "keyword_word", "similarity", "nearest_class"):
                assert (model, protocol, metric) in found
        assert (model, "phase1", "bertscore") in found
    every = [row for row in rows if row["model"] == "null_every_class" and row["metric"] == "keyword"]
    assert {float(row["mca"]) for row in every} == {1.0}
    assert all(
        0 <= float(row["mca_low"]) <= float(row["mca"]) <= float(row["mca_high"]) <= 1 for row in rows if row["mca_low"]
    )


def test_leak_in_the_published_list_is_found(replayed):
    audit = json.loads((replayed / "metrics/smarthome_vlm/audit.json").read_text())
    leaks = [finding for finding in audit if finding["protocol"] == "cs_published" and finding["severity"] == "leak"]
    assert {subject for finding in leaks for subject in finding["subjects"]} >= {"15", "17", "19", "25"}


def test_nothing_runs_when_nothing_changed(copy):
    assert ran(repro(copy)) == []
    assert git("status", "--porcelain", cwd=copy) == ""


def test_a_threshold_touches_only_score_and_what_follows(copy):
    edit_yaml(copy / BLOCKS, lambda params: params["score"]["thresholds"].update(similarity=0.6))
    output = repro(copy)
    assert {stage.partition("@")[0] for stage in ran(output)} == {"score", "report"}
    assert "texts embedded" not in output


def test_a_fifth_file_costs_its_new_texts_also_without_a_journal(copy):
    generations = json.loads((copy / PUBLISHED / "dpsk_generations.json").read_text())
    for place, clip in enumerate(sorted(generations)):
        if place % 10 == 0:
            generations[clip] = f"The person is doing thing number {place}."
    file = "data/fifth/generations.json"
    (copy / file).parent.mkdir()
    (copy / file).write_text(json.dumps(generations))

    def add(params):
        params["fetched"]["fifth"] = {"file": file}
        other = params["asked"]["smarthome_vlm_deepseek_vl2"]
        record = other | {"method": "fifth", "title": "a fifth", "model": "fifth"}
        for listed in (params["asked"], params["methods"]):
            listed["smarthome_vlm_fifth"] = record

    (copy / "params/models/fifth.yaml").write_text(f"backend: recorded\nfile: {file}\n")
    edit_yaml(copy / PARAMS, add)
    shutil.rmtree(copy / ".journal")
    output = repro(copy)
    after = [f"{room}@smarthome_vlm" for room in ("nulls", "measure", "score", "report")]
    assert sorted(ran(output)[:3]) == ["infer@smarthome_vlm_fifth", "keywords@smarthome_vlm", "model@fifth"]
    assert ran(output)[3:] == after
    assert embedded(output) == sum(text.startswith("The person is doing thing number") for text in generations.values())
    assert "fifth" in (copy / "metrics/smarthome_vlm/summary.csv").read_text()


def test_same_bytes_from_an_empty_journal_with_other_batches(copy, tmp_path):
    before = digests(copy)
    shutil.rmtree(copy / RUN)
    shutil.rmtree(copy / "metrics" / Path(RUN).name)  # what other studies committed stays
    (copy / "compute.yaml").write_text("batch: 3\nworkers: 1\nthreads: 1\n")
    dvc("repro", "--force", "--no-run-cache", REPLAY, cwd=copy, env={"HAR_JOURNAL": str(tmp_path / "empty")})
    after = digests(copy)
    # The page says which code and params made it, so it is compared as well.
    assert after == before


NOTEBOOK = {"cells": [{"cell_type": "code", "source": ["activity_dict_cleaned = dict(Walk=read())"]}]}
FEW = {"cells": [{"cell_type": "code", "source": ["activity_dict_cleaned = {'Walk': ['walk'], 'Leave': []}"]}]}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("intern2kf.json", '["Walk_p02_r00_v01_c01_0.jpeg--cut', ["intern2kf.json: not JSON", "line 1"]),
        ("intern2kf.json", None, ["intern2kf.json"]),
        ("captions.json", "{}", ["captions.json: no clips here"]),
        ("lists/cs_split.json", '["Walk_p99_r00_v01_c01"]', ["cs_split.json names 1 clips", ": Walk_p99_r00_v01_c01"]),
        ("lists/cs_split.json", '["walking home"]', ["cs_split.json: the list names no clip"]),
        ("Keywords_Evaluate_all_data.ipynb", '{"cells": []}', ["Keywords_Evaluate_all_data.ipynb", "activity_dict_c"]),
        ("Keywords_Evaluate_all_data.ipynb", json.dumps(NOTEBOOK), ["row 1 of cell 0", "is no literal"]),
        ("Keywords_Evaluate_all_data.ipynb", json.dumps(FEW), ["Keywords_Evaluate_all_data.ipynb", "Leave"]),
    ],
)
def test_bad_files_end_in_one_clear_message(copy, name, content, says):
    if content is None:
        (copy / PUBLISHED / name).unlink()
    else:
        (copy / PUBLISHED / name).write_text(content)
    output = dvc("repro", REPLAY, cwd=copy, env=journal(copy), check=False)
    assert [text for text in says if text not in output] == [], output
    assert "what to do" in output or "missing data 'source'" in output, output  # the latter is DVC's own
    assert "Traceback" not in output


def test_bad_entries_are_reported_and_the_rest_is_scored(copy):
    """Entries without separator, of an unknown clip, of one clip twice; a name in no grammar; texts of any length."""
    for name in ("captions.json", "intern2kf.json"):
        path = copy / PUBLISHED / name
        entries = json.loads(path.read_text())
        first, second, third = sorted(entries)[:3]
        clips = [entry[: entry.index("_c") + 4] for entry in (first, second, third)]
        others = [entry for entry in entries if entry not in (second, third)]
        bad = ["no separator", f"{clips[0]}_0.jpeg--again", "holiday_0.jpeg--A walk on the beach."]
        path.write_text(json.dumps([*others, f"{clips[1]}_0.jpeg--", f"{clips[2]}_0.jpeg--{'walk ' * 10_000}", *bad]))
    at = len(entries)
    output = repro(copy)
    for stage in ("caption smarthome_vlm", "infer smarthome_vlm internvl2_5"):
        said = [line.partition("warning: ")[2] for line in output.splitlines() if line.startswith(f"{stage}: warning")]
        file = "captions.json" if stage.startswith("caption") else "intern2kf.json"
        assert said == [
            f"{file}, entry {at}: unparsed: no clip and text in 'no separator'",
            f"{file}, entry {at + 1}: conflict: {clips[0]} stands in the file already; the first counts",
        ]
    audit = {found["kind"]: found for found in json.loads((copy / "metrics/smarthome_vlm/audit.json").read_text())}
    assert audit["unparsed_name"]["examples"] == ["holiday", "no separator"]
    answers = read_table(copy / RUN / "predictions/internvl2_5.parquet", PREDICTIONS)
    status = dict(answers.select("clip_id", "status").rows())
    assert status[clips[1]] == "ok"
    assert "holiday" not in status
    omitted = list(csv.DictReader((copy / "metrics/smarthome_vlm/left_out.csv").open()))
    assert any(clips[1] in row["examples"] and row["model"] == "internvl2_5" for row in omitted)


@pytest.mark.parametrize("value", [1.5, -0.1, "high"])
def test_threshold_outside_0_to_1(copy, value):
    edit_yaml(copy / BLOCKS, lambda params: params["score"]["thresholds"].update(similarity=value))
    output = dvc("repro", "-s", f"{REPLAY}:score@smarthome_vlm", cwd=copy, check=False)
    assert f"error: {BLOCKS}, key 'score.thresholds.similarity': Input should be" in output
    assert f"got {value!r}" in output
    assert "Traceback" not in output
