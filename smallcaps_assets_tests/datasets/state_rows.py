"""Market states, news and what is carried over of GEVO, drawn by hand for the tape of ``tape_rows``."""

from typing import Any

import polars as pl

from smallcaps_assets import contract as contracts
from smallcaps_assets.datasets.carried_over import CarriedOver
from smallcaps_assets.datasets.market_states import MarketStates
from smallcaps_assets.datasets.news import News
from smallcaps_assets_tests.datasets.tape_rows import SESSION, at


def beside_prices() -> dict[str, pl.LazyFrame]:
    """States of GEVO that change at 10:05, articles in the evening before, before the open and at 10:08:20."""
    none: dict[str, Any] = dict.fromkeys(MarketStates.to_schema().columns)
    quiet = none | {"session": SESSION, "ticker": "GEVO", "known_at": at("04:00:00"), "halted": False, "halts": 0}
    banded = {"luld_lower": 4.5, "luld_upper": 5.5, "limit_side": 0, "ssr": True, "halts": 1}
    article = dict.fromkeys(News.to_schema().columns) | {"session": SESSION, "tickers": ["GEVO"], "article_id": "a"}
    said = {"insight_tickers": ["GEVO"], "sentiments": ["negative"], "tickers": ["AMC", "GEVO"], "article_id": "b"}
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (MarketStates, [quiet | {"ssr": False}, quiet | banded | {"known_at": at("10:05:00")}]),
        (News, [article | {"published_at": at("08:00:00")}, article | said | {"published_at": at("10:08:20")}]),
        (CarriedOver, [carried_row()]),
    ]
    names = ("market_states", "news", "carried_over")
    frames = [pl.DataFrame(each, schema=contracts.empty(contract).schema).lazy() for contract, each in rows]
    return dict(zip(names, frames, strict=True))


def carried_row() -> dict[str, Any]:
    """GEVO with an article in the evening before and a report of short interest."""
    evening = {"evening_mentions": 1, "evening_sentiments": 1, "evening_sentiment_sum": 1.0, "days_to_cover": 2.5}
    blank: dict[str, Any] = dict.fromkeys(CarriedOver.to_schema().columns)
    return blank | {"session": SESSION, "ticker": "GEVO", **evening}
