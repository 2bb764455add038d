"""Charts of events, counted by hand."""

import polars as pl

from smallcaps_assets import event_charts
from smallcaps_assets.datasets.event_manifest import EventManifest
from smallcaps_assets_tests.datasets.event_rows import event_rows


def lines(chart: str) -> list[list[str]]:
    """The cells of a chart's rows."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in chart.splitlines()[2:]]


def test_the_most_frequent_value_comes_first_with_its_share_and_bar() -> None:
    events = event_rows(EventManifest, {"detector": "flush"}, {}, {}, {"dropped_by": "price"})
    chart = event_charts.counted(events, "detector", pl.col("detector"), "events")
    assert lines(chart) == [["volume_spike", "3", "2", "75.0", "█" * 30], ["flush", "1", "1", "25.0", "█" * 10]]


def test_half_hours_are_those_of_new_york_on_both_sides_of_the_time_change() -> None:
    winter, summer = pl.date(2024, 1, 16), pl.date(2024, 7, 16)
    days = pl.select(winter=winter, summer=summer).row(0)
    events = event_rows(EventManifest, *({"session": day, "minute": minute} for day in days for minute in (0, 29, -1)))
    assert [row[:2] for row in lines(event_charts.by_half_hour(events))] == [["09:00", "2"], ["09:30", "4"]]


def test_scores_lie_in_tenths_and_one_belongs_to_the_last() -> None:
    events = event_rows(EventManifest, *({"score": score} for score in (0.0, 0.099, 0.1, 0.7, 1.0, None)))
    *tenths, _, rest = event_charts.by_tenths(events).splitlines()[2:]
    assert [line.split("|")[2].strip() for line in tenths] == ["2", "1", "0", "0", "0", "0", "0", "1", "0", "1"]
    assert rest == "1 events have no score."


def test_the_busiest_tickers_are_counted_from_the_top() -> None:
    events = event_rows(EventManifest, *({"ticker": f"G{i:02d}"} for i in range(40) for _ in range(60 if i < 2 else 1)))
    # 158 events: 60, 60 and 38 of one each
    assert [row[:4] for row in lines(event_charts.concentration(events))] == [
        ["1", "2.5", "60", "38.0"],
        ["2", "5.0", "120", "75.9"],
        ["4", "10.0", "122", "77.2"],
        ["8", "20.0", "126", "79.7"],
        ["20", "50.0", "138", "87.3"],
        ["40", "100.0", "158", "100.0"],
    ]
    assert event_charts.concentration(events.clear()) == "no events"
