"""Facts by date: splits and dividends (both generations of endpoints), short interest, short volume, float, news."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.dividend_factors import dividend_factors
from smallcaps_assets.source.emulator.envelope import Call, rows
from smallcaps_assets.source.emulator.instants import bounds, parsed_date
from smallcaps_assets.source.emulator.paging import Endpoint, flag_of, listed, parameters_of

SPLITS_V3 = Endpoint(
    filters={"ticker": "text", "execution_date": "date"},
    sorts=("execution_date", "ticker"),
    sort="execution_date",
    order="desc",
    limit=10,
    most=1000,
)
SPLITS_V1 = Endpoint(
    filters={"ticker": "text", "execution_date": "date", "adjustment_type": "text"},
    sorts=("execution_date", "ticker", "adjustment_type", "historical_adjustment_factor", "split_from", "split_to"),
    sort="execution_date.desc",
    order="asc",
    limit=100,
    most=5000,
)
DIVIDENDS_V3 = Endpoint(
    filters={
        "ticker": "text",
        "ex_dividend_date": "date",
        "record_date": "date",
        "declaration_date": "date",
        "pay_date": "date",
        "frequency": "number",
        "cash_amount": "number",
        "dividend_type": "text",
    },
    sorts=("ex_dividend_date", "pay_date", "declaration_date", "record_date", "cash_amount", "ticker"),
    sort="ex_dividend_date",
    order="desc",
    limit=10,
    most=1000,
)
DIVIDENDS_V1 = Endpoint(
    filters={"ticker": "text", "ex_dividend_date": "date", "frequency": "number", "distribution_type": "text"},
    sorts=("ticker", "ex_dividend_date", "frequency", "distribution_type", "cash_amount", "pay_date"),
    sort="ticker.asc",
    order="asc",
    limit=100,
    most=5000,
)
SHORT_INTEREST = Endpoint(
    filters={"ticker": "text", "settlement_date": "date", "days_to_cover": "number", "avg_daily_volume": "number"},
    sorts=("ticker", "settlement_date", "days_to_cover", "avg_daily_volume", "short_interest"),
    sort="ticker.asc",
    order="asc",
    limit=10,
    most=50_000,
)
SHORT_VOLUME = Endpoint(
    filters={"ticker": "text", "date": "date", "short_volume_ratio": "number"},
    sorts=("ticker", "date", "short_volume_ratio", "short_volume", "total_volume"),
    sort="ticker.asc",
    order="asc",
    limit=10,
    most=50_000,
)
FLOAT_SHARES = Endpoint(
    filters={"ticker": "text", "free_float_percent": "number"},
    sorts=("ticker", "effective_date", "free_float", "free_float_percent"),
    sort="ticker.asc",
    order="asc",
    limit=100,
    most=5000,
)
NEWS = Endpoint(
    filters={},
    sorts=("published_utc",),
    sort="published_utc",
    order="desc",
    limit=10,
    most=1000,
    count=True,
)
DISTRIBUTION = {"CD": "recurring", "SC": "special", "LT": "irregular", "ST": "irregular"}


def splits_v3(call: Call, directory: Directory) -> bytes:
    """``/v3/reference/splits``: newest first by default; announced ones of the future included."""
    parameters = parameters_of(call)
    frame = directory.splits
    if "reverse_split" in parameters:
        reverse = flag_of(parameters, "reverse_split", default=False)
        frame = frame.filter((pl.col("split_from") > pl.col("split_to")) == reverse)
    return listed(call, SPLITS_V3, parameters, frame)


def splits_v1(call: Call, directory: Directory) -> bytes:
    """``/stocks/v1/splits``: with kind and cumulative price factor (a price takes the first split after its date)."""
    frame = directory.splits
    factors = [
        _factor_from(directory, ticker, on, before / after)
        for ticker, on, before, after in frame.select("ticker", "execution_date", "split_from", "split_to").iter_rows()
    ]
    frame = frame.with_columns(
        pl.when(pl.col("split_from") > pl.col("split_to"))
        .then(pl.lit("reverse_split"))
        .otherwise(pl.lit("forward_split"))
        .alias("adjustment_type"),
        pl.Series("historical_adjustment_factor", factors, dtype=pl.Float64),
    )
    return listed(call, SPLITS_V1, parameters_of(call), frame)


def _factor_from(directory: Directory, ticker: str, on: date, own: float) -> float:
    """The product of this split's price factor and those of the ticker's later executed splits."""
    for later, ratio in directory.splits_of(ticker):
        if later > on:
            own *= ratio
    return round(own, 6)


def dividends_v3(call: Call, directory: Directory) -> bytes:
    """``/v3/reference/dividends``: amounts as paid, newest first by default; announced ones included."""
    return listed(call, DIVIDENDS_V3, parameters_of(call), directory.dividends)


def dividends_v1(call: Call, directory: Directory) -> bytes:
    """``/stocks/v1/dividends``: with its kind, the amount on today's split basis and a cumulative price factor."""
    frame = directory.dividends
    adjusted = [
        amount * _factor_from(directory, ticker, on, 1.0)
        for ticker, on, amount in frame.select("ticker", "ex_dividend_date", "cash_amount").iter_rows()
    ]
    kind = pl.col("dividend_type").replace_strict(DISTRIBUTION, default="unknown", return_dtype=pl.String)
    frame = frame.with_columns(
        kind.alias("distribution_type"), pl.Series("split_adjusted_cash_amount", adjusted, dtype=pl.Float64)
    ).drop("dividend_type")
    return listed(
        call,
        DIVIDENDS_V1,
        parameters_of(call),
        frame,
        lambda page: rows(page.with_columns(dividend_factors(directory, page))),
    )


def short_interest(call: Call, directory: Directory) -> bytes:
    """``/stocks/v1/short-interest``: twice a month, without a publication date, as the service has it."""
    return listed(call, SHORT_INTEREST, parameters_of(call), directory.short_interest)


def short_volume(call: Call, directory: Directory) -> bytes:
    """``/stocks/v1/short-volume``: only the sessions that the ``date`` filters leave are generated."""
    parameters = parameters_of(call)
    first, last = directory.sessions[0], directory.today
    for operator in ("", ".gte", ".gt"):
        if "date" + operator in parameters:
            first = max(first, parsed_date(parameters["date" + operator], "date" + operator))
    for operator in ("", ".lte", ".lt"):
        if "date" + operator in parameters:
            last = min(last, parsed_date(parameters["date" + operator], "date" + operator))
    return listed(call, SHORT_VOLUME, parameters, directory.short_volume(first, last))


def float_shares(call: Call, directory: Directory) -> bytes:
    """``/stocks/vX/float``: the latest value only."""
    return listed(call, FLOAT_SHARES, parameters_of(call), directory.float_shares)


def news(call: Call, directory: Directory) -> bytes:
    """``/v2/reference/news``: newest first by default; ``ticker`` matches any of an article's tickers."""
    parameters = parameters_of(call)
    low, high = bounds(parameters, "published_utc")
    frame = directory.news.filter(pl.col("published").is_between(low, high, closed="left")).drop("published")
    for operator in ("", ".gte", ".gt", ".lte", ".lt"):
        if (wanted := parameters.get("ticker" + operator)) is not None:
            element = pl.element()
            matches = {
                "": element == wanted,
                ".gte": element >= wanted,
                ".gt": element > wanted,
                ".lte": element <= wanted,
                ".lt": element < wanted,
            }[operator]
            frame = frame.filter(pl.col("tickers").list.eval(matches).list.any())
    return listed(call, NEWS, parameters, frame)
