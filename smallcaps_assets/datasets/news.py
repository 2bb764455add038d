"""A news article, on the session in whose market day it was published.

Source: the vendor's news, one request a session. Grain: one row per article, which may name several tickers. A market
day reaches from the after-market close of the session before to that of the session, so that what is published at night
or over a weekend belongs to the next session. Known at `published_at`, which is the publisher's word.

What goes wrong: older articles have no insights; an article may name tickers of other companies with the same symbol;
articles are edited after publication without a trace. Articles sent twice are stored once and counted.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl

from smallcaps_assets import sessions
from smallcaps_assets.contract import Instant, Verdict, column
from smallcaps_assets.dataset import Rows, Run, dataset
from smallcaps_assets.partitions import Axis
from smallcaps_assets.source.polygon import Polygon

Texts = Annotated[pl.List, pl.String()]
MOST_WITHOUT_TICKER = 0.05  # share of a session's articles


class News(pa.DataFrameModel):
    """An article."""

    session: pl.Date = column("session in whose market day it was published")
    article_id: str = column("the vendor's id")
    published_at: Instant = column("as the publisher says", unit="ns UTC")
    title: str = column("headline")
    publisher: str = column("name", nullable=True)
    url: str = column("of the article", nullable=True)
    tickers: Texts = column("named by the vendor")
    keywords: Texts = column("as sent")
    insight_tickers: Texts = column("tickers with an insight, in the order of `sentiments`")
    sentiments: Texts = column("of each insight: positive, neutral or negative")
    known_at: Instant = column("the same as published_at", unit="ns UTC")

    class Config:
        """Key."""

        strict = True
        ordered = True
        unique = ("session", "article_id")

    @pa.dataframe_check
    @classmethod
    def articles_lie_in_the_market_day_of_their_session(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Published before the session's after-market closes, and after that of the session before."""
        calendar = (
            sessions.table()
            .lazy()
            .select("session", until="postmarket_closes_at", since=pl.col("postmarket_closes_at").shift(1))
        )
        rows = data.lazyframe.select("session", "published_at").join(calendar, on="session", how="left")
        inside = (pl.col("published_at") >= pl.col("since")) & (pl.col("published_at") < pl.col("until"))
        return rows.select(inside.fill_null(False))


def articles_name_their_tickers(stored: pl.DataFrame, _inputs: Mapping[str, pl.LazyFrame]) -> Verdict:
    """No more than 5 % of the session's articles (one is always allowed) name no ticker."""
    without = stored.filter(pl.col("tickers").list.len() == 0)
    allowed = max(1, MOST_WITHOUT_TICKER * stored.height)
    return Verdict(without.height <= allowed, {"without_ticker": without.height, "articles": stored.height})


def market_day(session: date) -> tuple[int, int]:
    """[since, until) in nanoseconds UTC: from one after-market close to the next."""
    before = sessions.before(session, 1)
    since = sessions.hours(before[0]).postmarket_closes_at if before else sessions.hours(session).premarket_opens_at
    return since, sessions.hours(session).postmarket_closes_at


def flattened(articles: pl.DataFrame) -> pl.DataFrame:
    """Articles with their insights as two lists of one length; of an article sent twice the first."""
    once = articles.unique("article_id", keep="first", maintain_order=True)

    def of_insights(field: str) -> pl.Expr:
        return pl.col("insights").list.eval(pl.element().struct.field(field)).cast(pl.List(pl.String()))

    lists = once.with_columns(insight_tickers=of_insights("ticker"), sentiments=of_insights("sentiment"))
    return lists.with_columns(known_at="published_at").drop("insights")


@dataset(News, Axis.SESSION, laws=(articles_name_their_tickers,))
def news(run: Run, polygon: Polygon) -> Iterator[Rows]:
    """One request a session."""

    def articles(session: date) -> pl.DataFrame:
        return polygon.news(*market_day(session))

    for partition, sent in zip(run.partitions, polygon.in_parallel(articles, run.sessions), strict=True):
        rows = flattened(sent).with_columns(session=pl.lit(partition.session))
        yield Rows(partition, rows, {"sent_twice": sent.height - rows.height})
