"""Embeddings of position brought to another grid: what lay left lies left, and a constant stays one."""

import torch

from stages.nets.positions import resized_space, resized_time, resized_volume


def ramp(count: int, axis: int, dims: int) -> torch.Tensor:
    """(i + 0.5) / count along an axis."""
    shape = [1] * dims
    shape[axis] = count
    return ((torch.arange(count) + 0.5) / count).view(shape)


def test_space_keeps_what_belongs_to_no_place_and_the_slope_of_the_rest():
    table = ramp(6, 1, 3).expand(1, 6, 2).reshape(1, 6, 2).repeat(1, 4, 1)  # 4 rows of 6
    with_class = torch.cat([torch.full((1, 1, 2), 9.0), table], 1)
    grown = resized_space(with_class, (4, 6), (8, 12))
    assert grown.shape == (1, 97, 2)
    assert torch.equal(grown[:, :1], with_class[:, :1])
    rows = grown[0, 1:].view(8, 12, 2)
    inner = ramp(12, 0, 1)[2:-2]
    assert torch.allclose(rows[:, 2:-2, 0], inner.expand(8, 8), atol=0.02)
    assert resized_space(with_class, (4, 6), (4, 6)) is with_class


def test_time():
    table = ramp(8, 1, 3).repeat(1, 1, 3)
    grown = resized_time(table, 16)
    assert grown.shape == (1, 16, 3)
    assert torch.allclose(grown[0, 1:-1, 0], ramp(16, 0, 1)[1:-1], atol=1e-6)


def test_volume_follows_each_axis():
    old, new = (2, 4, 6), (4, 8, 12)
    for axis in range(3):
        table = ramp(old[axis], axis, 3).expand(old).reshape(-1, 1)
        grown = resized_volume(torch.cat([torch.tensor([[5.0]]), table]), old, new, lead=1)
        assert grown[0] == 5.0
        volume = grown[1:].view(new).movedim(axis, 0)
        inner = ramp(new[axis], 0, 1)[1:-1]
        assert torch.allclose(volume[1:-1], inner.view(-1, 1, 1).expand_as(volume[1:-1]), atol=1e-6)
