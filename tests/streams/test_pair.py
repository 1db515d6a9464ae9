import numpy as np
import pytest

from stages.streams.finder import Seen
from stages.streams.pair import choose

NO_MASK = np.zeros(0, np.int32)


def person(track, *places, height=60, frames=None):
    """Return somebody by the x of their centre in each frame."""
    frames = range(len(places)) if frames is None else frames
    return [
        Seen(track, frame, (x - 10, 20, x + 10, 20 + height), NO_MASK, 1.0)
        for frame, x in zip(frames, places, strict=True)
    ]


def test_nobody_is_no_pair():
    assert choose([], 5) == ([], False, 0, "nobody was found")


def test_one_person_is_the_first_and_nobody_the_second():
    choice = choose(person(7, 10, 20, 30), 3)
    assert (choice.pair, choice.people, choice.number(7)) == (False, 1, 1)
    assert choice.why == "one person was found"


def test_of_two_the_one_on_the_left_where_both_are_first_seen_is_the_first():
    right_first = person(0, 150, 150, 150) + person(1, 50, 60, frames=[1, 2])
    choice = choose(right_first, 3)
    assert [choice.number(track) for track in (1, 0)] == [1, 2]
    swapped = person(0, 150, 40, 40) + person(1, 50, 90, 160)
    assert choose(swapped, 3).number(1) == 1, "what they do later changes no numbers"
    assert "the only two seen together" in choice.why


def test_two_who_are_never_in_one_frame_do_not_interact():
    choice = choose(person(0, 10, 10, frames=[0, 1]) + person(1, 10, 10, 10, frames=[2, 3, 4]), 5)
    assert not choice.pair
    assert [choice.number(track) for track in (1, 0)] == [1, 3]
    assert choice.why == "no two are seen in one frame"


def test_of_five_the_two_who_are_nearest_and_together():
    apart = [person(track, *[200 * track - 400] * 10) for track in (0, 1, 2)]
    meeting = person(3, *range(400, 500, 10)) + person(4, *range(600, 500, -10))
    choice = choose([*apart[0], *apart[1], *apart[2], *meeting], 10)
    assert {choice.number(3), choice.number(4)} == {1, 2}
    assert sorted(choice.number(track) for track in range(5)) == [1, 2, 3, 4, 5]
    assert choice.why.startswith("of 5 people the two seen together with the least cost: ")


def test_who_only_passes_close_by_does_not_interact():
    """Near for two frames of ten is not near for all of them."""
    two = person(0, *[100] * 10) + person(1, *[180] * 10)
    passing = person(2, 120, 110, frames=[4, 5])
    choice = choose(two + passing, 10)
    assert {choice.number(0), choice.number(1)} == {1, 2}


def test_who_passes_behind_is_near_in_the_image_and_far_on_the_ground():
    two = person(0, *[100] * 4) + person(1, *[160] * 4)
    behind = [one._replace(box=(one.box[0], 10, one.box[2], 65)) for one in person(2, 100, 120, 140, 160)]
    choice = choose(two + behind, 4)
    assert {choice.number(0), choice.number(1)} == {1, 2}


def test_who_walks_past_two_who_stand_does_not_interact_though_nearer_to_both():
    two = person(0, *[100] * 4) + person(1, *[160] * 4)
    choice = choose(two + person(2, 100, 120, 140, 160), 4)
    assert {choice.number(0), choice.number(1)} == {1, 2}
    met = choose(person(0, 40, 60, 80, 100) + person(1, 200, 180, 160, 140) + person(2, *[260] * 4), 4)
    assert {met.number(0), met.number(1)} == {1, 2}, "who walk up to each other do, their middle stays"


def test_equal_costs_go_to_those_who_are_seen_longer_then_to_the_lower_numbers():
    alike = person(0, 0, 0) + person(1, 50, 50) + person(2, 1000, 1000) + person(3, 1050, 1050)
    assert {track for track in range(4) if choose(alike, 4).number(track) <= 2} == {0, 1}
    longer = alike + person(3, 1050, frames=[2])
    assert {track for track in range(4) if choose(longer, 4).number(track) <= 2} == {2, 3}


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_rows_changes_nothing(order):
    found = person(0, 0, 10, 20) + person(1, 60, 50, 40) + person(2, 300, 300, 300)
    assert choose(found[::order], 3) == choose(found, 3)


def test_two_who_are_known_to_interact_are_the_pair_where_they_are_seen_together():
    near = person(0, *[100] * 10) + person(1, *[130] * 10)
    far = near + person(2, *[400] * 10)
    assert {choose(far, 10).number(track) for track in (0, 1)} == {1, 2}
    choice = choose(far, 10, known=(2, 0))
    assert [choice.number(track) for track in (0, 2, 1)] == [1, 2, 3]
    assert "who are known to interact" in choice.why
    never = near + person(2, 400, frames=[10])
    choice = choose(never, 11, known=(2, 0))
    assert (choice.pair, choice.why) == (False, "the two who interact are not seen in one frame"), (
        "nor does another pair"
    )
