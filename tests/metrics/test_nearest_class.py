import numpy as np

from stages.metrics.nearest_class import nearest_class
from stages.metrics.similarity import similarity

CLASSES = ["Drink", "Read", "Walk"]
DESCRIPTIONS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 2]])


def vectors(*rows):
    return np.array(rows, dtype=np.float32)


def test_the_nearest_description_names_the_class():
    found = nearest_class(vectors([3, 1, 0], [0, 1, 0.5], [0, 0.1, 1]), CLASSES, DESCRIPTIONS)
    assert found.labels == CLASSES
    assert np.allclose(found.cosines, [3 / 10**0.5, 1 / 1.25**0.5, 1 / 1.01**0.5])


def test_of_equally_near_classes_it_is_the_first():
    assert nearest_class(vectors([1, 1, 1]), CLASSES, DESCRIPTIONS).labels == ["Drink"]


def test_length_does_not_matter():
    found = nearest_class(vectors([1, 1, 1.5], [8, 8, 12]), CLASSES, DESCRIPTIONS)
    assert found.labels == ["Walk", "Walk"]
    assert found.cosines[0] == found.cosines[1]


def test_similarity_is_the_cosine():
    assert np.allclose(similarity(vectors([1, 0], [1, 1]), vectors([2, 0], [1, -1])), [1, 0])
