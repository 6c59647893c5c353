"""Scenarios: a class that the base training never saw, and tasks that come one after the other."""

from __future__ import annotations

from neurodeploy.data import Dataset, joined, of_classes, select
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.images import Images, image_parts

FEW = 20
"""Samples of the new class in the stream; as many of the old classes together are repeated between them."""
PAIR = 2


def new_class(data: str, seed: int) -> list[Course]:
    """Trained on all classes but one, which is then learned from few samples; which one the seed decides.

    The stream holds as many samples of the old classes, in random order among the new ones, since a chip that is told
    the new class alone gives it as its only answer.
    """
    setting, parts = image_parts(data, seed)
    new = seed % setting.classes
    others = [label for label in range(setting.classes) if label != new]
    fresh = of_classes(parts.stream, [new]).limit(FEW)
    known = of_classes(parts.stream, others).limit(FEW)
    mixed, held_out = _shuffled(joined([fresh, known]), seed), of_classes(parts.held_out, [new])
    lesson = Lesson(f"class {new}", mixed, held_out)
    base, old = of_classes(parts.base, others), of_classes(parts.held_out, others)
    return [Course("new class", base, old, (lesson,))]


def sequence(data: str, seed: int) -> list[Course]:
    """Split classes: pairs 0 and 1, 2 and 3, ...; the first pair is the base, the others are learned in turn.

    All outputs compete in every test, and nothing says which pair a sample is of (class-incremental learning: van de
    Ven, Tuytelaars, Tolias, Nature Machine Intelligence 4, 2022).
    """
    setting, parts = image_parts(data, seed)
    first, *rest = (range(start, start + PAIR) for start in range(0, setting.classes, PAIR))
    lessons = tuple(_pair(parts, pair) for pair in rest)
    base, old = of_classes(parts.base, first), of_classes(parts.held_out, first)
    return [Course("pairs of classes", base, old, lessons)]


def _pair(parts: Images, pair: range) -> Lesson:
    """A lesson on two classes."""
    name = f"classes {' and '.join(map(str, pair))}"
    return Lesson(name, of_classes(parts.stream, pair), of_classes(parts.held_out, pair))


def _shuffled(dataset: Dataset, seed: int) -> Dataset:
    import numpy as np

    return select(dataset, np.random.default_rng(seed).permutation(len(dataset)))
