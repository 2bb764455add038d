"""A service under acceptance, asked by plain HTTP, and what it is found to hold: sessions, tickers, a split."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx

Row = dict[str, Any]
NEW_YORK = ZoneInfo("America/New_York")
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/{}"
TICKERS, SPLITS = "/v3/reference/tickers", "/v3/reference/splits"
PLAIN = re.compile("[A-Z]{1,5}")
MANY_PAGES = 200


class WrongError(Exception):
    """The service does not do what it should; says what it did instead."""


class NotInPlanError(Exception):
    """The key's plan does not include the endpoint or the time asked for."""


class NotFoundError(Exception):
    """The service holds nothing a case could be tried with."""


def require(condition: object, seen: str) -> None:
    """WrongError with what was seen unless the condition holds."""
    if not condition:
        raise WrongError(seen)


def new_york(ms: int) -> datetime:
    """New York wall-clock time of Unix ms."""
    return datetime.fromtimestamp(ms / 1000, NEW_YORK)


def ms(day: date, hour: int = 0, minute: int = 0) -> int:
    """Unix ms of a New York wall-clock time."""
    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK).timestamp()) * 1000


class Service:
    """The service at ``base``; the key goes in a header, and only to its origin."""

    def __init__(self, base: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        self.base = httpx.URL(base.rstrip("/"))
        self.key = key
        self.http = httpx.Client(base_url=self.base, timeout=90, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, headers: dict[str, str] | None = None, **parameters: Any) -> httpx.Response:
        """One reply of any status; waits as long as it is told to when it asks too often."""
        url = httpx.URL(path)
        if url.is_absolute_url:
            require((url.scheme, url.netloc) == (self.base.scheme, self.base.netloc), f"leads to {url.host}")
        given = {"Authorization": f"Bearer {self.key}"} if headers is None else headers
        for _ in range(8):
            reply = self.http.get(url, params=parameters or None, headers=given)
            if reply.status_code != 429:
                return reply
            time.sleep(float(reply.headers.get("Retry-After", "15")))
        return reply

    def answer(self, path: str, **parameters: Any) -> Any:
        """The JSON of a reply that must be 200."""
        reply = self.get(path, **parameters)
        if reply.status_code == 403:
            raise NotInPlanError(reply.json().get("message", reply.text))
        require(reply.status_code == 200, f"{path}: {reply.status_code} {reply.text[:120]}")
        return reply.json()

    def refused(self, path: str, status: int, **parameters: Any) -> str:
        """The text of a refusal that must have this status."""
        reply = self.get(path, **parameters)
        require(reply.status_code == status, f"{path}: {reply.status_code} instead of {status}")
        said = reply.json()
        text: str = said.get("error") or said.get("message")
        require(text, f"{path}: {status} without a text")
        return text

    def pages(self, path: str, **parameters: Any) -> Iterator[Any]:
        """The pages of a list, each next_url followed as it stands."""
        page = self.answer(path, **parameters)
        for _ in range(MANY_PAGES):
            yield page
            if "next_url" not in page:
                return
            page = self.answer(page["next_url"])
        raise WrongError(f"{path} has more than {MANY_PAGES} pages")

    def walk(self, path: str, **parameters: Any) -> tuple[list[Row], int]:
        """All rows of a list, and how many pages they came on."""
        found = list(self.pages(path, **parameters))
        return [row for page in found for row in page.get("results", [])], len(found)

    def bars(self, ticker: str, span: str, first: Any, last: Any, **parameters: Any) -> list[Row]:
        """Bars of one page as wide as allowed, unadjusted unless told; ``span`` as in ``1/minute``."""
        asked = {"adjusted": "false", "limit": 50_000, **parameters}
        page = self.answer(f"/v2/aggs/ticker/{ticker}/range/{span}/{first}/{last}", **asked)
        rows: list[Row] = page.get("results", [])
        return rows

    @cached_property
    def today(self) -> date:
        """The service's New York date."""
        now = datetime.fromisoformat(self.answer("/v1/marketstatus/now")["serverTime"])
        return now.astimezone(NEW_YORK).date()

    @cached_property
    def last(self) -> date:
        """The newest complete session the plan shows: the latest day before today with bars of the market."""
        for ago in range(1, 12):
            day = self.today - timedelta(days=ago)
            with suppress(NotInPlanError):
                if self.answer(GROUPED.format(day), adjusted="false")["resultsCount"]:
                    return day
        raise NotFoundError(f"a session in the days before {self.today}")

    @cached_property
    def market(self) -> dict[str, Row]:
        """The raw bar of every ticker in the newest session."""
        return {row["T"]: row for row in self.answer(GROUPED.format(self.last), adjusted="false")["results"]}

    @cached_property
    def ticker(self) -> str:
        """A stock that trades some hundred to some thousand times a session, and has for half a year."""
        usual = [row for row in self.market.values() if PLAIN.fullmatch(row["T"]) and row.get("n", 0) >= 300]
        for row in sorted(usual, key=lambda row: abs(row["n"] - 2_000))[:10]:
            details = self.get(f"{TICKERS}/{row['T']}")
            if details.status_code != 200 or details.json()["results"].get("type") != "CS":
                continue
            if len(self.bars(row["T"], "1/day", self.last - timedelta(days=183), self.last)) >= 100:
                ticker: str = row["T"]
                return ticker
        raise NotFoundError("a stock that has traded for half a year")

    @cached_property
    def sessions(self) -> list[date]:
        """Sessions of the ticker in the year before the newest one, ascending."""
        rows = self.bars(self.ticker, "1/day", self.last - timedelta(days=364), self.last)
        return [new_york(row["t"]).date() for row in rows]

    @cached_property
    def split(self) -> Row:
        """An executed split, the only one of its ticker in the year, with a bar on its day and before."""
        window = {"execution_date.gte": self.last - timedelta(days=330), "execution_date.lte": self.last}
        rows, _ = self.walk(SPLITS, limit=1000, **window)
        named = [row["ticker"] for row in rows]
        for row in rows:
            day = date.fromisoformat(row["execution_date"])
            if row["ticker"] not in self.market or named.count(row["ticker"]) > 1:
                continue
            stamps = [bar["t"] for bar in self.bars(row["ticker"], "1/day", day - timedelta(days=7), self.last)]
            if stamps and stamps[0] < ms(day) <= stamps[-1]:
                return row
        raise NotFoundError("a split of a ticker that trades, alone in its year")

    @cached_property
    def gone(self) -> Row:
        """A ticker that was delisted in the year and that nobody bears today."""
        rows = self.answer(TICKERS, active="false", market="stocks", sort="delisted_utc", order="desc", limit=50)
        for row in rows["results"]:
            ended = datetime.fromisoformat(row["delisted_utc"]).astimezone(NEW_YORK).date()
            if ended > self.last - timedelta(days=330) and not self._listed(row["ticker"]):
                return {**row, "ended": ended}
        raise NotFoundError("a ticker delisted in the year")

    def _listed(self, ticker: str) -> bool:
        return bool(self.answer(TICKERS, ticker=ticker)["results"])
