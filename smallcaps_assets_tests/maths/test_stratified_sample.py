"""A sample by strata and hash: its sizes by hand, and that neither order nor chance has a say in it."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcaps_assets.maths.stratified_sample import allocated, hashed, sample

SIZES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1)


def members(sizes: dict[str, int]) -> pl.DataFrame:
    rows = [(f"{kind}{number}", kind) for kind, count in sizes.items() for number in range(count)]
    return pl.DataFrame(rows, schema=["id", "kind"], orient="row")


@pytest.mark.parametrize(
    ("sizes", "wanted", "expected"),
    [
        ({"a": 100, "b": 100}, 60, {"a": 30, "b": 30}),
        ({"a": 100, "b": 4, "c": 100}, 60, {"a": 28, "b": 4, "c": 28}),
        ({"a": 100, "b": 100, "c": 100}, 50, {"a": 17, "b": 17, "c": 16}),
        ({"a": 3, "b": 2}, 60, {"a": 3, "b": 2}),
        ({"a": 9, "b": 9, "c": 9}, 2, {"a": 1, "b": 1, "c": 0}),
        ({}, 60, {}),
    ],
)
def test_strata_share_equally_and_a_small_one_leaves_its_part_to_the_others(
    sizes: dict[str, int], wanted: int, expected: dict[str, int]
) -> None:
    assert allocated(sizes, wanted) == expected


def test_a_sample_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sample of -1"):
        allocated({"a": 1}, -1)


@settings(deadline=None)
@given(SIZES, st.integers(0, 120))
def test_all_that_is_wanted_is_drawn_and_no_stratum_has_two_more_than_one_with_members_left(
    sizes: dict[str, int], wanted: int
) -> None:
    counts = allocated(sizes, wanted)
    assert sum(counts.values()) == min(wanted, sum(sizes.values()))
    unspent = [counts[name] for name in sizes if counts[name] < sizes[name]]
    assert all(most - least <= 1 for most in counts.values() for least in unspent)


@settings(deadline=None)
@given(SIZES, st.integers(1, 120), st.randoms(use_true_random=False))
def test_the_order_of_the_members_changes_nothing(sizes: dict[str, int], wanted: int, order: object) -> None:
    rows = members(sizes)
    places = list(range(rows.height))
    order.shuffle(places)  # type: ignore[attr-defined]
    assert sample(rows[places], "id", "kind", wanted).equals(sample(rows, "id", "kind", wanted))


@settings(deadline=None)
@given(SIZES, st.integers(1, 120))
def test_the_drawn_have_the_lowest_hashes_of_their_stratum_and_tell_its_size(
    sizes: dict[str, int], wanted: int
) -> None:
    drawn = sample(members(sizes), "id", "kind", wanted)
    counts = allocated(sizes, wanted)
    hashes = [hashed(name) for name in drawn["id"]]
    assert hashes == sorted(hashes)
    for kind, size in sizes.items():
        own = drawn.filter(kind=kind)
        lowest = sorted((f"{kind}{number}" for number in range(size)), key=hashed)[: counts[kind]]
        assert own["id"].to_list() == lowest
        assert set(own.select("stratum_size", "stratum_drawn").rows()) <= {(size, counts[kind])}
