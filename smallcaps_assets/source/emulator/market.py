"""What a market must answer to be served by the emulator: the synthetic and the recorded one both do.

Frames carry the vendor's wire names; null members are left out of the reply by the server, which adds envelopes, paging
and the vendor's errors (such as its wrong historical ``market_cap``). Nothing here knows HTTP.
"""

from datetime import date
from typing import Protocol

import polars as pl

LISTINGS = pl.Schema(
    {
        "ticker": pl.String(),
        "name": pl.String(),
        "type": pl.String(),
        "primary_exchange": pl.String(),
        "cik": pl.String(),
        "composite_figi": pl.String(),
        "share_class_figi": pl.String(),
        "listed": pl.Date(),  # first session under this ticker
        "delisted": pl.Date(),  # first session no longer under this ticker
        "list_date": pl.Date(),  # first session of the security under any ticker
    }
)
RENAMES = pl.Schema({"composite_figi": pl.String(), "date": pl.Date(), "ticker": pl.String()})
SPLITS = pl.Schema(
    {
        "id": pl.String(),
        "ticker": pl.String(),
        "execution_date": pl.Date(),
        "split_from": pl.Float64(),
        "split_to": pl.Float64(),
    }
)
DIVIDENDS = pl.Schema(
    {
        "id": pl.String(),
        "ticker": pl.String(),
        "ex_dividend_date": pl.Date(),
        "declaration_date": pl.Date(),
        "record_date": pl.Date(),
        "pay_date": pl.Date(),
        "cash_amount": pl.Float64(),
        "currency": pl.String(),
        "frequency": pl.Int64(),
        "dividend_type": pl.String(),
    }
)
BAR = {
    "v": pl.Float64(),
    "vw": pl.Float64(),
    "o": pl.Float64(),
    "c": pl.Float64(),
    "h": pl.Float64(),
    "l": pl.Float64(),
    "n": pl.Int64(),
}
DAILY = pl.Schema({"T": pl.String(), **BAR})
DAILY_OF = pl.Schema({"t": pl.Date(), **BAR})
MINUTES = pl.Schema({"t": pl.Int64(), **BAR})  # ms UTC of the minute's start
TRADES = pl.Schema(
    {
        "conditions": pl.List(pl.Int64()),
        "correction": pl.Int64(),
        "exchange": pl.Int64(),
        "id": pl.String(),
        "participant_timestamp": pl.Int64(),
        "price": pl.Float64(),
        "sequence_number": pl.Int64(),
        "sip_timestamp": pl.Int64(),
        "size": pl.Float64(),
        "tape": pl.Int64(),
        "trf_id": pl.Int64(),
        "trf_timestamp": pl.Int64(),
    }
)
QUOTES = pl.Schema(
    {
        "ask_exchange": pl.Int64(),
        "ask_price": pl.Float64(),
        "ask_size": pl.Float64(),
        "bid_exchange": pl.Int64(),
        "bid_price": pl.Float64(),
        "bid_size": pl.Float64(),
        "conditions": pl.List(pl.Int64()),
        "indicators": pl.List(pl.Int64()),
        "participant_timestamp": pl.Int64(),
        "sequence_number": pl.Int64(),
        "sip_timestamp": pl.Int64(),
        "tape": pl.Int64(),
    }
)
NEWS = pl.Schema(
    {
        "id": pl.String(),
        "published_utc": pl.String(),  # RFC 3339, whole seconds, "Z"
        "title": pl.String(),
        "author": pl.String(),
        "article_url": pl.String(),
        "publisher": pl.Struct(
            {"name": pl.String(), "homepage_url": pl.String(), "logo_url": pl.String(), "favicon_url": pl.String()}
        ),
        "tickers": pl.List(pl.String()),
        "keywords": pl.List(pl.String()),
        "insights": pl.List(
            pl.Struct({"ticker": pl.String(), "sentiment": pl.String(), "sentiment_reasoning": pl.String()})
        ),
    }
)
SHORT_INTEREST = pl.Schema(
    {
        "ticker": pl.String(),
        "settlement_date": pl.Date(),
        "short_interest": pl.Int64(),
        "avg_daily_volume": pl.Int64(),
        "days_to_cover": pl.Float64(),
    }
)
FACILITIES = ("adf", "nasdaq_carteret", "nasdaq_chicago", "nyse")
SHORT_VOLUME = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "short_volume": pl.Float64(),
        "exempt_volume": pl.Float64(),
        "non_exempt_volume": pl.Float64(),
        "total_volume": pl.Float64(),
        "short_volume_ratio": pl.Float64(),  # percent
        # What each facility was reported of it; null where a market does not know.
        **{f"{facility}_short_volume{part}": pl.Int64() for facility in FACILITIES for part in ("", "_exempt")},
    }
)
FLOAT_SHARES = pl.Schema(
    {
        "ticker": pl.String(),
        "effective_date": pl.Date(),
        "free_float": pl.Float64(),
        "free_float_percent": pl.Float64(),
    }
)
IPOS = pl.Schema(
    {
        "ticker": pl.String(),
        "issuer_name": pl.String(),
        "listing_date": pl.Date(),
        "ipo_status": pl.String(),  # history once listed
        "primary_exchange": pl.String(),
        "security_type": pl.String(),
        "security_description": pl.String(),
        "currency_code": pl.String(),
        "final_issue_price": pl.Float64(),
        "lowest_offer_price": pl.Float64(),
        "highest_offer_price": pl.Float64(),
        "min_shares_offered": pl.Int64(),
        "max_shares_offered": pl.Int64(),
        "total_offer_size": pl.Float64(),  # USD
        "shares_outstanding": pl.Int64(),
        "lot_size": pl.Int64(),
        "announced_date": pl.Date(),
        "last_updated": pl.Date(),
    }
)
HALTS = pl.Schema(
    {
        "ticker": pl.String(),
        "name": pl.String(),
        "market": pl.String(),  # as the exchange writes it: NASDAQ, NYSE, NYSE American, NYSE Arca
        "reason_code": pl.String(),
        "halted_at": pl.Int64(),  # ns UTC
        "resumed_at": pl.Int64(),  # ns UTC of the first trade after it; null while halted
    }
)


class Market(Protocol):
    """A market on the other side of the wire. Unknown tickers and sessions give typed empty frames, never errors.

    Every method is a pure function of the market and its arguments: any order, any process, the same rows.
    """

    def sessions(self) -> list[date]:
        """All sessions the market knows, ascending."""

    def listings(self) -> pl.DataFrame:
        """Schema ``LISTINGS``: one row a ticker and security; a rename ends one row and starts another, same FIGI."""

    def renames(self) -> pl.DataFrame:
        """Schema ``RENAMES``: the ticker of a security from a date on (its first ticker included)."""

    def splits(self) -> pl.DataFrame:
        """Schema ``SPLITS``: as the vendor lists them, duplicates and contradictions included."""

    def dividends(self) -> pl.DataFrame:
        """Schema ``DIVIDENDS``."""

    def shares(self, ticker: str, on: date) -> float | None:
        """True shares outstanding of the ticker in that session; None when unknown or not listed."""

    def daily(self, session: date) -> pl.DataFrame:
        """Schema ``DAILY``: raw daily bars of every ticker that traded in the session."""

    def daily_of(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        """Schema ``DAILY_OF``: raw daily bars of one ticker, both ends inclusive, ascending."""

    def minutes(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``MINUTES``: minutes with at least one price-setting trade, ascending."""

    def trades(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``TRADES``, sorted by (sip_timestamp, sequence_number)."""

    def quotes(self, ticker: str, session: date) -> pl.DataFrame:
        """Schema ``QUOTES``, sorted by (sip_timestamp, sequence_number)."""

    def news(self) -> pl.DataFrame:
        """Schema ``NEWS``, ascending by published_utc."""

    def short_interest(self) -> pl.DataFrame:
        """Schema ``SHORT_INTEREST``: one row a ticker and settlement date."""

    def short_volume(self, session: date) -> pl.DataFrame:
        """Schema ``SHORT_VOLUME``: off-exchange volume of one session."""

    def float_shares(self) -> pl.DataFrame:
        """Schema ``FLOAT_SHARES``: the latest value of each ticker listed now."""

    def financials(self) -> pl.DataFrame:
        """Schema ``statement_columns.FINANCIALS``: what was filed up to the last session."""

    def ipos(self) -> pl.DataFrame:
        """Schema ``IPOS``: securities that came to the market."""

    def halts(self, session: date) -> pl.DataFrame:
        """Schema ``HALTS``: no HTTP endpoint has them; ``halt_file`` writes the exchange's files."""
