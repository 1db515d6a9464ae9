"""A model that accelerate spreads (`device_map`) says what it says in one piece.

On a CPU "another card" is the disk: a part there is fetched by the same hooks, and its weights are nowhere until then.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from stages.adapt.features import _computed, unpacked
from stages.adapt.lora import put_on, save
from stages.adapt.saved import load, save_head
from stages.base.errors import InputError
from stages.vlm.base import Request
from stages.vlm.checkpoint import folder_hash
from stages.vlm.local import Local
from stages.vlm.spread import entry, is_spread
from tests.adapt.given import lora
from tests.adapt.test_lora import noise
from tests.vlm.given import media, params

NAMES = [
    ("smolvlm", "images", 2),
    ("internvl", "video", 4),
    ("mllama", "images", 1),
    ("qwen2_5_vl", "images", 2),
    ("llama", None, 0),
]


def parts(model: Any, prefix: str = "") -> list[str]:
    """The names of a model's parts, as a device map has them: layers one by one."""
    found: list[str] = []
    for name, child in model.named_children():
        path = f"{prefix}{name}"
        inner = name in ("model", "language_model", "text_model", "layers")
        found += parts(child, f"{path}.") if inner else [path]
    return found


def maps(model: Any) -> dict[str, dict[str, str]]:
    """Device maps of a model: the embedding away, the first and every other part away, the others away."""
    # mllama asks the first weight of its vision tower where it is, which a disk does not answer; a card would.
    names = [name for name in parts(model) if not (model.config.model_type == "mllama" and "vision" in name)]
    rest = {name: "cpu" for name in parts(model) if name not in names}
    return {how: rest | places for how, places in _maps(names).items()}


def _maps(names: list[str]) -> dict[str, dict[str, str]]:
    return {
        "embedding": {name: "disk" if "embed_tokens" in name else "cpu" for name in names},
        "even": {name: ("disk", "cpu")[place % 2] for place, name in enumerate(names)},
        "odd": {name: ("cpu", "disk")[place % 2] for place, name in enumerate(names)},
    }


@pytest.mark.parametrize(("name", "kind", "frames"), NAMES)
def test_it_answers_as_in_one_piece(
    tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: Any, frames: int
) -> None:
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "whole"))
    folder = tiny_model(name)
    shown = [media(kind, frames, seed) if kind else None for seed in range(4)]
    options = [(), ("True", "No way at all")]
    requests = [Request(f"Describe the activity {i}", one, options=options[i % 2]) for i, one in enumerate(shown)]
    requests.append(Request("Describe", shown[0], must_hold=("pour tea",)))
    whole = Local(params(folder), "cpu", batch=2)
    expected = dict(whole.answer(requests))
    assert not is_spread(whole.engine().model)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "spread"))
    for how, places in {**maps(whole.engine().model), "auto": "auto"}.items():
        backend = Local(params(folder, device_map=places), "cpu", batch=2)
        assert backend.shape() == whole.shape(), "where it lies shapes no answer"
        found = dict(backend.answer(requests))
        assert found == expected, how
        model = backend.engine().model
        if how != "auto":  # which puts all of it on the CPU here
            assert is_spread(model)
            assert any(weight.device.type == "meta" for weight in model.parameters())
        assert entry(model) == backend.engine().device == "cpu"
    assert not (tmp_path / "spread").exists(), "its towers may be on a card, whose looks nobody keeps"


def test_an_adapter_goes_on_it_where_all_of_it_is_there(tiny_model: Any, tmp_path: Path) -> None:
    base, folder = tiny_model("smolvlm"), tmp_path / "adapter"
    trained = Local(params(base), "cpu")
    there = dict.fromkeys(parts(trained.engine().model), "cpu")
    disk = maps(trained.engine().model)["odd"]
    adapted = put_on(trained.engine().model, lora(), 0)
    noise(adapted)
    save(adapted, folder, str(base), folder_hash(base))
    request = Request("Describe", media("images", 2, 0), options=("True", "False"))
    asked = Local(params(base, device_map=there, adapter=str(folder)), "cpu")
    assert dict(asked.answer([request])) == dict(trained.answer([request]))
    with pytest.raises(InputError, match="wait in memory or on a disk"):
        Local(params(base, device_map=disk, adapter=str(folder)), "cpu").engine()


def test_a_head_reads_it(tiny_model: Any, tmp_path: Path) -> None:
    base = tiny_model("smolvlm")
    whole = Local(params(base), "cpu")
    head = torch.nn.Linear(whole.engine().config.get_text_config().hidden_size, 2)
    save_head(tmp_path, head, {"classes": ["a", "b"], "base": str(base), "revision": folder_hash(base)})
    request = Request("Describe", media("images", 2, 0))
    given = whole.engine().inputs([whole.engine().encode(request)])
    logits = []
    for places in [None, *maps(whole.engine().model).values()]:
        headed, _ = load(tmp_path, Local(params(base, device_map=places), "cpu"))
        with torch.inference_mode():
            logits.append(headed([given], torch.tensor([0])))
        assert is_spread(headed) == (places is not None)
    assert all(torch.equal(one, logits[0]) for one in logits)


def test_features_are_the_same_and_lora_does_not_learn(tiny_model: Any) -> None:
    base = tiny_model("internvl")
    whole = Local(params(base), "cpu")
    requests = [Request("Describe", media("images", 2, seed), text_first=True) for seed in range(3)]
    expected = [unpacked(value) for _, value in _computed(whole, requests, [])]
    for places in maps(whole.engine().model).values():
        backend = Local(params(base, device_map=places), "cpu")
        found = [unpacked(value) for _, value in _computed(backend, requests, [])]
        assert all((one == other).all() for one, other in zip(found, expected, strict=True))
        with pytest.raises(InputError, match="device_map"):
            put_on(backend.engine().model, lora(), 0)
