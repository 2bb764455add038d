"""Windows of custom bars: where they start, which window an instant lies in, and bars put together to larger ones."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from smallcaps_assets.source.emulator.envelope import RefusedError
from smallcaps_assets.source.emulator.instants import FOREVER, MILLISECOND, midnight, new_york_date, parsed_date, whole

WIDTH = {"second": 1_000, "minute": 60_000, "hour": 3_600_000}  # ms
MONTHS = {"month": 1, "quarter": 3, "year": 12}
CALENDAR = ("day", "week", *MONTHS)
LAST = 16_725_225_600_000  # 2500-01-01 in ms


def parsed_bound(text: str, name: str, *, end: bool) -> int:
    """A bound in the path as ms UTC: a date is its New York midnight, or with ``end`` its last ms; digits are ms."""
    number = whole(text)
    if number is not None and number <= LAST:
        return number
    try:
        day = parsed_date(text, name)
    except RefusedError as error:
        said = f"Could not parse the time parameter: '{name}'. Use YYYY-MM-DD or Unix MS Timestamps"
        raise RefusedError(400, said) from error
    return midnight(day + timedelta(days=1)) // MILLISECOND - 1 if end else midnight(day) // MILLISECOND


def ordinal(day: date, unit: str) -> int:
    """The number of the day, week (from Sunday), month, quarter or year that a date lies in."""
    if unit == "day":
        return day.toordinal()
    if unit == "week":
        return day.toordinal() // 7  # day 0 of the proleptic calendar's weeks is a Sunday
    return (day.year * 12 + day.month - 1) // MONTHS[unit]


def first_date(number: int, unit: str) -> date:
    """The first date of the unit with this ``ordinal``."""
    if unit == "day":
        return date.fromordinal(number)
    if unit == "week":
        return date.fromordinal(number * 7)
    months = number * MONTHS[unit]
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True)
class Windows:
    """Equal windows of ``multiplier`` units, the first at ``anchor``: ms up to hours, else a unit's ordinal."""

    unit: str
    multiplier: int
    anchor: int

    @classmethod
    def starting(cls, unit: str, multiplier: int, instant: int) -> "Windows":
        """Windows whose first one starts at the start of the unit that ``instant`` (ms) lies in."""
        if unit in WIDTH:
            return cls(unit, multiplier, instant - instant % WIDTH[unit])
        return cls(unit, multiplier, ordinal(new_york_date(instant * MILLISECOND), unit))

    @property
    def are_base(self) -> bool:
        """Whether each window is just one base bar."""
        return self.multiplier == 1 and self.unit in ("second", "minute", "day")

    def number(self, instant: int) -> int:
        """The window an instant (ms) lies in."""
        if self.unit in WIDTH:
            return (instant - self.anchor) // (WIDTH[self.unit] * self.multiplier)
        return (ordinal(new_york_date(instant * MILLISECOND), self.unit) - self.anchor) // self.multiplier

    def start(self, number: int) -> int:
        """The first ms of a window."""
        if self.unit in WIDTH:
            return self.anchor + number * WIDTH[self.unit] * self.multiplier
        try:
            return midnight(first_date(self.anchor + number * self.multiplier, self.unit)) // MILLISECOND
        except (ValueError, OverflowError):  # beyond the last date there is, as of 10,000 years at once
            return FOREVER // MILLISECOND

    def numbers(self, starts: pl.Series) -> pl.Series:
        """``number`` of many instants, ascending or descending."""
        if self.unit in WIDTH:
            return (starts - self.anchor) // (WIDTH[self.unit] * self.multiplier)
        return pl.Series([self.number(instant) for instant in starts.to_list()], dtype=pl.Int64)


def put_together(bars: pl.DataFrame, windows: Windows) -> pl.DataFrame:
    """One bar a window from ascending base bars with their ``window``; vw and n are null where no base bar has them."""
    weighed = pl.col("vw").is_not_null()
    put = bars.group_by("window", maintain_order=True).agg(
        pl.col("v").sum(),
        ((pl.col("vw") * pl.col("v")).filter(weighed).sum() / pl.col("v").filter(weighed).sum()).round(4).alias("vw"),
        pl.col("o").first(),
        pl.col("c").last(),
        pl.col("h").max(),
        pl.col("l").min(),
        pl.when(pl.col("n").is_not_null().any()).then(pl.col("n").sum()).alias("n"),
    )
    starts = pl.Series("t", [windows.start(number) for number in put["window"].to_list()], dtype=pl.Int64)
    return put.with_columns(starts, pl.col("vw").fill_nan(None)).drop("window")
