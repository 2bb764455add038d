"""A ticker without a bar in the 20 sessions before: its first day, or a tape that was recorded alone."""

from smallcaps_assets_tests.datasets.test_universe import row, stock


def test_a_ticker_without_history_passes_only_where_the_rules_say_so() -> None:
    first_day = {**stock(), "daily_metrics": []}
    assert row(first_day)["reason"] == "no bar before"
    assert row(first_day, unknown_history_is_member=True)["reason"] == "market cap unknown"
    assert row(first_day, unknown_history_is_member=True, unknown_cap_is_member=True)["reason"] == "member"
