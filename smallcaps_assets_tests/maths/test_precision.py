"""Wilson's interval and the precision over strata, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcaps_assets.maths.precision import precision, wilson


def test_wilsons_interval_of_8_in_10_by_hand() -> None:
    # z² = 3.8414588, 1 + z²/10 = 1.38414588; centre (0.8 + 0.19207294)/1.38414588 = 0.7167402;
    # half 1.95996398/1.38414588 × √(0.016 + 0.0096036) = 1.4160097 × 0.1600114 = 0.2265776
    assert wilson(0.8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


def test_all_right_is_not_certain() -> None:
    # p = 1: centre + half = 1, centre − half = 1/(1 + z²/n)
    assert wilson(1.0, 10) == pytest.approx((1 / 1.38414588, 1.0), abs=1e-7)
    assert wilson(0.0, 10) == pytest.approx((0.0, 1 - 1 / 1.38414588), abs=1e-7)


@pytest.mark.parametrize(("share", "count"), [(1.1, 10), (-0.1, 10), (0.5, 0), (float("nan"), 10)])
def test_there_is_no_interval_without_judgements_or_of_what_is_no_share(share: float, count: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(share, count)


@given(st.integers(1, 200), st.data())
def test_the_interval_holds_the_share_and_narrows_with_more_of_the_same(count: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, count)) / count
    low, high = wilson(share, count)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0
    more_low, more_high = wilson(share, 4 * count)
    assert more_high - more_low < high - low


def test_a_large_stratum_weighs_more() -> None:
    # 0.9 × 5/10 + 0.1 × 10/10 = 0.55; effective 1/(0.81/10 + 0.01/10) = 12.195122
    found = precision([(900, 5, 10), (100, 10, 10)])
    assert found.share == pytest.approx(0.55)
    assert (found.low, found.high) == pytest.approx(wilson(0.55, 1 / 0.082))
    assert found.judged == 20


def test_a_stratum_without_a_judgement_says_nothing() -> None:
    assert precision([(900, 0, 0), (100, 8, 10)]) == precision([(100, 8, 10)])


def test_in_proportion_the_strata_do_not_matter() -> None:
    apart, together = precision([(300, 20, 30), (100, 8, 10)]), precision([(400, 28, 40)])
    assert apart == pytest.approx(together)
