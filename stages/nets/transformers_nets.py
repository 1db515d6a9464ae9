"""TimeSformer, VideoMAE and ViViT, as transformers has them, for any number of frames and any size.

What a checkpoint's embeddings of position were made for is brought to the size asked for once, when the model is built;
`save_pretrained` then keeps the result. VideoMAE's are no weights but a fixed table: its config remembers the grid.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from stages.base.errors import InputError
from stages.base.tables import read_json
from stages.nets.base import Built, Shape, State, fill, ordered_head
from stages.nets.params import Net
from stages.nets.positions import resized_space, resized_time, resized_volume
from stages.nets.stem import Stem
from stages.weights.halved import half
from stages.weights.unchanged import check_folder, check_hub, pinned

HEAD = ("classifier.weight", "classifier.bias")
#: What a new head brings with it; VideoMAE's norm before the head is not in its pretraining checkpoints.
NEW = [*HEAD, "fc_norm.weight", "fc_norm.bias"]
_GIVE = "give a folder of `save_pretrained`, or a hub's name with its commit as `revision`"


class TimesformerForVideoClassification(transformers.TimesformerForVideoClassification):  # type: ignore[no-untyped-call]
    """TimeSformer that takes frames which are not square."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        _put_stem(self.timesformer.embeddings.patch_embeddings, config, config.patch_size, 1)
        if not isinstance(config.image_size, int):
            # Its layers want the width alone, as one number.
            plain = copy.copy(config)
            plain.image_size = config.image_size[1]
            for layer in self.timesformer.encoder.layer:
                layer.config = plain


class VideoMAEForVideoClassification(transformers.VideoMAEForVideoClassification):  # type: ignore[no-untyped-call]
    """VideoMAE whose fixed table of positions may have been made for another grid, `config.position_grid`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        _put_stem(self.videomae.embeddings.patch_embeddings, config, config.patch_size, config.tubelet_size)
        first = getattr(config, "position_grid", None)
        if first is not None:
            from transformers.models.videomae.modeling_videomae import get_sinusoid_encoding_table

            count = first[0] * first[1] * first[2]
            table = get_sinusoid_encoding_table(count, config.hidden_size)[0]  # type: ignore[no-untyped-call]
            self.videomae.embeddings.position_embeddings = resized_volume(table, tuple(first), grid(config))[None]


class VivitForVideoClassification(transformers.VivitForVideoClassification):  # type: ignore[no-untyped-call]
    """ViViT, factorised only in its tubelets (the paper's model 1)."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        _put_stem(self.vivit.embeddings.patch_embeddings, config, config.tubelet_size[1], config.tubelet_size[0])


_KINDS: dict[str, tuple[Any, Any]] = {
    "timesformer": (transformers.TimesformerConfig, TimesformerForVideoClassification),
    "videomae": (transformers.VideoMAEConfig, VideoMAEForVideoClassification),
    "vivit": (transformers.VivitConfig, VivitForVideoClassification),
}


def build(net: Net, shape: Shape, classes: Sequence[str]) -> Built:
    """Return a model for clips of `shape` and these classes; random weights are drawn from torch's generator.

    Raises:
        InputError: the checkpoint does not load, is of another architecture or knows other classes, or the shape does
            not divide into patches.
    """
    first = _config(net)
    config = copy.deepcopy(first)
    config.num_frames = shape.frames
    config.image_size = shape.width if shape.width == shape.height else [shape.height, shape.width]
    _check_divides(config, shape)
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: index for index, name in enumerate(classes)}
    if net.weights is None:
        config.stem = net.stem
    elif net.architecture == "videomae":
        config.position_grid = getattr(first, "position_grid", None) or list(grid(first))
    model: Any = _KINDS[net.architecture][1](config)
    if net.weights is None:
        _draw_positions(model)
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)
    if net.weights is not None:
        remake = net.head == "remake"
        state = _resized(_weights(net, first, remake), grid(first), grid(config))
        state = ordered_head(state, HEAD, list(first.id2label.values()), classes, remake, net.weights)
        fill(model, state, NEW if remake else [], net.weights)
        mean, std = _scale(net.weights, net.revision)
    return Built(model, tuple(net.mean or mean), tuple(net.std or std))


def save(built: Built, shape: Shape, folder: Path) -> None:
    """Write model and image processor as `save_pretrained` does; `build` with this folder as weights loads them."""
    _quiet()
    weights = {name: half(value) for name, value in built.model.state_dict().items()}
    built.model.save_pretrained(folder, state_dict=weights)
    size = {"height": shape.height, "width": shape.width}
    transformers.VideoMAEImageProcessor(
        size=size, crop_size=size, do_center_crop=False, image_mean=list(built.mean), image_std=list(built.std)
    ).save_pretrained(folder)


def _quiet() -> None:
    if not sys.stderr.isatty():
        logs: Any = transformers.utils.logging
        logs.disable_progress_bar()  # a log wants no bars


def grid(config: Any) -> tuple[int, int, int]:
    """Return how many tokens a clip has along time, height and width; TimeSformer's time is its frames."""
    size = config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    tubelet = getattr(config, "tubelet_size", 1)
    time, patch = (tubelet, config.patch_size) if isinstance(tubelet, int) else (tubelet[0], tubelet[1])
    return config.num_frames // time, height // patch, width // patch


def _check_divides(config: Any, shape: Shape) -> None:
    time, height, width = grid(config)
    tubelet = getattr(config, "tubelet_size", 1)
    step, patch = (tubelet, config.patch_size) if isinstance(tubelet, int) else (tubelet[0], tubelet[1])
    if (time * step, height * patch, width * patch) != (shape.frames, shape.height, shape.width):
        raise InputError(
            f"{shape.frames} frames of {shape.width} x {shape.height} do not divide into patches of {patch} x {patch}"
            f" pixels and {step} frames",
            file="params.yaml",
            key="size",
            do=f"take multiples of {patch} pixels and {step} frames",
        )


def _put_stem(embeddings: Any, config: Any, patch: int, tubelet: int) -> None:
    stem = getattr(config, "stem", "patches")
    if stem != "patches":
        embeddings.projection = Stem(config.hidden_size, patch, tubelet, config.num_frames, stem == "motion")


@torch.no_grad()
def _draw_positions(model: Any) -> None:
    """Draw learnt embeddings of position at random: transformers leaves some 0, and a frame is then like any other."""
    for name, value in model.named_parameters():
        if name.endswith(("position_embeddings", "time_embeddings")):
            torch.nn.init.trunc_normal_(value, std=model.config.initializer_range)


def _config(net: Net) -> Any:
    kind = _KINDS[net.architecture][0]
    if net.weights is None:
        unknown = sorted(set(net.options) - set(kind().to_dict()))
        if unknown:
            raise InputError(
                f"{kind.__name__} has no field {', '.join(unknown)}",
                file="params.yaml",
                key="options",
                do="correct the name, or remove it",
            )
        return kind(**net.options)
    own = Path(net.weights) / "config.json"
    if own.exists():
        check_folder(own.parent)
        told = read_json(own)
        _check_architecture(net, told.get("model_type") or told.get("architecture"))
    elif not own.parent.is_dir():
        _check_pinned(net)
    try:
        config: Any = transformers.AutoConfig.from_pretrained(
            net.weights, revision=net.revision, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise InputError(str(error).splitlines()[0], file=net.weights, key="weights", do=_GIVE) from None
    _check_architecture(net, config.model_type)
    for name, value in net.options.items():
        if not hasattr(config, name):
            raise InputError(f"its config has no field {name}", file=net.weights, key="options", do="remove it")
        setattr(config, name, value)
    return config


def _check_pinned(net: Net) -> None:
    assert net.weights is not None
    if net.weights.startswith((".", "/", "~")) or net.weights.count("/") > 1:
        raise InputError("no such folder", file=net.weights, key="weights", do=_GIVE)
    pinned(net.weights, net.revision)


def _check_architecture(net: Net, found: str) -> None:
    if found != net.architecture:
        raise InputError(
            f"is a {found}, expected a {net.architecture}",
            file=net.weights,
            key="weights",
            do="correct `architecture` or `weights`",
        )


def _weights(net: Net, config: Any, remake: bool) -> State:
    """Return a checkpoint's weights under the names that transformers gives them today."""
    kind = _KINDS[net.architecture][1]
    _quiet()
    try:
        model, found = kind.from_pretrained(
            net.weights,
            revision=net.revision,
            config=config,
            dtype=torch.float32,
            output_loading_info=True,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(str(error).splitlines()[0], file=net.weights, key="weights", do=_GIVE) from None
    if not Path(net.weights or "").is_dir():
        check_hub(str(net.weights), str(net.revision))  # now that all of it is there
    missing = sorted(set(found["missing_keys"]) - set(NEW if remake else []))
    if missing:
        raise InputError(
            f"{len(missing)} weights are missing: {missing[0]}",
            file=net.weights,
            key="weights",
            do="set head: remake" if set(missing) <= set(NEW) else "give a whole checkpoint",
        )
    state: State = model.state_dict()
    return state


def _resized(state: State, old: tuple[int, int, int], new: tuple[int, int, int]) -> State:
    changed = {}
    for name, value in state.items():
        if name == "timesformer.embeddings.position_embeddings":
            changed[name] = resized_space(value, old[1:], new[1:])
        elif name == "timesformer.embeddings.time_embeddings":
            changed[name] = resized_time(value, new[0])
        elif name == "vivit.embeddings.position_embeddings":
            changed[name] = resized_volume(value[0], old, new, lead=1)[None]
    return state | changed


def _scale(name: str, revision: str | None) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std, for values 0 to 1, of a checkpoint's image processor."""
    try:
        auto: Any = transformers.AutoImageProcessor
        processor = auto.from_pretrained(name, revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no image processor: {str(error).splitlines()[0]}", file=name, key="mean", do="give `mean` and `std`"
        ) from None
    normal = bool(processor.do_normalize)
    mean = processor.image_mean if normal else (0.0, 0.0, 0.0)
    std = processor.image_std if normal else (1.0, 1.0, 1.0)
    # ViViT's rescales to -1 to 1 before it normalises.
    whole = 255 * float(processor.rescale_factor)
    shift = 1.0 if getattr(processor, "offset", False) else 0.0
    return tuple((shift + value) / whole for value in mean), tuple(value / whole for value in std)
