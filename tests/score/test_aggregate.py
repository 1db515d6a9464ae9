import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from stages.score.aggregate import Aggregate, aggregates
from stages.stats.design import Design
from stages.stats.intervals import Level

LEVEL = Level(0.95, 0.1)

answer = st.tuples(st.sampled_from("abc"), st.sampled_from("xyzuv"), st.sampled_from("abcd"))
answers = st.lists(answer, min_size=1, max_size=60)


def scored(clips: list[tuple[str, str, str]]) -> dict[str, Aggregate]:
    """Aggregates of (class, subject, named class) triples."""
    design = Design.of([clip[0] for clip in clips], [clip[1] for clip in clips])
    place = {name: index for index, name in enumerate(design.classes)}
    named = np.array([[place.get(clip[2], -1) for clip in clips]])
    right = np.array([[float(clip[0] == clip[2]) for clip in clips]])
    return {found.name: found for found in aggregates(design, right, named, LEVEL)}


@settings(deadline=None)
@given(answers)
@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label was found")
def test_values_are_scikit_learns(clips: list[tuple[str, str, str]]) -> None:
    found = scored(clips)
    actual, named = [clip[0] for clip in clips], [clip[2] for clip in clips]
    assert np.isclose(found["mca"].value, balanced_accuracy_score(actual, named))
    assert np.isclose(found["accuracy"].value, accuracy_score(actual, named))


@settings(deadline=None)
@given(answers)
def test_interval_holds_the_estimate_within_0_and_1(clips: list[tuple[str, str, str]]) -> None:
    subjects = len({clip[1] for clip in clips})
    for found in scored(clips).values():
        if subjects == 1:
            assert found.bounds == (None, None)
        else:
            assert 0 <= found.bounds.low <= found.value <= found.bounds.high <= 1
            assert found.bounds.low < found.bounds.high


@settings(max_examples=50, deadline=None)
@given(answers, st.randoms(use_true_random=False), st.permutations("abcd"), st.permutations("xyzuv"))
def test_order_and_names_of_clips_classes_and_subjects_do_not_matter(clips, random, classes, subjects) -> None:  # type: ignore[no-untyped-def]
    rename = dict(zip("abcdxyzuv", [*classes, *subjects], strict=True))
    renamed = [(rename[label], rename[subject], rename[name]) for label, subject, name in clips]
    random.shuffle(renamed)
    before, after = scored(clips), scored(renamed)
    for name, found in before.items():
        other = after[f"class:{rename[name[-1]]}" if name.startswith("class:") else name]
        assert np.isclose(found.value, other.value)
        assert found.size == other.size
        if found.bounds.low is not None:
            assert np.allclose(np.array(found.bounds, float), np.array(other.bounds, float), atol=1e-9)


def test_a_class_with_one_subject_makes_the_interval_wider_not_narrower() -> None:
    rng = np.random.default_rng(0)
    clips = [(label, subject, "a" if rng.random() < 0.6 else "b") for label in "ab" for subject in "xyzu" * 5]
    alone = [*clips, *(("c", "x", "c" if number % 2 else "a") for number in range(10))]
    with_lone, without = scored(alone)["mca"].bounds, scored(clips)["mca"].bounds
    # Had the lone class no variance, the interval would be at most 2/3 as wide as without it.
    assert with_lone.high - with_lone.low > (without.high - without.low) * 2 / 3


def test_repeated_draws_are_averaged_and_their_spread_is_told() -> None:
    design = Design.of(list("aabb"), list("xyxy"))
    right = np.array([[1.0, 1, 0, 0], [1, 0, 0, np.nan]])
    found = {item.name: item for item in aggregates(design, right, None, LEVEL)}
    assert found["mca"].value == pytest.approx((0.75 + 0) / 2)
    assert found["mca_sd"].value == pytest.approx(np.std([0.5, 0.25], ddof=1))
    assert "macro_f1" not in found
