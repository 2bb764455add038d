"""What is known of a ticker beside its prices: its market state, the news of the day, the short interest.

``states`` are rows of `market_states`, ``articles`` of the session's `news`, ``carried`` of `carried_over`, all of the
session. A state or an article counts from its own instant on, the bar's close included; what is carried over is known
before the pre-market opens. Unknown stays null: without halt files, without a reference price, without a report.
"""

import polars as pl

from smallcaps_assets.maths.news_mentions import counted, mentions
from smallcaps_assets.maths.tapes import TICKER_SESSION


def state_features(bars: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The bars (``closed_at``, ``close``) with what the ticker's last state at their close says.

    ``f_halted``: 1 in a halt, 0 not; null without halt files.
    ``f_halts_so_far``: halts that began in the market day by the bar's close; null without halt files.
    ``f_limit_side``: 1 if the last traded minute closed at the upper price band or beyond, −1 at the lower, 0 at
    neither; null without bands.
    ``f_distance_to_luld_upper``: upper price band / close − 1; null without bands.
    ``f_distance_to_luld_lower``: lower price band / close − 1; null without bands.
    ``f_short_sale_restricted``: 1 under Rule 201, 0 not; null where it is not known.
    """
    joined = bars.sort("closed_at").join_asof(
        states.sort("known_at").rename({"known_at": "_since"}),
        left_on="closed_at",
        right_on="_since",
        by=TICKER_SESSION,
        strategy="backward",
        check_sortedness=False,
    )
    return joined.select(
        *bars.columns,
        f_halted=pl.col("halted").cast(pl.Float64),
        f_halts_so_far=pl.col("halts").cast(pl.Float64),
        f_limit_side=pl.col("limit_side").cast(pl.Float64),
        f_distance_to_luld_upper=pl.col("luld_upper") / pl.col("close") - 1,
        f_distance_to_luld_lower=pl.col("luld_lower") / pl.col("close") - 1,
        f_short_sale_restricted=pl.col("ssr").cast(pl.Float64),
    )


def news_features(bars: pl.DataFrame, articles: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """The bars with the articles that name the ticker, published after the prior session's close and by the bar's.

    Published is when the publisher says so.

    ``f_news_count``: articles that name the ticker; null where the evening before was not asked for.
    ``f_news_sentiment``: mean of the vendor's insights into the ticker, positive 1, neutral 0, negative −1; null
    without one.
    """
    sums = ["mentions", "sentiments", "sentiment_sum"]
    at = mentions(articles).group_by("ticker", "published_at").agg(counted()).sort("published_at")
    so_far = at.with_columns(pl.col(sums).cum_sum().over("ticker"))
    joined = bars.sort("closed_at").join_asof(
        so_far, left_on="closed_at", right_on="published_at", by="ticker", strategy="backward", check_sortedness=False
    )
    evening = carried.select(*TICKER_SESSION, *(f"evening_{name}" for name in sums))
    both = joined.join(evening, on=TICKER_SESSION, how="left", validate="m:1", maintain_order="left")
    count, said, total = (pl.col(name).fill_null(0) + pl.col(f"evening_{name}") for name in sums)
    return both.select(
        *bars.columns, f_news_count=count.cast(pl.Float64), f_news_sentiment=pl.when(said > 0).then(total / said)
    )


def known_features(
    bars: pl.DataFrame, states: pl.DataFrame, articles: pl.DataFrame, carried: pl.DataFrame
) -> pl.DataFrame:
    """The bars of a session with this module's features.

    ``f_short_interest_ratio``: days to cover of the newest report that is public before the session, short interest
    over average daily volume; null without a report in 25 sessions.

    Of all measures of short interest it alone is the same before and after a split.
    """
    days = carried.select(*TICKER_SESSION, f_short_interest_ratio="days_to_cover")
    told = news_features(state_features(bars, states), articles, carried)
    return told.join(days, on=TICKER_SESSION, how="left", validate="m:1")
