"""LoRA on every architecture: where it is put, that it alone learns, that what is saved is what is loaded."""

import json
import re
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file

from stages.adapt.lora import modules_of, pattern, put_on, save, targets
from stages.base.errors import InputError
from stages.vlm.adapter import adapter_folder, attach
from stages.vlm.base import Request
from stages.vlm.checkpoint import folder_hash
from stages.vlm.local import Local
from tests.adapt.given import ATTENTION, CASES, lora
from tests.vlm.given import media, params

ARCHITECTURES = sorted({name for name, _, _ in CASES})
VISION = {
    "embedded": "convolution",
    "qwen2_5_vl": "qkv",
    "llava_next_video": "q_proj",
    "video_llava": "q_proj",
    "smolvlm": "q_proj",
    "internvl": "q_proj",
    "mllama": "q_proj",
}
PROJECTOR = {"smolvlm": "proj", "qwen2_5_vl": "0", "mllama": "multi_modal_projector"}


def local(folder: Path, **differs: Any) -> Local:
    attention = "eager" if folder.name == "embedded" else "sdpa"
    return Local(params(folder, attention=attention, **differs), "cpu")


def noise(model: Any, seed: int = 0) -> None:
    """Give LoRA weights that change answers: fresh ones change nothing."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_part_has_its_modules(tiny_model: Any, name: str) -> None:
    model = local(tiny_model(name)).engine().model
    parts = modules_of(model)
    assert {parts[one] for one in parts} == {"vision", "projector", "language"}
    assert parts["lm_head"] == "language"
    language = targets(model, lora())
    layers = {re.search(r"layers\.(\d+)", one)[1] for one in language}
    assert layers == {str(number) for number in range(model.config.get_text_config().num_hidden_layers)}
    assert not any(word in one for one in language for word in ("vision", "visual", "tower"))
    vision = targets(model, lora(targets=[VISION[name]], parts=["vision"]))
    assert all(any(word in one for word in ("vision", "visual", "tower")) for one in vision)
    projector = targets(model, lora(targets=[PROJECTOR.get(name, "linear_1")], parts=["projector"]))
    assert len(projector) == 1
    both = targets(model, lora(targets=[VISION[name], *ATTENTION], parts=["vision", "language"]))
    assert set(both) >= {*vision, *language}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_targets_that_match_nothing_list_what_there_is(tiny_model: Any, name: str) -> None:
    model = local(tiny_model(name)).engine().model
    with pytest.raises(InputError, match="no module of language is called query, value") as raised:
        put_on(model, lora(targets=["query", "q_proj", "value"]), 0)
    assert "language: " in str(raised.value)
    assert "q_proj" in str(raised.value)
    assert "vision: " in str(raised.value)


def test_a_pattern_is_of_these_modules_and_no_others() -> None:
    names = ["model.layers.0.self_attn.q_proj", "model.layers.11.self_attn.q_proj", "model.merger.mlp.0", "lm_head"]
    found = pattern(names)
    assert all(re.fullmatch(found, name) for name in names)
    for other in ("model.layers.0.self_attn.k_proj", "model.layersx0.self_attn.q_proj", "model.merger.mlp.2", "head"):
        assert not re.fullmatch(found, other)


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_an_adapter_is_loaded_as_it_was_saved(
    tiny_model: Any, tmp_path: Path, name: str, kind: str, frames: int
) -> None:
    base, folder = tiny_model(name), tmp_path / "adapter"
    trained = local(base)
    block = lora(targets=[VISION[name], *ATTENTION], parts=["vision", "language"])
    adapted = put_on(trained.engine().model, block, 0)
    request = Request("Describe", media(kind, frames, 0), options=("True", "False"))
    plain = local(base)
    ((_, untouched),) = trained.answer([request])
    assert untouched == dict(plain.answer([request]))[request], "fresh LoRA changes nothing"
    noise(adapted)
    save(adapted, folder, str(base), folder_hash(base))
    loaded = local(base, adapter=str(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    encoded = [backend.engine().encode(request) for backend in (trained, loaded)]
    first, again = (
        backend.engine().write([one]).first for backend, one in zip((trained, loaded), encoded, strict=True)
    )
    # On some processors a LoRA convolution that was loaded rounds otherwise than the one that was saved; why is open.
    close = 1e-5 if VISION[name] == "convolution" else 0
    torch.testing.assert_close(first, again, rtol=close, atol=close)
    ((_, said),), ((_, wanted),) = loaded.answer([request]), trained.answer([request])
    assert said._replace(p=None) == wanted._replace(p=None)
    assert said.p == pytest.approx(wanted.p, rel=close, abs=0)
    assert said.p != pytest.approx(untouched.p, rel=1e-3)


def test_the_same_adapter_is_the_same_bytes(tiny_model: Any, tmp_path: Path) -> None:
    base = tiny_model("smolvlm")
    for place in ("a", "b"):
        adapted = put_on(local(base).engine().model, lora(), 3)
        save(adapted, tmp_path / place, "data/models/x", "0" * 32)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("data/models/x", "0" * 32)
    assert config["inference_mode"]
    other = put_on(local(base).engine().model, lora(), 4)
    save(other, tmp_path / "c", "data/models/x", "0" * 32)
    same = load_file(tmp_path / "a/adapter_model.safetensors"), load_file(tmp_path / "c/adapter_model.safetensors")
    assert any(not torch.equal(same[0][name], same[1][name]) for name in same[0])


def test_peft_loads_it_without_us(tiny_model: Any, tmp_path: Path) -> None:
    base = tiny_model("internvl")
    engine = local(base).engine()
    adapted = put_on(engine.model, lora(), 0)
    noise(adapted)
    save(adapted, tmp_path / "adapter", str(base), folder_hash(base))
    plain = local(base).engine()
    theirs = peft.PeftModel.from_pretrained(plain.model, str(tmp_path / "adapter"))
    encoded = engine.encode(Request("Describe", media("images", 1, 0)))
    with torch.inference_mode():
        found, wanted = (model(**engine.inputs([encoded])).logits for model in (theirs, engine.model))
    assert torch.equal(found, wanted)


def test_an_adapter_is_part_of_what_identifies_the_model(tiny_model: Any, tmp_path: Path) -> None:
    base = tiny_model("smolvlm")
    for seed in (0, 1):
        adapted = put_on(local(base).engine().model, lora(), seed)
        save(adapted, tmp_path / str(seed), str(base), folder_hash(base))
    none, first, second = local(base), *(local(base, adapter=str(tmp_path / str(seed))) for seed in (0, 1))
    assert "adapter" not in none.shape()
    assert len({json.dumps(backend.shape(), sort_keys=True) for backend in (none, first, second)}) == 3
    assert first.revision == f"{none.revision}+{first.shape()['adapter']}"


def saved(tiny_model: Any, folder: Path, name: str = "smolvlm", **base: str) -> Path:
    adapted = put_on(local(tiny_model(name)).engine().model, lora(), 0)
    save(adapted, folder, base.get("base", str(tiny_model(name))), base.get("revision", folder_hash(tiny_model(name))))
    return folder


def test_an_adapter_of_another_model_is_refused(tiny_model: Any, tmp_path: Path) -> None:
    own, base = tiny_model("smolvlm"), Request("Describe", media("images", 1, 0))
    other = saved(tiny_model, tmp_path / "other", "internvl")
    older = saved(tiny_model, tmp_path / "older", revision="0" * 32)
    nameless = saved(tiny_model, tmp_path / "nameless", base="owner/model", revision=None)  # type: ignore[arg-type]
    lying = saved(tiny_model, tmp_path / "lying", "internvl", base=str(own), revision=folder_hash(own))
    unfinished = saved(tiny_model, tmp_path / "unfinished")
    (unfinished / "adapter_model.safetensors").unlink()
    for adapter, expected in [
        (other, "was made for .*internvl at"),
        (older, "was made for .* at 0{32}"),
        (nameless, "was made for owner/model at None"),
        (lying, "does not fit the model"),
        (unfinished, "has no adapter_model.safetensors"),
        (tmp_path / "nowhere", "no such folder"),
        ("owner/adapter", "needs a revision"),
        ("owner/adapter@" + "0" * 40, "cannot be fetched"),
    ]:
        with pytest.raises(InputError, match=expected) as raised:
            list(local(own, adapter=str(adapter)).answer([base]))
        assert "what to do" in str(raised.value)


def test_a_moved_base_is_known_by_its_files(tiny_model: Any, tmp_path: Path) -> None:
    folder = saved(tiny_model, tmp_path / "adapter", base="elsewhere/then")
    assert local(tiny_model("smolvlm"), adapter=str(folder)).engine().model is not None


def test_half_an_adapter_is_refused(tiny_model: Any, tmp_path: Path) -> None:
    folder, base = saved(tiny_model, tmp_path / "adapter"), tiny_model("smolvlm")
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"] = config["target_modules"].partition("|")[0]
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="does not fit the model"):
        attach(local(base).engine().model, str(adapter_folder(str(folder))), str(base), folder_hash(base), "cpu")
