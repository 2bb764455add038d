"""Made-up news: something on most sessions, and an article before the move of every ticker that gaps or is halted."""

from datetime import UTC, date, datetime

import polars as pl

from smallcaps_assets.source.emulator.calendar import MINUTE, SECOND, Hours
from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.market import NEWS

INSIGHTS_SINCE = date(2024, 3, 1)  # older articles have none
PUBLISHERS = (
    ("Tidewire", "https://tidewire.example"),
    ("Ledger & Bell", "https://ledgerbell.example"),
    ("Small Print", "https://smallprint.example"),
)
RISING = (
    ("{} Announces Positive Topline Results", ["clinical trial", "results"]),
    ("{} Wins Multi-Year Supply Contract", ["contract", "orders"]),
    ("{} Reports Record Quarterly Revenue", ["earnings", "revenue"]),
)
FALLING = (
    ("{} Prices Public Offering of Common Stock", ["offering", "dilution"]),
    ("{} Receives Notice of Deficiency", ["compliance", "listing"]),
    ("{} Withdraws Full-Year Guidance", ["guidance", "earnings"]),
)
PLAIN = (
    ("{} to Present at Investor Conference", ["conference"]),
    ("{} Appoints New Chief Financial Officer", ["management"]),
    ("What Holders of {} Should Know This Week", ["commentary"]),
)
SENTIMENTS = {1: "positive", -1: "negative", 0: "neutral"}


def stories(
    seed: int, session: date, at: int, hours: Hours, told: list[tuple[Line, int, int]], listed: list[Line]
) -> list[tuple[object, ...]]:
    """Rows of ``NEWS`` of one session.

    ``told`` are (line, instant in ns UTC, direction) of what must be explained; ``listed`` are the lines that a plain
    article may be about; ``at`` is the session's ordinal in the market.
    """
    draw = generator(seed, Purpose.NEWS, 0, session.toordinal())
    written = list(told)
    for _ in range(int(draw.integers(2, 5))):
        line = listed[int(draw.random() * len(listed))]
        written.append((line, hours.pre_open + int(draw.integers(-60, 900)) * MINUTE, 0))
    rows: list[tuple[object, ...]] = []
    for number, (line, instant, direction) in enumerate(sorted(written, key=lambda story: (story[1], story[0].index))):
        title, keywords = {1: RISING, -1: FALLING, 0: PLAIN}[direction][int(draw.integers(3))]
        name, home = PUBLISHERS[int(draw.integers(len(PUBLISHERS)))]
        ticker, key = line.ticker_at(at), f"{session:%Y%m%d}{number:03d}{line.index:05d}"
        company = line.name.split(" Inc.")[0]
        sentiment = SENTIMENTS[direction]
        published = datetime.fromtimestamp(instant // SECOND + int(draw.integers(60)), UTC)
        insights = [{"ticker": ticker, "sentiment": sentiment, "sentiment_reasoning": f"The text is {sentiment}."}]
        rows.append(
            (
                key,
                published.strftime("%Y-%m-%dT%H:%M:%SZ"),
                title.format(company),
                f"{name} staff",
                f"{home}/{key}",
                {"name": name, "homepage_url": home, "logo_url": f"{home}/logo.svg", "favicon_url": f"{home}/icon.ico"},
                [ticker],
                keywords,
                insights if session >= INSIGHTS_SINCE else None,
            )
        )
    return rows


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """Schema ``NEWS``, ascending by publication."""
    return pl.DataFrame(rows, schema=NEWS, orient="row").sort("published_utc", "id")
