"""Daily events of a session at whose open a split takes effect, with the metrics that `daily_metrics` gives it."""

import polars as pl
import pytest

from smallcaps_assets.dataset import Run
from smallcaps_assets.datasets.daily_events import DailyRules, daily_events
from smallcaps_assets.datasets.universe import universe
from smallcaps_assets.partitions import Partition
from smallcaps_assets_tests.datasets.test_daily_metrics import SESSION, Bar, bars, before, computed, splits


def branches(close: float, split: tuple[float, float], own: Bar) -> list[list[str]]:
    """The session's events after 130 bars that were quiet on their own basis."""
    history = bars(*[(s, t, close, close * 1.01, close * 0.99, close, v) for s, t, *_, v in before(130, volume=1e6)])
    metrics = computed(pl.concat([history, bars(own)]), splits((SESSION, "GEVO", *split, True)))
    (part,) = daily_events(
        Run("daily_events", (Partition(SESSION),)),
        daily_bars=bars(own),
        daily_metrics=metrics.lazy(),
        universe=universe.empty().lazy(),
        config=DailyRules(),
    )
    return part.frame["branches"].to_list()


@pytest.mark.parametrize(
    ("close", "split", "opened", "volume", "expected"),
    [
        (0.6, (10.0, 1.0), 6.0, 200_000.0, []),  # ten for one: 6.00 is the close before, 200,000 twice the usual
        (0.6, (10.0, 1.0), 6.3, 200_000.0, [["gap_play"]]),
        (0.6, (10.0, 1.0), 6.3, 199_999.0, []),
        (30.0, (1.0, 3.0), 10.0, 6_000_000.0, []),  # one for three: 10.00 and twice three million
        (30.0, (1.0, 3.0), 10.5, 6_000_000.0, [["gap_play"]]),
        (30.0, (1.0, 3.0), 10.5, 5_999_999.0, []),
    ],
)
def test_a_split_at_the_open_is_neither_a_gap_nor_a_volume(
    close: float, split: tuple[float, float], opened: float, volume: float, expected: list[list[str]]
) -> None:
    # closed where it opened and within its usual range, so that the gap alone can fire
    own = (SESSION, "GEVO", opened, opened * 1.001, opened * 0.999, opened, volume)
    found = [[name for name in names if name != "atr_breakout"] for names in branches(close, split, own)]
    assert [names for names in found if names] == expected
