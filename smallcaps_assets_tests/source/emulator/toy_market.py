"""A market of five sessions, made by hand, small enough to work every reply out on paper.

AAA trades all sessions; BBB is renamed CCC on 01-04; DDD is gone on 01-05; EEE has a reverse split 1:10 on 01-04 and
announces another; QQQQ is in the bars but on no list; AAA was another company's ticker before.
"""

from datetime import date
from typing import Any

import polars as pl

from smallcaps_assets.source.emulator.calendar import hours
from smallcaps_assets.source.emulator.market import (
    DAILY,
    DAILY_OF,
    DIVIDENDS,
    FLOAT_SHARES,
    HALTS,
    IPOS,
    LISTINGS,
    MINUTES,
    NEWS,
    QUOTES,
    RENAMES,
    SHORT_INTEREST,
    SHORT_VOLUME,
    SPLITS,
    TRADES,
)
from smallcaps_assets.source.emulator.statement_columns import FINANCIALS

TUE, WED, THU, FRI, MON = (date(2024, 1, day) for day in (2, 3, 4, 5, 8))
SESSIONS = [TUE, WED, THU, FRI, MON]
SECOND, MINUTE = 10**9, 60_000
OPEN = {session: hours(session).open for session in SESSIONS}
FIGI = {"AAA": "BBG00000AAA1", "OLD": "BBG00000AAA0", "BBB": "BBG00000BBB1", "DDD": "BBG00000DDD1"}
PRICES = {  # close by session; None: did not trade
    "AAA": (10.0, 10.5, 11.0, 11.5, 12.0),
    "BBB": (5.0, 5.1, None, None, None),
    "CCC": (None, None, 5.2, 5.3, 5.4),
    "DDD": (3.0, 2.0, 1.0, None, None),
    "EEE": (0.5, 0.6, 6.1, 6.2, 6.3),
    "QQQQ": (100.0, 100.0, 100.0, 100.0, 100.0),
}


def _bar(close: float) -> dict[str, Any]:
    return {"v": 1000.0, "vw": close, "o": close - 0.1, "c": close, "h": close + 0.1, "l": close - 0.2, "n": 10}


def _row(ticker: str, figi: str | None, listed: date, delisted: date | None, **more: Any) -> dict[str, Any]:
    row = {"name": f"{ticker} Inc.", "type": "CS", "primary_exchange": "XNAS", "cik": "0000000001", "list_date": listed}
    return {"ticker": ticker, "composite_figi": figi, "listed": listed, "delisted": delisted, **row, **more}


class ToyMarket:
    """The protocol ``Market`` over the tables above."""

    def sessions(self) -> list[date]:
        return SESSIONS

    def listings(self) -> pl.DataFrame:
        rows = [
            _row("AAA", FIGI["OLD"], date(2010, 5, 3), date(2015, 6, 1), name="Ancient Alloys Inc."),
            _row("AAA", FIGI["AAA"], date(2020, 3, 2), None),
            _row("BBB", FIGI["BBB"], date(2019, 1, 2), THU),
            _row("CCC", FIGI["BBB"], THU, None, list_date=date(2019, 1, 2)),
            _row("DDD", FIGI["DDD"], date(2021, 1, 4), FRI, primary_exchange="XNYS"),
            _row("EEE", None, date(2022, 1, 3), None, type="ADRC", cik=None),
        ]
        return pl.DataFrame(rows, schema=LISTINGS)

    def renames(self) -> pl.DataFrame:
        rows = [
            (FIGI["BBB"], date(2019, 1, 2), "BBB"),
            (FIGI["BBB"], THU, "CCC"),
            (FIGI["AAA"], date(2020, 3, 2), "AAA"),
        ]
        return pl.DataFrame(rows, schema=RENAMES, orient="row")

    def splits(self) -> pl.DataFrame:
        rows = [
            ("E1", "EEE", THU, 10.0, 1.0),
            ("E2", "EEE", date(2024, 2, 1), 4.0, 1.0),
            ("E3", "ZZZ", WED, 1.0, 3.0),
        ]
        return pl.DataFrame(rows, schema=SPLITS, orient="row")

    def dividends(self) -> pl.DataFrame:
        rows: list[tuple[Any, ...]] = [
            (f"D{place}", "AAA", date(2023, month, 1), None, None, date(2023, month, 15), 0.1 * month, "USD", 4, "CD")
            for place, month in enumerate((2, 5, 8, 11))
        ]
        rows.append(("D9", "EEE", WED, TUE, THU, FRI, 0.05, "USD", 0, "SC"))
        return pl.DataFrame(rows, schema=DIVIDENDS, orient="row")

    def shares(self, ticker: str, on: date) -> float | None:
        return {"AAA": 1_000_000.0, "EEE": 8_000_000.0 if on < THU else 900_000.0}.get(ticker)

    def daily(self, session: date) -> pl.DataFrame:
        if session not in SESSIONS:
            return DAILY.to_frame()
        place = SESSIONS.index(session)
        rows = [{"T": t, **_bar(close)} for t, closes in PRICES.items() if (close := closes[place]) is not None]
        return pl.DataFrame(rows, schema=DAILY)

    def daily_of(self, ticker: str, first: date, last: date) -> pl.DataFrame:
        closes = PRICES.get(ticker, (None,) * len(SESSIONS))
        known = [(s, c) for s, c in zip(SESSIONS, closes, strict=True) if c is not None and first <= s <= last]
        return pl.DataFrame([{"t": s, **_bar(c)} for s, c in known], schema=DAILY_OF)

    def minutes(self, ticker: str, session: date) -> pl.DataFrame:
        """AAA and EEE: 09:00, then 09:30 to 09:39, then 16:05; volume 1, 2, 3 ..."""
        if ticker not in ("AAA", "EEE") or session not in SESSIONS:
            return MINUTES.to_frame()
        opened = OPEN[session] // 1_000_000
        starts = [opened - 30 * MINUTE, *(opened + k * MINUTE for k in range(10)), opened + 395 * MINUTE]
        rows = [
            {
                "t": t,
                "v": k + 1.0,
                "vw": 10.0 + k,
                "o": 10.0 + k,
                "c": 10.5 + k,
                "h": 11.0 + k,
                "l": 9.0 + k,
                "n": k + 1,
            }
            for k, t in enumerate(starts)
        ]
        return pl.DataFrame(rows, schema=MINUTES)

    def trades(self, ticker: str, session: date) -> pl.DataFrame:
        """AAA only: seven trades a session; the third and fourth share time and sequence, as the wire has had it."""
        if ticker != "AAA" or session not in SESSIONS:
            return TRADES.to_frame()
        stamps = [(0, 1), (0, 2), (1, 5), (1, 5), (1, 7), (2, 3), (9, 9)]
        rows: list[dict[str, Any]] = [
            {
                "conditions": [[14, 41], None, [], [37], None, [12], None][k],
                "correction": 1 if k == 4 else None,
                "exchange": 4 if k == 1 else 11,
                "id": str(k),
                "participant_timestamp": OPEN[session] + second * SECOND - 123,
                "price": 10.0 + k,
                "sequence_number": sequence,
                "sip_timestamp": OPEN[session] + second * SECOND + 7,
                "size": 100.0,
                "tape": 3,
                "trf_id": 202 if k == 1 else None,
                "trf_timestamp": OPEN[session] if k == 1 else None,
            }
            for k, (second, sequence) in enumerate(stamps)
        ]
        return pl.DataFrame(rows, schema=TRADES)

    def quotes(self, ticker: str, session: date) -> pl.DataFrame:
        """AAA only: three quotes, the first one without a bid."""
        if ticker != "AAA" or session not in SESSIONS:
            return QUOTES.to_frame()
        rows: list[dict[str, Any]] = [
            {
                "ask_exchange": 12,
                "ask_price": 10.1 + k,
                "ask_size": 2.0,
                "bid_exchange": None if k == 0 else 11,
                "bid_price": None if k == 0 else 10.0 + k,
                "bid_size": None if k == 0 else 3.0,
                "conditions": [1],
                "indicators": None,
                "participant_timestamp": OPEN[session] + k,
                "sequence_number": k + 1,
                "sip_timestamp": OPEN[session] + k,
                "tape": 3,
            }
            for k in range(3)
        ]
        return pl.DataFrame(rows, schema=QUOTES)

    def news(self) -> pl.DataFrame:
        home = "https://wire.invalid/"
        publisher = {"name": "Wire", "homepage_url": home, "logo_url": f"{home}logo", "favicon_url": None}
        rows = [
            {
                "id": f"N{k}",
                "published_utc": f"2024-01-0{k + 2}T12:00:00Z",
                "title": f"Story {k}",
                "author": "A. Writer",
                "article_url": f"https://wire.invalid/{k}",
                "publisher": publisher,
                "tickers": ["AAA"] if k % 2 else ["EEE", "AAA"],
                "keywords": [],
                "insights": [{"ticker": "AAA", "sentiment": "neutral", "sentiment_reasoning": "none"}] if k else None,
            }
            for k in range(4)
        ]
        return pl.DataFrame(rows, schema=NEWS)

    def short_interest(self) -> pl.DataFrame:
        rows = [
            (ticker, date(2023, 12, day), 1000 * day, 500, 2.0 * day) for ticker in ("EEE", "AAA") for day in (15, 29)
        ]
        return pl.DataFrame(rows, schema=SHORT_INTEREST, orient="row")

    def short_volume(self, session: date) -> pl.DataFrame:
        by_facility = (0, 0, 90, 1, 4, 0, 6, 0)  # volume and exempt volume of each
        rows = [(t, session, 100.0, 1.0, 99.0, 400.0, 25.0, *by_facility) for t in ("AAA", "EEE")]
        return pl.DataFrame(rows if session in SESSIONS else [], schema=SHORT_VOLUME, orient="row")

    def float_shares(self) -> pl.DataFrame:
        return pl.DataFrame([("AAA", MON, 800_000.0, 80.0)], schema=FLOAT_SHARES, orient="row")

    def financials(self) -> pl.DataFrame:
        """AAA's third quarter of 2023, filed on 11-09, the year to it, and the year before with its loss."""
        company = {"tickers": ["AAA"], "cik": "0000000001", "fiscal_quarter": 3}
        quarter = company | {"period_end": date(2023, 9, 30), "filing_date": date(2023, 11, 9), "fiscal_year": 2023}
        flows = {
            "revenue": 6_000_000,
            "income_before_income_taxes": 1_500_000,
            "consolidated_net_income_loss": 1_200_000,
            "ebitda": 1_500_000,
            "diluted_earnings_per_share": 1.2,
            "net_cash_from_operating_activities": 2_000_000,
            "purchase_of_property_plant_and_equipment": -500_000,
            "dividends": -120_000,
        }
        balance = {
            "cash_and_equivalents": 400_000,
            "receivables": 200_000,
            "total_current_assets": 900_000,
            "total_assets": 5_000_000,
            "debt_current": 100_000,
            "total_current_liabilities": 300_000,
            "long_term_debt_and_capital_lease_obligations": 900_000,
            "total_liabilities": 2_000_000,
            "total_equity": 3_000_000,
        }
        year = company | {"fiscal_quarter": 4, "period_end": date(2022, 12, 31), "filing_date": date(2023, 3, 1)}
        rows = [
            year | {"timeframe": "annual", "fiscal_year": 2022, "revenue": 4_000_000, "ebitda": -1},
            quarter | {"timeframe": "quarterly", "revenue": 1_500_000, **balance},
            quarter | {"timeframe": "trailing_twelve_months", **flows},
        ]
        return pl.DataFrame(rows, schema=FINANCIALS)

    def ipos(self) -> pl.DataFrame:
        rows = [
            {
                "ticker": ticker,
                "issuer_name": f"{ticker} Inc.",
                "listing_date": listed,
                "ipo_status": "history",
                "primary_exchange": "XNAS",
                "security_type": "CS",
                "security_description": "Common Stock",
                "final_issue_price": price,
                "last_updated": listed,
            }
            for ticker, listed, price in (("AAA", date(2020, 3, 2), 8.0), ("EEE", date(2022, 1, 3), None))
        ]
        return pl.DataFrame(rows, schema=IPOS)

    def halts(self, session: date) -> pl.DataFrame:  # noqa: ARG002 - the protocol's
        return HALTS.to_frame()
