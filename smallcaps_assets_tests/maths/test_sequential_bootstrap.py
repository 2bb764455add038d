"""The sequential bootstrap draws overlapping labels less often, exactly as its definition says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.sequential_bootstrap import sequential_draws
from smallcaps_assets.maths.uniqueness import average_uniqueness, sequential_bootstrap


def chances(first: list[int], last: list[int], drawn: list[int]) -> list[float]:
    """Each label's chance after ``drawn``, by the definition."""
    alive = [sum(first[j] <= t <= last[j] for j in drawn) for t in range(max(last) + 1)]
    mean = [np.mean([1 / (1 + alive[t]) for t in range(f, e + 1)]) for f, e in zip(first, last, strict=True)]
    return [float(m / sum(mean)) for m in mean]


def test_the_chances_are_those_of_the_books_example() -> None:
    # AFML 4.5.3: labels [0, 2], [2, 3], [4, 5]; after drawing the second the chances are 5/14, 3/14, 6/14.
    labels = ([0, 2, 4], [2, 3, 5])
    assert chances(*labels, []) == pytest.approx([1 / 3] * 3)
    assert chances(*labels, [1]) == pytest.approx([5 / 14, 3 / 14, 6 / 14])
    second = [
        sequential_draws(np.array(labels[0]), np.array(labels[1]), 6, np.array([0.5, u]))[1]
        for u in (4.9 / 14, 5.1 / 14, 7.9 / 14, 8.1 / 14)
    ]
    assert second == [0, 1, 1, 2]


LABELS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LABELS, st.integers(0, 2**32))
def test_every_draw_is_the_label_of_its_uniform_number(labels: list[tuple[int, int]], seed: int) -> None:
    first, last = [f for f, _ in labels], [f + life for f, life in labels]
    drawn = sequential_bootstrap(first, last, 30, draws=25, rng=np.random.default_rng(seed)).tolist()
    uniforms = np.random.default_rng(seed).random(25)
    for position, (label, uniform) in enumerate(zip(drawn, uniforms, strict=True)):
        edges = np.concatenate([[0.0], np.cumsum(chances(first, last, drawn[:position]))])
        assert edges[label] - 1e-9 <= uniform <= edges[label + 1] + 1e-9


def test_the_same_seed_draws_the_same_labels() -> None:
    first, last = list(range(50)), list(range(5, 55))
    draws = [sequential_bootstrap(first, last, 60, draws=50, rng=np.random.default_rng(7)) for _ in range(2)]
    assert draws[0].tolist() == draws[1].tolist()


def test_the_sample_is_more_unique_than_one_drawn_evenly() -> None:
    rng = np.random.default_rng(4)
    first = rng.integers(0, 900, 300)
    last = first + rng.integers(0, 30, 300)
    ours, even = [], []
    for _ in range(20):
        chosen = sequential_bootstrap(first, last, 1000, draws=60, rng=rng)
        ours.append(average_uniqueness(first[chosen], last[chosen], 1000).mean())
        random = rng.integers(0, 300, 60)
        even.append(average_uniqueness(first[random], last[random], 1000).mean())
    assert np.mean(ours) > np.mean(even) + 0.02


def test_no_draws_need_no_labels_and_draws_do() -> None:
    assert sequential_bootstrap([], [], 0, draws=0, rng=np.random.default_rng(1)).tolist() == []
    assert sequential_bootstrap([0], [1], 2, draws=3, rng=np.random.default_rng(1)).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="first is empty: there is no label for 2 draws"):
        sequential_bootstrap([], [], 5, draws=2, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match="draws is -1"):
        sequential_bootstrap([0], [0], 1, draws=-1, rng=np.random.default_rng(1))
