"""A server that fails for some clips and then recovers, in a real repository: its errors do not stick."""

import hashlib
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.conftest import ROOT, dvc
from tests.pipeline.project import commit, copy_project, edit_yaml, git, ran
from tests.vlm.fake_server import Said, Server, failure, reply

ACTIVITIES = ["Drink_Fromcup", "Laydown", "Readbook", "Walk"]
ERRORS = "metrics/tiny/errors.json"
#: Of the questions that were asked: how each kind is told by its words, and for which clips the server fails at it.
KINDS = {
    "infer": ("Which of these", "0123"),
    "caption": ("The activity is", "4567"),
    "measure": ("True or False", "89ab"),
}
DOWNSTREAM = ["measure@tiny", "score@tiny", "report@tiny"]


class Failing:
    """Answers by the kind of a question, and fails for a fixed part of the clips while it is `down`."""

    def __init__(self) -> None:
        self.down = True
        self.asked: Counter[str] = Counter()
        """Questions of each kind since the last look."""
        self.answered: Counter[str] = Counter()
        """Answers to each question, ever."""

    def __call__(self, body: dict) -> Said:
        (message,) = body["messages"]
        text = next(part["text"] for part in message["content"] if part["type"] == "text")
        image = next(part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url")
        kind = next(kind for kind, (words, _) in KINDS.items() if words in text)
        digit = hashlib.md5(image.encode()).hexdigest()[0]
        self.asked[kind] += 1
        if self.down and digit in KINDS[kind][1]:
            return failure(422, "the worker of this model ran out of memory")
        self.answered[json.dumps(body)] += 1
        if kind == "infer":
            return reply(text.split(": ")[1].split("?")[0].split(", ")[int(digit, 16) % 4])
        # A caption holds the first keyword that it was asked for.
        return reply("True" if kind == "measure" else f"A person, {text.rsplit(': ', 1)[1].split(',')[0].rstrip('.')}.")

    def since(self) -> dict[str, int]:
        """Return how many questions of each kind there were since the last call, of which none had an answer before."""
        assert set(self.answered.values()) <= {1}, "what was answered is asked again"
        asked, self.asked = self.asked, Counter()
        return dict(asked)


@pytest.fixture(scope="module")
def failing():
    return Failing()


@pytest.fixture(scope="module")
def server(failing):
    server = Server()
    server.script = [failing]
    yield server.start()
    server.shutdown()


@pytest.fixture(scope="module")
def project(tmp_path_factory, server):
    """Return a project with one rendered data set, whose model is behind the server; nothing was run in it."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    for folder in ("papers", "seeds"):
        shutil.rmtree(project / folder)
    for pointer in (project / "data").rglob("*.dvc"):
        pointer.unlink()
    dvc("remote", "add", "-d", "store", str(tmp_path_factory.mktemp("store")), cwd=project)
    (project / "compute.yaml").write_text(yaml.safe_dump({"endpoints": {"served": server.address}}))
    model = yaml.safe_load((ROOT / "params/models/gpt_4o.yaml").read_text())
    model |= {"name": "served", "engine": "vllm 0.11", "key": None, "frames": 1, "logprobs": False, "detail": None}
    (project / "params/models/served.yaml").write_text(yaml.safe_dump(model))
    blocks = yaml.safe_load((ROOT / "params/datasets/home.yaml").read_text())
    del blocks["controls"]
    blocks["simulate"] |= {"clips": 54, "activities": ACTIVITIES, "seconds": [1, 1], "size": [64, 64], "cameras": [1]}
    blocks["ingest"] |= {"protocols": {"cs": {"validation": True}}, "subsets": {}}
    blocks["keyframes"] |= {"method": "uniform", "count": 1}
    blocks["caption"] |= {"attempts": 1, "gate": False, "errors": 0.6}
    blocks["infer"]["errors"] = blocks["measure"]["errors"] = 0.6
    blocks["nulls"] |= {"models": ["served_list"], "repeats": 2, "precision": "float32"}
    blocks["measure"] |= {"metrics": ["answer", "judge"], "precision": "float32"}
    blocks["score"] |= {"thresholds": {"judge": 0.5}, "headline": ["cs.answer.mca"]}
    blocks["compare"] |= {"confusion": {"method": "served_list", "protocol": "cs", "metric": "answer"}}
    blocks["compare"]["sweep"]["metrics"] = ["judge"]
    blocks["report"] |= {"protocols": ["cs"], "metrics": ["answer", "judge"]}
    (project / "params/datasets/tiny.yaml").write_text(yaml.safe_dump(blocks, sort_keys=False))
    lists = yaml.safe_load((ROOT / "stages/keywords/lists/home.yaml").read_text())
    lists["classes"] = {name: lists["classes"][name] for name in ACTIVITIES}
    (project / "tiny_keywords.yaml").write_text(yaml.safe_dump(lists))

    def only_tiny(values: dict) -> None:
        none = dict.fromkeys(("truth", "published", "official", "controls", "seeds", "targets", "streams"), "data/none")
        tiny = none | {"clips": "data/tiny/clips", "keywords": "tiny_keywords.yaml"}
        values["pushed"] = {"tiny": tiny | {"captioner": "served", "judge": "served"}}
        method = {"dataset": "tiny", "method": "served_list", "title": "served, list", "model": "served"}
        values["asked"] = {"tiny_served_list": method | {"strategy": "list", "protocol": "all", "adapter": "data/none"}}
        values |= {
            "trained": {},
            "adapted": {},
            "teachers": {},
            "distilled": {},
            "interacting": {},
            "streamed": {},
            "controlled": {},
            "pretrained": {},
            "scenes": ["tiny"],
        }
        values |= {"datasets": values["pushed"], "ingested": values["pushed"], "methods": values["asked"]}
        values["fetched"] = {"served": {"file": "data/none"}}
        values["strategies"]["list"]["weigh"] = False

    edit_yaml(project / "params.yaml", only_tiny)
    commit(project)
    return project


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return str(tmp_path_factory.mktemp("shared") / "journal")


def counts(project: Path) -> dict[str, int]:
    """Return the errors that the cells counted."""
    known = json.loads((project / ERRORS).read_text())
    return {"caption": known["caption"], "infer": known["infer"]["served_list"], "measure": known["measure"]}


def noted(project: Path) -> str:
    """Return what the page says of errors."""
    found = re.search(r'<p class="note warning" id="errors">(.*?)</p>', page(project), re.DOTALL)
    return " ".join(re.sub("<.*?>", "", found[1]).split()) if found else ""


def page(project: Path) -> str:
    return (project / "data/tiny/report/index.html").read_text()


def repro(project: Path, journal: str, *arguments: str) -> str:
    return dvc(*(arguments or ("repro",)), cwd=project, env={"HAR_JOURNAL": journal})


@pytest.mark.slow
def test_errors_are_asked_again_until_they_are_none(project, failing, journal, tmp_path):
    output = repro(project, journal)
    asked, wrong = failing.since(), counts(project)
    assert all(0 < wrong[kind] < asked[kind] for kind in KINDS), (wrong, asked)
    for kind, count in wrong.items():
        assert f"{count} ended in an error: the next `dvc repro` asks again" in output, kind
    said = "{caption} reference captions, {infer} answers of served, list, {measure} judgements".format(**wrong)
    assert said in noted(project)
    table = pl.read_parquet(project / "data/tiny/predictions/served_list.parquet")
    assert (table["status"] == "error").sum() == wrong["infer"]
    assert "keywords@tiny" in dvc("status", cwd=project)
    commit(project)

    # The server is still down: exactly these are asked once more, and what follows has nothing new to do.
    lock = (project / "dvc.lock").read_text()
    output = repro(project, journal)
    assert sorted(ran(output)) == ["caption@tiny", "infer@tiny_served_list", "keywords@tiny", "measure@tiny"]
    assert failing.since() == wrong == counts(project)
    assert (project / "dvc.lock").read_text() == lock
    assert git("status", "--porcelain", cwd=project) == ""

    # A target asks too, and the others' counts are not lost.
    failing.down = False
    assert ran(repro(project, journal, "repro", "infer@tiny_served_list"))[-1] == "infer@tiny_served_list"
    assert failing.since() == {"infer": wrong["infer"]}
    assert counts(project) == dict.fromkeys(KINDS, 0)
    output = repro(project, journal)
    assert sorted(ran(output)) == sorted(["caption@tiny", "nulls@tiny", *DOWNSTREAM])
    late = failing.since()
    # Texts whose reference or answer was an error are judged now, too.
    assert late["caption"] == wrong["caption"]
    assert set(late) == {"caption", "measure"}
    assert counts(project) == dict.fromkeys(KINDS, 0)
    assert noted(project) == ""
    assert "ended in an error" not in output
    commit(project)

    # It is over: nothing runs, here and in a clone that has no journal.
    assert "up to date" in repro(project, journal)
    clone, other = cloned(project, tmp_path / "clone"), str(tmp_path / "journal")
    assert ran(repro(clone, other, "repro", "--allow-missing")) == []
    # Asked again for another reason, it knows from its outputs what was answered.
    repro(clone, other, "repro", "-f", "-s", "infer@tiny_served_list")
    assert failing.since() == {}


@pytest.mark.slow
def test_errors_of_an_experiment_are_its_own_and_may_be_left_as_they_are(project, failing, journal, tmp_path):
    failing.down = False
    repro(project, journal)  # nothing to do after the test above
    git("add", "-A", cwd=project)
    git("commit", "--allow-empty", "-qm", "state", cwd=project)
    failing.since()

    # An experiment elsewhere has the counts of its own run.
    failing.down, longest = True, "params/models/served.yaml:max_new_tokens"
    repro(project, journal, "exp", "run", "--temp", "-n", "elsewhere", "-S", f"{longest}=64")
    assert failing.since().keys() == KINDS.keys()
    assert git("status", "--porcelain", cwd=project) == ""
    assert counts(project) == dict.fromkeys(KINDS, 0)
    dvc("exp", "apply", "elsewhere", cwd=project)
    wrong = counts(project)
    assert all(wrong.values())

    # Whoever takes them as they are says so; then nobody asks again.
    repro(project, journal, "repro", "keywords@tiny")
    dvc("commit", "-f", "caption@tiny", "infer@tiny_served_list", "measure@tiny", cwd=project)
    assert ran(repro(project, journal)) == ["report@tiny"]
    assert noted(project) == ""
    commit(project)
    clone = cloned(project, tmp_path / "clone")
    assert ran(repro(clone, str(tmp_path / "journal"), "repro", "--allow-missing")) == []
    assert failing.since() == {}

    # Back at the params of before, DVC's run cache has a run with errors and one without: the latter comes back.
    edit_yaml(project / "params/models/served.yaml", lambda model: model.update(max_new_tokens=128))
    output = repro(project, journal)
    assert "Stage 'infer@tiny_served_list' is cached" in output
    assert counts(project) == dict.fromkeys(KINDS, 0)
    assert failing.since() == {}
    table = pl.read_parquet(project / "data/tiny/predictions/served_list.parquet")
    assert set(table["status"]) == {"ok"}


def cloned(project: Path, to: Path) -> Path:
    """Return a clone of a project with its outputs, and without its journal and cache."""
    dvc("push", "-q", cwd=project)
    git("clone", "-q", str(project), str(to), cwd=project)
    dvc("pull", "-q", "--allow-missing", cwd=to)
    return to
