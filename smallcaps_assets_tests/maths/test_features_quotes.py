"""The quote at the close of a bar, worked by hand."""

from typing import Any

import pytest

from smallcaps_assets.maths.features_quotes import quote_features
from smallcaps_assets_tests.maths.feature_rows import S, bar, frame


def second(at: int, bid: float, ask: float, sizes: tuple[float, float] = (100.0, 300.0)) -> dict[str, Any]:
    sides = {"bid_price": bid, "ask_price": ask, "bid_size": sizes[0], "ask_size": sizes[1]}
    return {"second_at": at * S, "quotes": 4, "spread_twa": ask - bid} | sides


def test_a_bar_sees_the_last_quote_second_that_had_ended_by_its_close() -> None:
    seconds = frame([second(3, 9.9, 10.1), second(9, 9.0, 11.0)], "second_at")
    bars = frame([bar(0, 1, 0, 3), bar(1, 1, 3, 4), bar(2, 1, 5, 9), bar(3, 1, 9, 10)], "opened_at", "closed_at")
    found = quote_features(seconds, bars)
    assert found["f_relative_spread"].to_list() == [None, pytest.approx(0.02), pytest.approx(0.02), pytest.approx(0.2)]
    assert found["f_size_imbalance"][1] == -0.5
    # bid × ask size + ask × bid size, over 400: 9.95
    assert found["f_microprice_minus_middle"][1] == pytest.approx(-0.005)
    assert found["f_quote_rate"].to_list() == [None, 0.2, 0.2, 0.4]
    assert found["f_spread_over_mean"][3] == pytest.approx(2.0 / 1.1)


def test_no_size_and_no_spread_are_null() -> None:
    found = quote_features(
        frame([second(3, 10.0, 10.0, (0.0, 0.0))], "second_at"), frame([bar(0, 1, 0, 9)], "opened_at", "closed_at")
    ).row(0, named=True)
    assert [found[name] for name in ("f_size_imbalance", "f_microprice_minus_middle", "f_spread_over_mean")] == [
        None
    ] * 3
    assert found["f_relative_spread"] == 0.0


def test_windows_hold_20_seconds_up_to_the_last_that_ended_and_seconds_without_quotes_are_no_gap() -> None:
    seconds = frame([second(at, 10.0 - half, 10.0 + half) for at, half in ((0, 0.4), (1, 0.1), (20, 0.2))], "second_at")
    bars = frame([bar(0, 1, 0, 20), bar(1, 1, 20, 21), bar(2, 1, 21, 99)], "opened_at", "closed_at")
    found = quote_features(seconds, bars)
    # at 20 s the last second with quotes is 1 s; second 20 sees 1 s to 20 s, in which 0.2 and 0.4 are the spreads
    assert found["f_quote_rate"].to_list() == pytest.approx([8 / 20, 8 / 20, 8 / 20])
    assert found["f_spread_over_mean"].to_list() == pytest.approx([0.2 / 0.5, 0.4 / 0.3, 0.4 / 0.3])
    assert found["f_relative_spread"].to_list() == pytest.approx([0.02, 0.04, 0.04])


def test_a_bar_sees_no_quotes_of_another_tape() -> None:
    seconds = frame([second(1, 9.0, 11.0), second(2, 9.9, 10.1) | {"tape_starts_at": 9}], "second_at")
    bars = frame([bar(0, 1, 0, 8), bar(0, 1, 0, 8) | {"tape_starts_at": 9}], "opened_at", "closed_at")
    found = quote_features(seconds, bars)
    assert found["f_relative_spread"].to_list() == pytest.approx([0.2, 0.02])
    assert found["f_spread_over_mean"].to_list() == [1.0, 1.0]
    assert found["f_quote_rate"].to_list() == [0.2, 0.2]
