"""The vllm back end without vLLM: what its block says, what names its answers, and what is said where it is absent.

What it answers is tested where vLLM is: `test_vllm.py`.
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from stages.base import params as settings
from stages.base.errors import InputError
from stages.vlm.base import Request, request_key
from stages.vlm.check import check
from stages.vlm.clustered import ClusteredVllm
from stages.vlm.dry import Pretend
from stages.vlm.load import load
from stages.vlm.options import shares, ways
from stages.vlm.vllm import Vllm
from stages.weights.unchanged import FILL_IN
from tests.vlm.given import media, vllm_params


@pytest.fixture
def folder(tiny_model: Callable[[str], Path]) -> Path:
    return tiny_model("qwen2_5_vl")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A compute.yaml of one's own."""
    monkeypatch.chdir(tmp_path)
    settings.forget()
    yield tmp_path / "compute.yaml"
    settings.forget()


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_first_question_says_how_to_install_it(folder: Path) -> None:
    backend = load(vllm_params(folder), "tiny")
    with pytest.raises(InputError, match=r"vLLM is not installed\n.*pip install -e '\.\[vllm\]'"):
        next(iter(backend.answer([Request("Is it so?")])))


def test_the_key_has_all_that_shapes_an_answer_and_nothing_else(folder: Path) -> None:
    def key(**differs: object) -> str:
        return request_key(Vllm(vllm_params(folder, **differs)), Request("Is it so?"))

    shaping = [{"batch_invariant": True}, {"quantisation": "fp8"}, {"dtype": "bfloat16"}, {"arguments": {}}]
    shaping += [{"max_new_tokens": 9}, {"temperature": 1.0}, {"processor": {"max_pixels": 784}}]
    assert len({key(), *(key(**differs) for differs in shaping)}) == len(shaping) + 1
    assert {key(context=64), key(cards=2), key(memory=0.5), key(frames=1), key(seed=9)} == {key()}
    shape = Vllm(vllm_params(folder)).shape()
    assert {"vllm", "torch", "transformers"} <= set(shape["libraries"])
    assert (shape["backend"], shape["name"]) == ("vllm", None), "a folder is named by its files"
    assert Vllm(vllm_params(folder)).revision == shape["revision"]


def test_a_repeated_question_is_the_same_only_where_nothing_may_change_its_answer(folder: Path) -> None:
    assert Vllm(vllm_params(folder)).samples
    assert Vllm(vllm_params(folder, batch_invariant=True, temperature=0.5)).samples
    assert not Vllm(vllm_params(folder, batch_invariant=True)).samples


@pytest.mark.parametrize(
    ("differs", "why"),
    [
        ({"arguments": {"max_num_seqs": 3}}, "max_num_seqs by other keys"),
        ({"media": "video"}, "images"),
        ({"adapter": "data/models/x"}, "adapter"),
        ({"memory": 1.5}, "memory"),
        ({"dtype": "float64"}, "dtype"),
    ],
)
def test_what_it_cannot_do_is_refused_by_its_block(differs: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        vllm_params("owner/model", **differs)


def test_a_hub_model_is_named_by_its_commit() -> None:
    with pytest.raises(InputError, match="which commit"):
        Vllm(vllm_params("owner/model", revision=FILL_IN)).shape()


def test_a_cluster_has_it_in_each_worker_unless_it_is_spread_over_cards(folder: Path, machine: Path) -> None:
    assert type(load(vllm_params(folder), "tiny")) is Vllm
    machine.write_text("{engine: ray, batch: 7}")
    settings.forget()
    backend = load(vllm_params(folder), "tiny")
    assert isinstance(backend, ClusteredVllm)
    assert backend.batch == 7
    assert backend.shape() == Vllm(vllm_params(folder)).shape(), "no journal key says where it ran"
    assert type(load(vllm_params(folder, cards=2), "tiny")) is Vllm


def test_what_is_known_of_it_before_it_is_asked(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(vllm_params("owner/model", revision=FILL_IN).model_dump(mode="json")))
    assert [line.split(":")[0] for line in check(file)] == [str(file), "commit"]
    counter = Pretend(Vllm(vllm_params(folder)), vllm_params(folder))
    list(counter.answer([Request("Is it so?", media("images", 2, 0))]))
    assert "tokens in (the model's processor)" in counter.report("tiny", "infer")


def test_options_are_written_by_their_shortest_tokens_and_share_what_is_theirs(folder: Path) -> None:
    from stages.vlm.checkpoint import load_processor

    tokenizer = load_processor(str(folder), None, True).tokenizer
    for option in ("Yes", "No"):
        written = ways(tokenizer, option)
        assert {tokenizer.decode(way).strip() for way in written} == {option}
        assert len({len(way) for way in written}) == 1
    assert shares(("Yes", "No"), [[-1000.0], [-1000.0, -1000.0]]) == {"Yes": 0.3333333, "No": 0.6666667}
