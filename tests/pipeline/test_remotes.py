"""A collaborator's second clone: what one pushed, the other pulls and runs nothing; and what goes wrong says so."""

import hashlib
import shutil
from pathlib import Path

import asyncssh
import pytest
import yaml

from stages.base.paths import METHODS
from tests.conftest import dvc
from tests.pipeline import remotes
from tests.pipeline.project import BLOCKS, PUBLISHED, REPLAY, SPLITS, copy_project, edit_yaml, git, ran

pytestmark = pytest.mark.slow

PAGE = "data/smarthome_vlm/report/index.html"
KINDS = {"folder": remotes.folder, "s3": remotes.s3, "ssh": remotes.ssh}


#: The rest of the project's graph was not run here, and the published files are never pushed.
TARGETS = ["--recursive", "papers/smarthome_vlm", SPLITS]


@pytest.fixture(scope="module")
def origin(tmp_path_factory, replayed):
    """A copy of the small replay to push from."""
    return Path(shutil.copytree(replayed, tmp_path_factory.mktemp("origin") / "project", symlinks=True))


@pytest.fixture(scope="module", params=KINDS)
def pushed(request, origin, tmp_path_factory):
    """The small replay on each kind of remote."""
    with KINDS[request.param](tmp_path_factory.mktemp("remote") / request.param) as remote:
        remote.add(origin)
        dvc("push", *TARGETS, cwd=origin, env=remote.env)
        yield remote


@pytest.fixture
def clone(origin, pushed, tmp_path):
    """A fresh clone that knows the remote, with an empty cache and no journal."""
    return cloned(origin, pushed, tmp_path / "clone")


def cloned(origin: Path, remote: remotes.Remote, to: Path) -> Path:
    git("clone", "-q", str(origin), str(to), cwd=origin)
    remote.add(to)
    return to


def tried(*arguments: str, clone: Path, env: dict[str, str]) -> str:
    """Run what must fail; return what it printed, which is no stack trace."""
    with pytest.raises(AssertionError, match="ended in") as failed:
        dvc(*arguments, cwd=clone, env={**env, "AWS_MAX_ATTEMPTS": "1"})
    assert "Traceback" not in str(failed.value)
    return str(failed.value)


def test_a_clone_that_pulls_runs_nothing_and_shows_the_same_page(origin, pushed, clone):
    dvc("pull", *TARGETS, cwd=clone, env=pushed.env)
    assert ran(dvc("repro", "--allow-missing", REPLAY, cwd=clone, env=pushed.env)) == []
    assert (clone / PAGE).read_bytes() == (origin / PAGE).read_bytes()
    assert not list((clone / PUBLISHED).rglob("*.json")), "they are never pushed"
    assert git("status", "--porcelain", cwd=clone) == ""


def tables(project: Path) -> list[Path]:
    """Return the paths of all methods' tables of answers, as the lock names them."""
    cells = yaml.safe_load((project / REPLAY).with_suffix(".lock").read_text())["stages"].values()
    outs = [Path(out["path"]) for cell in cells for out in cell["outs"]]
    return [path for path in outs if path.parent.name == "predictions"]


def test_repro_pulls_what_it_needs_and_a_changed_stage_only_runs(origin, pushed, clone):
    """What the changed stages read comes over, and nothing of GPU side is computed.

    The tables of answers are pulled before: `repro --pull` cannot fetch their folder, of which each cell makes a file.
    """
    env = {**pushed.env, "HAR_JOURNAL": str(clone / ".journal")}
    assert ran(dvc("repro", "--pull", "--allow-missing", REPLAY, cwd=clone, env=env)) == []
    edit_yaml(clone / BLOCKS, lambda params: params["score"]["thresholds"].update(similarity=0.6))
    answers = [path.as_posix() for path in tables(clone)]
    dvc("pull", *answers, cwd=clone, env=env)
    output = dvc("repro", "--pull", "--allow-missing", REPLAY, cwd=clone, env=env)
    assert {stage.partition("@")[0] for stage in ran(output)} == {"score", "report"}
    assert "texts embedded" not in output
    assert not (clone / ".journal").exists()
    assert not (clone / PUBLISHED / "llama_all.json").exists()


def test_wrong_credentials_and_an_unreachable_server(origin, pushed, clone, tmp_path):
    if not pushed.settings:
        pytest.skip("a folder has neither")
    keyed = {"env": pushed.env, "clone": clone}
    if pushed.url.startswith("s3"):
        with remotes.keys_checked():
            said = tried("pull", *TARGETS, clone=clone, env={**pushed.env, "AWS_ACCESS_KEY_ID": "nobody"})
        assert "Forbidden" in said
        pushed.add(clone, endpointurl=f"http://127.0.0.1:{remotes.free_port()}")
        assert "Could not connect" in tried("pull", *TARGETS, **keyed)
    else:
        wrong = tmp_path / "wrong_key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(wrong)
        wrong.chmod(0o600)
        pushed.add(clone, keyfile=str(wrong))
        assert "Permission denied" in tried("pull", *TARGETS, **keyed)
        pushed.add(clone, port=str(remotes.free_port()))
        assert "Connect call failed" in tried("pull", *TARGETS, **keyed)
    assert git("status", "--porcelain", cwd=clone) == ""
    assert not (clone / PAGE).exists()
    pushed.add(clone)
    dvc("pull", *TARGETS, cwd=clone, env=pushed.env)
    assert (clone / PAGE).read_bytes() == (origin / PAGE).read_bytes()


def test_credentials_and_addresses_are_in_no_commit(origin, pushed):
    history = git("log", "--all", "-p", cwd=origin)
    secrets = {pushed.url, *pushed.env.values(), *pushed.settings.values()} - {remotes.REGION}
    assert [value for value in secrets if len(value) > 6 and value in history] == []  # a port or time-out is no secret
    assert ".dvc/config.local" not in git("ls-files", cwd=origin)


def test_a_half_uploaded_artefact_is_noticed_and_pushed_again(origin, tmp_path):
    """Without `verify` DVC takes a cut object as it is; with it the clone gets everything else and a clear error."""
    with remotes.folder(tmp_path / "store") as remote:
        remote.add(origin)
        dvc("push", *TARGETS, cwd=origin)
        md5 = hashlib.md5((origin / PAGE).read_bytes(), usedforsecurity=False).hexdigest()
        stored = Path(remote.url) / "files/md5" / md5[:2] / md5[2:]
        stored.chmod(0o644)
        stored.write_bytes(stored.read_bytes()[: stored.stat().st_size // 2])
        clone = cloned(origin, remote, tmp_path / "clone")
        said = tried("pull", *TARGETS, clone=clone, env={})
        assert "data/smarthome_vlm/report" in said
        assert not (clone / PAGE).exists()
        assert (clone / "data/smarthome_vlm/manifest.parquet").exists()
        stored.unlink()
        # DVC remembers which folders it pushed whole, and looks again once a folder's list is gone from the remote.
        (listed,) = [path for path in Path(remote.url).rglob("*.dir") if md5 in path.read_text()]
        listed.unlink()
        dvc("push", *TARGETS, cwd=origin)
        dvc("pull", *TARGETS, cwd=clone)
        assert (clone / PAGE).read_bytes() == (origin / PAGE).read_bytes()


def test_images_of_a_licensed_data_set_stay_here(tmp_path, remote_file):
    """Clips and keyframes of a licensed data set are not in the remote after a push; its tables are."""
    project = copy_project(tmp_path / "project")
    clips = project / "data/weizmann/clips"
    clips.mkdir()
    for name in sorted(remote_file("data/weizmann/clips").iterdir())[::15]:
        shutil.copy(name, clips)
    dvc("commit", "--force", "data/weizmann/clips.dvc", cwd=project)
    record = {"clips": "data/weizmann/clips", "published": "data/none", "official": "data/none"}
    record |= {"keywords": "data/none", "captioner": "none", "judge": "none", "truth": "data/none"}
    record |= dict.fromkeys(("controls", "seeds", "targets", "streams"), "data/none")
    sets = {"weizmann": record}
    lists = {key: {} for key in (*METHODS, "teachers", "streamed", "methods", "controlled")}
    lists |= dict.fromkeys(("datasets", "ingested", "pushed"), sets)
    edit_yaml(project / "params.yaml", lambda params: params.update(**lists, kept={}))
    env = {"HAR_JOURNAL": str(project / ".journal")}
    said = tried("repro", "keyframes@weizmann", clone=project, env=env)
    assert "move its record in params.yaml from `pushed` to `kept`" in said
    edit_yaml(project / "params.yaml", lambda params: params.update(pushed={}, kept=sets))
    dvc("repro", "keyframes_kept@weizmann", cwd=project, env=env)
    frames = list((project / "data/weizmann/keyframes").iterdir())
    assert len(frames) > 1
    with remotes.folder(tmp_path / "store") as remote:
        remote.add(project)
        dvc("push", "--run-cache", "ingest@weizmann", "keyframes_kept@weizmann", "data/weizmann/clips.dvc", cwd=project)
        stored = [path.read_bytes() for path in Path(remote.url).rglob("*") if path.is_file()]
    assert (project / "data/weizmann/manifest.parquet").read_bytes() in stored
    assert not [path for path in [*frames, *clips.iterdir()] if path.read_bytes() in stored]
    assert not [blob for blob in stored if b"\xff\xd8\xff" in blob or b"RIFF" in blob]
