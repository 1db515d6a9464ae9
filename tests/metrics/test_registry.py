"""What every metric says of itself, and that a new one is one file and its line in the registry."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from pydantic import BaseModel

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, MEASURES, PREDICTIONS, SPLITS, VERDICTS
from stages.base.tables import read_table, write_json, write_table
from stages.measure.params import MeasureParams
from stages.metrics import similarity
from stages.metrics.context import Settings
from stages.metrics.metric import Metric
from stages.metrics.registry import METRICS, MODULES
from stages.text.model import PACKAGED
from tests.class_list import write_class_list
from tests.conftest import ROOT
from tests.records import records

ROOM = ROOT / "stages/metrics"

NEW = '''
"""Metric `length`: how long an answer is. It will not tell whether a word of it is right."""

from stages.base.params import Params
from stages.metrics.candidates import Candidates, Choice
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts


class Length(Params):
    longest: int = 10


def rows(context: Context) -> list[Row]:
    found: list[Row] = []
    longest = context.block("length", Length).longest
    for answer, text in texts(context, found):
        found.append(Row(answer.clip_id, answer.repeat, min(1.0, len(text.split()) / longest)))
    return found


def constant(candidates: Candidates) -> Choice:
    words = [len(text.split()) for text in candidates.texts]
    return Choice(words.index(min(words)), f"{min(words)} words")


METRIC = Metric(
    name="length",
    title="Short enough",
    about="The answer has few words.",
    rows=rows,
    threshold=0.5,
    better="lower",
    params=Length,
    default=Length(),
    constant=constant,
)
'''
STAGES = """
import importlib, sys
from stages.base import params
for line in sys.argv[1:]:
    room, *arguments = line.split()
    sys.argv = [room, *arguments]
    params.forget()
    importlib.import_module(f"stages.{room}.__main__").main()
"""
CLASSES = {"Cook": ["cook"], "Sit": ["sit"], "Walk": ["walk"]}
BLOCKS = {
    "measure": {"home": {"metrics": ["keyword", "length"], "encoder": PACKAGED}},
    "nulls": {"home": {"models": ["model"], "repeats": 1, "seed": 0, "encoder": PACKAGED}},
    "score": {
        "home": {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": {},
            "only": {},
            "headline": ["cs.length.mca"],
        }
    },
    "compare": {"home": {"sweep": {"metrics": ["length"], "steps": 3}, "confusion": None}},
    "ingest": {"home": {"licensed": False}},
    "report": {
        "home": {
            "title": "A new metric",
            "about": "",
            "protocols": ["cs"],
            "metrics": ["keyword"],
            "examples_per_class": 3,
            "images": "never",
            "thumbnails_per_class": 0,
            "thumbnail_width": 32,
        }
    },
    "vlm": {"none": {"backend": "none"}},
    "methods": records(Run("home"), "model"),
}
COMMANDS = [
    "nulls home",
    "measure home none data/none",
    "score home data/none",
    "report home data/none data/none data/none data/none",
]


def write_run() -> None:
    """Write a run of nine clips; the model's answers are of 2 to 10 words, and only Cook's say the class."""
    run = Run("home")
    labels = {f"c{number}": list(CLASSES)[number % 3] for number in range(9)}
    rows = [{"clip_id": clip, "labels": [label], "subject": clip} for clip, label in labels.items()]
    write_table(run.manifest, rows, MANIFEST)
    write_class_list(run)
    parts = [{"protocol": "cs", "fold": "", "clip_id": clip, "part": "test"} for clip in labels]
    write_table(run.splits, parts, SPLITS)
    said = {clip: " ".join(["cooking", *["word"] * (number + 1)]) for number, clip in enumerate(labels)}
    captions = [{"clip_id": clip, "text": f"{text} more", "attempts": 1} for clip, text in said.items()]
    write_table(run.captions, captions, CAPTIONS)
    write_json(run.keywords, {"classes": CLASSES})
    answers = [{"clip_id": clip, "method": "model", "repeat": 0, "text": said[clip], "status": "ok"} for clip in said]
    write_table(run.predictions("model"), answers, PREDICTIONS)
    write_json(run.metrics / "audit.json", [])


def changed(code: Path) -> list[str]:
    """Return the files in which a copy of the stages differs from the project's."""
    files = {path.relative_to(folder) for folder in (code, ROOT) for path in (folder / "stages").rglob("*.*")}
    files = {path for path in files if path.suffix != ".pyc"}
    text = {path: [folder / path for folder in (code, ROOT)] for path in files}
    return sorted(
        str(path)
        for path, (copy, own) in text.items()
        if not (copy.exists() and own.exists()) or copy.read_bytes() != own.read_bytes()
    )


def test_a_new_metric_is_a_file_and_its_line_in_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is measured, chosen by, scored, swept and shown, with its own params, threshold and direction."""
    code, work = tmp_path / "code", tmp_path / "work"
    shutil.copytree(ROOT / "stages", code / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (code / "stages/metrics/length.py").write_text(NEW.lstrip())
    registry = code / "stages/metrics/registry.py"
    registry.write_text(registry.read_text().replace("    keyword,\n", "    keyword,\n    length,\n"))
    assert changed(code) == ["stages/metrics/length.py", "stages/metrics/registry.py"]

    work.mkdir()
    monkeypatch.chdir(work)
    write_run()
    Path("params.yaml").write_text(yaml.safe_dump(BLOCKS))
    env = {**os.environ, "PYTHONPATH": str(code), "HAR_JOURNAL": str(work / ".journal")}
    done = subprocess.run(
        [sys.executable, "-c", STAGES, *COMMANDS],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    run = Run("home")
    measures = read_table(run.measures("model") / "measures.parquet", MEASURES).filter(metric="length")
    assert measures["value"].to_list() == [number / 10 for number in range(2, 11)]
    verdicts = read_table(run.verdicts("model"), VERDICTS).filter(metric="length")
    assert verdicts["right"].to_list() == [1.0] * 3 + [0.0] * 6  # below 5 of 10 words: fewer are better
    sweep = pl.read_csv(run.data / "sweep.csv").filter(method="model", metric="length")
    assert sweep["mca"].to_list() == pytest.approx([0, 3 / 9, 8 / 9])
    constant = read_table(run.predictions("null_constant"), PREDICTIONS).filter(metric="length")
    assert set(constant["text"]) == {"cooking word more"}
    page = (run.data / "report/index.html").read_text()
    assert "Short enough" in page
    assert "The answer has few words. Right below 0.5." in page


def test_each_module_of_a_metric_is_registered_under_its_own_name() -> None:
    assert [module.METRIC.name for module in MODULES] == [module.__name__.rpartition(".")[2] for module in MODULES]
    holding = {path.stem for path in ROOM.glob("*.py") if "\nMETRIC = " in path.read_text()}
    assert holding == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_each_says_what_it_will_not_match(name: str) -> None:
    tree = ast.parse((ROOM / f"{name}.py").read_text())
    documented = [tree, *(node for node in tree.body if isinstance(node, ast.FunctionDef))]
    said = " ".join((ast.get_docstring(node) or "") for node in documented)
    assert "will not" in " ".join(said.split())
    assert METRICS[name].title
    assert METRICS[name].about.endswith(".")


def test_no_block_of_a_metric_hides_a_param_that_all_share() -> None:
    assert not set(METRICS) & set(Settings.model_fields)


def test_what_a_metric_is_measured_by_unless_params_say_so() -> None:
    params = MeasureParams(metrics=["bertscore", "nearest_class"], encoder=PACKAGED)
    assert isinstance(params, BaseModel)
    assert params.bertscore.layer == 6
    assert params.nearest_class.description == "label"
    assert params.judge is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": "class"}, "names a class, which has no threshold"),
        ({"default": Settings(metrics=["keyword"], encoder=PACKAGED)}, "no block of its params"),
    ],
)
def test_a_metric_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    facts = {name: getattr(similarity.METRIC, name) for name in ("name", "title", "about", "rows", "threshold")}
    with pytest.raises(ValueError, match=message):
        Metric(**facts | change)


def test_no_other_room_lists_metrics() -> None:
    """A name of a metric in another room is a special case, which a new metric would lack."""
    allowed = {
        "stages/nulls",  # similarity chooses what null_constant says by default
        "stages/report",  # the same, in a sentence of the page
        "stages/base/journal/prune.py",  # the journal of the room that asks the judge
    }
    words = set(METRICS) - {"keyword", "judge", "labels", "answer", "listed", "grounded"}  # words of their own, too
    found = []
    for path in sorted((ROOT / "stages").rglob("*.py")):
        if path.parent == ROOM:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in words:
                found.append(str(path.relative_to(ROOT)))
    assert not [file for file in found if not file.startswith(tuple(allowed))]
