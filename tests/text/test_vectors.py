import numpy as np
import pytest

from stages.text.vectors import as_constants, class_means, cosine_table, cosines


def test_cosines_of_rows():
    left = np.array([[1, 0], [2, 2]], dtype=np.float32)
    assert np.allclose(cosines(left, np.array([[0, 3], [1, 0]], dtype=np.float32)), [0, 2**-0.5])
    assert np.allclose(cosine_table(left, left), [[1, 2**-0.5], [2**-0.5, 1]])


def test_a_value_does_not_hang_on_how_many_rows_there_are():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(200, 384)).astype(np.float32), rng.normal(size=(31, 384)).astype(np.float32)
    table = cosine_table(left, right)
    for count in (1, 3, 64):
        assert np.array_equal(cosine_table(left[:count], right), table[:count])
        assert np.array_equal(cosines(left[:count], left[1 : count + 1]), cosines(left, np.roll(left, -1, 0))[:count])


def test_a_class_mean_is_of_unit_vectors():
    classes, means = class_means(np.array([[2.0, 0], [0, 5.0], [0, 1.0]]), ["b", "b", "a"])
    assert classes == ["a", "b"]
    assert np.allclose(means, [[0, 1], [0.5, 0.5]])


def test_the_best_constant_weighs_classes_alike():
    """Nine clips of one class do not outweigh one clip of each of two classes that a third caption is near to."""
    big, near, far = [1.0, 0.0, 0.0], [0.0, 1.0, 0.1], [0.0, 1.0, -0.1]
    vectors, labels = np.array([big] * 9 + [near, far]), ["Walk"] * 9 + ["Sit", "Stand"]
    assert as_constants(vectors, labels).argmax() in (9, 10)


def test_the_best_constant_is_that_of_exhaustive_search():
    rng = np.random.default_rng(1)
    vectors, labels = rng.normal(size=(60, 8)), rng.choice(list("abc"), 60)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = [np.mean([np.mean(unit[labels == name] @ one) for name in "abc"]) for one in unit]
    assert int(as_constants(vectors, labels.tolist()).argmax()) == int(np.argmax(scores))


def test_of_equal_captions_the_first_is_best_and_none_is_an_error():
    assert as_constants(np.array([[0.0, 1], [1, 0], [1, 0], [2, 0]]), ["a", "b", "b", "c"]).argmax() == 1
    with pytest.raises(ValueError, match="no captions"):
        as_constants(np.empty((0, 3)), [])
