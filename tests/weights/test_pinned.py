"""A hub model is named by its commit, or refused before the hub is asked: one rule for all that load one."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from stages.base.errors import InputError
from stages.metrics.bertscore import BertScore
from stages.nets.models import Shape, build
from stages.nets.params import Net
from stages.vlm.adapter import adapter_folder
from stages.vlm.base import Request
from stages.vlm.local import Local
from stages.weights.unchanged import FILL_IN, pinned
from tests.conftest import ROOT
from tests.vlm.given import params

COMMIT = "0123456789abcdef" * 2 + "01234567"
HUB = "owner/model"


def vlm(revision: str | None) -> None:
    list(Local(params(HUB, revision=revision), "cpu").answer([Request("Describe")]))


def adapter(revision: str | None) -> None:
    adapter_folder(f"{HUB}@{revision}" if revision else HUB)


def net(revision: str | None) -> None:
    build(Net(architecture="timesformer", weights=HUB, revision=revision, head="remake"), Shape(2, 32, 32), ["a"])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was asked of the network, with the hub's libraries as a user has them: online."""
    asked: list[object] = []

    def refuse(host: object, *_: object, **__: object) -> Any:
        asked.append(host)
        raise OSError("no network here")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: refuse(address))
    return asked


@pytest.mark.parametrize("load", [vlm, adapter, net])
@pytest.mark.parametrize(
    ("revision", "why"),
    [
        (None, "needs a revision"),
        (FILL_IN, "do not say which commit"),
        ("main", "'main' is no commit"),
        (COMMIT[:12], "is no commit"),
        (COMMIT.upper(), "is no commit"),
    ],
)
def test_what_names_no_commit_is_refused_before_a_download(
    hub: list[object], load: Callable[[str | None], None], revision: str | None, why: str
) -> None:
    with pytest.raises(InputError, match=why) as raised:
        load(revision)
    assert "https://huggingface.co/owner/model/commits" in str(raised.value)
    assert hub == []


@pytest.mark.parametrize("load", [vlm, adapter, net])
def test_with_a_commit_only_the_hub_is_missing(load: Callable[[str | None], None]) -> None:
    with pytest.raises(InputError) as raised:  # tests are offline (conftest.py)
        load(COMMIT)
    assert "commits" not in str(raised.value)


def models(value: Any) -> list[tuple[str, str | None]]:
    """Every hub model that params name, with its revision."""
    if isinstance(value, list):
        return [found for each in value for found in models(each)]
    if not isinstance(value, dict):
        return []
    local = value.get("backend") == "local"
    name = value.get("name") if local else value.get("weights") if "architecture" in value else None
    own = (
        [(name, value.get("revision"))] if name and name.count("/") == 1 and not name.startswith("torchvision/") else []
    )
    return own + [found for each in value.values() for found in models(each)]


def test_every_hub_model_of_the_repository_has_its_commit_or_asks_for_it() -> None:
    files = [ROOT / "params.yaml", *ROOT.glob("papers/*/params.yaml"), *ROOT.glob("params/*/*.yaml")]
    found = {file: models(yaml.safe_load(file.read_text())) for file in files}
    assert len(found[ROOT / "papers/newborn_lora/params.yaml"]) == 1  # the text model that judges captions
    for name in ("models/video_llava_7b", "recipes/newborn_timesformer", "recipes/full_videomae"):
        assert len(found[ROOT / f"params/{name}.yaml"]) == 1, name
    assert sum(map(len, found.values())) >= 13
    for file, named in found.items():
        for name, revision in named:
            try:
                assert pinned(name, revision) == revision
            except InputError:
                assert revision == FILL_IN, (file, name, revision)


def test_a_folder_that_is_not_there_is_no_hub_model() -> None:
    absent = Net(architecture="timesformer", weights="data/home/models/none")
    with pytest.raises(InputError, match="no such folder"):
        build(absent, Shape(2, 32, 32), ["a"])


def test_encoders_of_bertscore_are_pinned_where_params_are_read() -> None:
    for revision in (None, FILL_IN, "main", COMMIT[:12]):
        with pytest.raises(ValidationError, match="pin its commit"):
            BertScore(encoder="roberta-large", revision=revision, layer=None, protocol=None)
    assert BertScore(encoder="roberta-large", revision=COMMIT, layer=None, protocol=None).revision == COMMIT
