"""The first system's six detectors by today's definitions, in plain pandas: what the compiled ones are measured by.

Groups, rolling windows and merges as someone writes them who knows pandas; only the cooldown, which depends on the
event before, is a loop over the bars that fire. Events come without measures: this does less than the dataset.
"""

from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from smallcaps_assets.maths.detector_rules import IntradayRules

NOISE = 1e-9
Event = tuple[str, pd.Timestamp, str, str]  # ticker, start of the bar, detector, direction


def plain_events(bars: pd.DataFrame, metrics: pd.DataFrame, rules: IntradayRules) -> set[Event]:
    """What the six find in `minute_bars` with the ``atr_14`` of `daily_metrics`, by the rules' thresholds."""
    rows = bars.merge(metrics[["session", "ticker", "atr_14"]], on=["session", "ticker"], how="left")
    rows = rows.sort_values(["session", "ticker", "started_at"], ignore_index=True)
    rows["day"] = rows.groupby(["session", "ticker"]).ngroup()
    price = rows["vwap"].fillna((rows["high"] + rows["low"] + rows["close"]) / 3)
    rows["dollars"] = price * rows["volume"]
    rows["rth"] = rows["segment"] == "RTH"
    by_day = rows.groupby("day")
    rows["times"] = rows["volume"] / before(by_day, "volume", "mean")
    rows["vwap_so_far"] = anchored(rows)
    found: set[Event] = set()
    for detect in (volume_spike, vwap_break, opening_range_break, price_momentum, consolidation_break, flush):
        wanted = getattr(rules, detect.__name__)
        sides = detect(rows, wanted)
        kept = [cooled(rows, fires, wanted.cooldown).assign(side=side) for side, fires in sides.items()]
        events = pd.concat(kept).sort_index()
        if hasattr(wanted, "most"):
            events = events.groupby("day").head(wanted.most)
        found |= {(e.ticker, e.started_at, detect.__name__, e.side) for e in events.itertuples()}
    return found


def before(by_day: Any, column: str, what: str) -> pd.Series:
    """A statistic of the 20 bars before each, at least 5, in its session."""
    return by_day[column].transform(lambda values: getattr(values.shift(1).rolling(20, min_periods=5), what)())


def anchored(rows: pd.DataFrame) -> pd.Series:
    """VWAP since the open in regular hours, since 04:00 outside."""
    sums = rows.groupby("day")[["dollars", "volume"]].cumsum()
    regular = rows[["dollars", "volume"]].where(rows["rth"], 0.0).groupby(rows["day"]).cumsum()
    sums = sums.where(~rows["rth"], regular)
    return sums["dollars"] / sums["volume"]


def crosses(rows: pd.DataFrame, holds: pd.Series) -> pd.Series:
    """It holds here and did not at the bar before in the session."""
    return holds & ~holds.groupby(rows["day"]).shift(1, fill_value=False)


def streak(keys: list[pd.Series], holds: pd.Series) -> pd.Series:
    """Bars in a row for which it holds, within the keys."""
    breaks = (~holds).groupby(keys).cumsum()
    return holds.groupby([*keys, breaks]).cumsum()


def window(rows: pd.DataFrame, column: str, minutes: int, closed: str, fewest: int, what: str) -> pd.Series:
    """A statistic of the last minutes of the session; ``closed`` left leaves the bar itself out."""
    rolled = (
        rows.set_index("started_at").groupby("day")[column].rolling(f"{minutes}min", closed=closed, min_periods=fewest)
    )
    return pd.Series(getattr(rolled, what)().to_numpy(), index=rows.index)


def cooled(rows: pd.DataFrame, fires: pd.Series, minutes: int) -> pd.DataFrame:
    """The bars that fire, but for those within the cooldown of the one before."""
    left, last, day = [], None, None
    for event in rows[fires].itertuples():
        if event.day != day or event.started_at - last >= pd.Timedelta(minutes=minutes):
            left.append(event.Index)
            last, day = event.started_at, event.day
    return rows.loc[left]


def volume_spike(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """Volume over the median before, shares, dollars and range."""
    spike = rows["volume"] / before(rows.groupby("day"), "volume", "median")
    in_hours, outside = (
        (spike >= times - NOISE) & (rows["volume"] >= shares) & (rows["dollars"] >= dollars - NOISE)
        for times, shares, dollars in (
            (rule.rth_times, rule.rth_shares, rule.rth_dollars),
            (rule.extended_times, rule.extended_shares, rule.extended_dollars),
        )
    )
    wide = (rows["high"] - rows["low"]) / rows["open"] * 100 >= rule.range_pct - NOISE
    holds = in_hours.where(rows["rth"], outside) & wide
    return {
        "up": crosses(rows, holds & (rows["close"] > rows["open"])),
        "down": crosses(rows, holds & (rows["close"] < rows["open"])),
    }


def vwap_break(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """Closes on one side of the VWAP, then some on the other."""
    part = [rows["day"], rows["segment"]]
    above, below = (
        streak(part, holds) for holds in (rows["close"] > rows["vwap_so_far"], rows["close"] < rows["vwap_so_far"])
    )
    distance = (rows["close"] / rows["vwap_so_far"] - 1) * 100

    def turn(here: pd.Series, there: pd.Series, closes: int, far: pd.Series, times: float) -> pd.Series:
        long_there = there.groupby(part).shift(closes) >= rule.bars_before
        loud = rows["times"].groupby(rows["day"]).shift(closes - 1) >= times - NOISE
        return (here == closes) & long_there & loud & far

    return {
        "up": turn(above, below, rule.up_closes, distance >= rule.up_distance_pct - NOISE, rule.up_times),
        "down": turn(below, above, rule.down_closes, -distance >= rule.down_distance_pct - NOISE, rule.down_times),
    }


def opening_range_break(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """A close beyond the range of the first regular minutes."""
    opened = rows["started_at"].where(rows["rth"]).groupby(rows["session"]).transform("min")
    minute = (rows["started_at"] - opened) // pd.Timedelta(minutes=1)
    first = rows[rows["rth"] & (minute < rule.range_minutes)].groupby("day").agg({"high": "max", "low": "min"})
    high, low = rows["day"].map(first["high"]), rows["day"].map(first["low"])
    after, loud = rows["rth"] & (minute >= rule.range_minutes), rows["times"] >= rule.times - NOISE
    above = after & ((rows["close"] / high - 1) * 100 >= rule.distance_pct - NOISE)
    below = after & ((1 - rows["close"] / low) * 100 >= rule.distance_pct - NOISE)
    return {"up": crosses(rows, above) & loud, "down": crosses(rows, below) & loud}


def price_momentum(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """A fast move to a new extreme of the 20 bars before."""
    now = rows[["day", "started_at"]].assign(at=rows["started_at"] - pd.Timedelta(minutes=rule.window_minutes))
    then = rows[["day", "started_at", "close"]].rename(columns={"started_at": "at"})
    gone = pd.Timedelta(minutes=120 - rule.window_minutes)
    merged = pd.merge_asof(now.sort_values("at"), then.sort_values("at"), on="at", by="day", tolerance=gone)
    merged = merged.sort_values(["day", "started_at"], ignore_index=True)
    move = (rows["close"] / merged["close"] - 1) * 100
    by_day, loud = rows.groupby("day"), rows["times"] >= rule.times - NOISE
    up = (move >= rule.up_pct - NOISE) & (rows["close"] > before(by_day, "high", "max"))
    down = (-move >= rule.down_pct - NOISE) & (rows["close"] < before(by_day, "low", "min"))
    return {"up": crosses(rows, up & loud), "down": crosses(rows, down & loud)}


def consolidation_break(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """A close out of a narrow base."""
    high, low, usual = (
        window(rows, column, rule.base_minutes, "left", rule.fewest_bars, what)
        for column, what in (("high", "max"), ("low", "min"), ("volume", "mean"))
    )
    calm = high - low <= rule.most_of_atr * rows["atr_14"] + NOISE
    busy = calm & (rows["volume"] / usual >= rule.times - NOISE)
    up = (rows["close"] / high - 1) * 100 >= rule.distance_pct - NOISE
    down = (1 - rows["close"] / low) * 100 >= rule.distance_pct - NOISE
    return {"up": crosses(rows, busy & up), "down": crosses(rows, busy & down)}


def flush(rows: pd.DataFrame, rule: Any) -> dict[str, pd.Series]:
    """A close far below the last minutes' high, after red bars."""
    high = window(rows, "high", rule.window_minutes, "right", 1, "max")
    drop = (1 - rows["close"] / high) * 100 >= rule.drop_pct - NOISE
    red = streak([rows["day"]], rows["close"] < rows["open"]) >= rule.red_bars
    return {"down": crosses(rows, red & drop & (rows["times"] >= rule.times - NOISE))}


def of_ours(events: pd.DataFrame) -> set[Event]:
    """Rows of `intraday_events` as the same tuples."""
    return set(events[["ticker", "triggered_at", "detector", "direction"]].itertuples(index=False, name=None))
