"""Who is listed in the synthetic market: about 60 made-up securities (4,000 possible), each drawn from its index alone.

A *line* is one security through all its tickers. Life events stand at fixed ordinals of sessions from the market's
start, so that a longer market begins with the same history as a shorter one.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from smallcaps_assets.source.emulator.draws import Purpose, generator


class Kind(StrEnum):
    """What sort of security a line is."""

    SMALL = "small"
    THIN = "thin"
    CHEAP_GIANT = "cheap giant"  # a large cap priced under 20 USD, as BAC and PLTR were
    MID = "mid"
    ETF = "etf"
    WARRANT = "warrant"
    UNIT = "unit"
    ADR = "adr"
    UNTYPED = "untyped"
    UNCOUNTED = "uncounted"  # shares outstanding unknown


S, TH, CG, M, E = Kind.SMALL, Kind.THIN, Kind.CHEAP_GIANT, Kind.MID, Kind.ETF
FIRST_SIXTY: tuple[Kind, ...] = (
    *(S, S, E, S, CG, S, Kind.WARRANT, S, TH, S, M, S, S, S, S, S, Kind.UNIT, Kind.ADR, Kind.UNTYPED),
    *(Kind.UNCOUNTED, S, M, S, S, CG, S, E, S, S, TH, S, M, S, S, S, Kind.WARRANT, S, M, S, S, S, S, S, CG, S, E),
    *(S, M, S, S, TH, S, M, S, E, S, M, CG, M, S),
)
# Index of the line -> ordinal of the session in which it happens.
DELISTED = {12: 90, 13: 45, 40: 712}
FIRST_LISTED = {14: 75, 15: 30, 42: 695}
RENAMED = {11: 60, 41: 705}
REUSES = {14: 13}  # line 14 lists under the ticker that line 13 gave up
# Index -> (splits 1 for this many [below 1: forward], sessions between splits, ordinal of the first).
SPLITS = {
    9: (10.0, 300, 100),
    1: (4.0, 310, 40),
    20: (8.0, 260, 172),
    25: (20.0, 380, 235),
    33: (10.0, 340, 28),
    44: (5.0, 290, 150),
    51: (15.0, 330, 275),
    10: (0.5, 360, 120),
    47: (1 / 3, 420, 210),
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIRST_LETTERS = "ABCDGHKMNPRST"  # of the default market: few partitions with several tickers each, as in a real one
HEADS = ("Vel", "Mor", "Zan", "Quor", "Nex", "Lum", "Ark", "Bryn", "Cald", "Dor", "Esk", "Fen", "Gyr", "Hal", "Ister")
TAILS = ("mora", "dyne", "tera", "vance", "quill", "sonde", "bridge", "pharn", "lith", "grove", "stat", "wick", "phon")
TRADES = ("Therapeutics", "Mining", "Robotics", "Energy", "Foods", "Shipping", "Photonics", "Software", "Biologics")
TYPES = {Kind.ETF: "ETF", Kind.WARRANT: "WARRANT", Kind.UNIT: "UNIT", Kind.ADR: "ADRC"}
SUFFIXES = {Kind.ETF: "Shares", Kind.WARRANT: "Warrants", Kind.UNIT: "Units", Kind.ADR: "American Depositary Shares"}


@dataclass(frozen=True, slots=True)
class Line:
    """One security: identity, life, and the habits from which its sessions are drawn."""

    index: int
    kind: Kind
    tickers: tuple[tuple[int, str], ...]  # (ordinal of the first session under it, ticker)
    name: str
    type: str | None
    exchange: str
    cik: str | None
    composite_figi: str
    share_class_figi: str
    list_date: date | None  # None: at its first session in the market
    first: int  # ordinal of its first session, 0 when listed before the market starts
    end: int | None  # ordinal of the first session no longer listed
    anchor: float  # USD, where the price returns to
    dollars: float  # usual dollar volume of a session
    sigma: float  # of a quiet session's log return
    chance: float  # of a patterned session
    trade_size: float  # mean shares a trade
    most_trades: int
    shares: int | None
    split: tuple[float, int, int] | None
    payout: float  # quarterly dividend as a share of the anchor price, 0 for none

    @property
    def auctions(self) -> bool:
        """Whether its exchange prints opening and closing auctions in it."""
        return self.kind not in (Kind.THIN, Kind.WARRANT, Kind.UNIT)

    @property
    def ticker(self) -> str:
        """Its first ticker."""
        return self.tickers[0][1]

    def ticker_at(self, ordinal: int) -> str:
        """Its ticker in the session with that ordinal."""
        return [ticker for since, ticker in self.tickers if since <= max(ordinal, 0)][-1]

    def split_ordinals(self, count: int) -> list[int]:
        """Ordinals below ``count`` of the sessions in which it splits."""
        if self.split is None:
            return []
        _, period, first = self.split
        return [at for at in range(first, count, period) if self.first < at < (self.end or count)]


def lines(seed: int, count: int) -> list[Line]:
    """The first ``count`` lines; line i is the same for every count."""
    made: list[Line] = []
    for index in range(count):
        made.append(_line(seed, index, made))
    return made


def _letters(number: int) -> str:
    return LETTERS[number // 676] + LETTERS[number // 26 % 26] + LETTERS[number % 26]


def _fresh_ticker(index: int) -> str:
    # Multiplying by a number coprime to 26**3 permutes the three letters: no two lines share them.
    first = FIRST_LETTERS[index % 13] if index < len(FIRST_SIXTY) else LETTERS[index * 7 % 26]
    return first + _letters((index * 7919 + 4321) % 26**3)


def _kind(index: int, u: float) -> Kind:
    if index < len(FIRST_SIXTY):
        return FIRST_SIXTY[index]
    steps = ((0.55, S), (0.66, TH), (0.78, M), (0.79, CG), (0.88, E), (0.94, Kind.WARRANT), (0.96, Kind.UNIT))
    return next((kind for bound, kind in steps if u < bound), Kind.ADR)


def _between(u: float, low: float, high: float) -> float:
    return float(low * (high / low) ** u)


def _habits(kind: Kind, index: int, u: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, float]:
    """Anchor price, dollars, sigma, chance of a pattern, trade size, most trades and market cap of a kind."""
    rows: dict[Kind, tuple[tuple[float, float], tuple[float, float], float, float, float, int, tuple[float, float]]] = {
        S: ((0.7, 5.5), (2.5e5, 2.5e6), 0.026, 0.15, 190, 12_000, (6e6, 4e8)),
        TH: ((0.9, 9.0), (1.2e4, 5e4), 0.018, 0.0, 170, 600, (5e6, 9e7)),
        CG: ((6.0, 14.0), (1.5e8, 5e8), 0.013, 0.0, 400, 12_000, (5e10, 2.5e11)),
        M: ((28.0, 320.0), (4e7, 9e8), 0.013, 0.0, 300, 12_000, (4e9, 4e11)),
        E: ((18.0, 260.0), (5e6, 3e8), 0.007, 0.0, 300, 6_000, (2e8, 2e10)),
        Kind.WARRANT: ((0.06, 0.6), (2e4, 9e4), 0.045, 0.0, 900, 900, (1e6, 8e6)),
        Kind.UNIT: ((10.1, 10.9), (3e4, 1.2e5), 0.002, 0.0, 260, 600, (6e7, 2e8)),
        Kind.ADR: ((2.0, 9.0), (5e5, 4e6), 0.022, 0.05, 190, 12_000, (1e8, 1.4e9)),
        Kind.UNTYPED: ((1.5, 6.0), (3e5, 1e6), 0.022, 0.08, 190, 12_000, (2e7, 2e8)),
        Kind.UNCOUNTED: ((1.5, 6.0), (3e5, 1e6), 0.022, 0.08, 190, 12_000, (2e7, 2e8)),
    }
    price, dollars, sigma, chance, size, most, cap = rows[kind]
    anchor = _between(u[1], *price)
    return {
        "anchor": anchor,
        "dollars": _between(u[2], *dollars),
        "sigma": sigma * _between(u[3], 0.8, 1.25),
        # The first sixty are the runners; in a market of thousands the rest must be calm, as it is in life.
        "chance": chance if index < len(FIRST_SIXTY) else chance / 8,
        "trade_size": size * _between(u[4], 0.85, 1.5) * (1.0 if anchor >= 1 else 2.0),
        "most_trades": most,
        "shares": _between(u[5], *cap) / anchor,
    }


def _line(seed: int, index: int, made: list[Line]) -> Line:
    draw = generator(seed, Purpose.IDENTITY, index)
    u = draw.random(12)
    kind = _kind(index, u[0])
    settled = (
        line for line in reversed(made) if line.kind is S and line.index not in {*DELISTED, *FIRST_LISTED, *RENAMED}
    )
    parent = next(settled, None)
    derived = kind in (Kind.WARRANT, Kind.UNIT) and parent is not None
    exchange = _exchange(kind, u[6]) if not derived or parent is None else parent.exchange
    root = _fresh_ticker(index)
    if derived and parent is not None:
        taken = {line.ticker for line in made}
        endings = [".WS", "W"] if exchange != "XNAS" else ["W", ".WS"]
        choices = [parent.ticker + ending for ending in (endings if kind is Kind.WARRANT else ["U", ".U"])]
        root = next((ticker for ticker in choices if ticker not in taken), root)
    if index in REUSES:
        root = made[REUSES[index]].ticker
    names = [(0, root)]
    if index in RENAMED:
        names.append((RENAMED[index], _fresh_ticker(index + 9000)))
    habits = _habits(kind, index, u)
    company = f"{HEADS[int(u[7] * len(HEADS))]}{TAILS[int(u[8] * len(TAILS))]} {TRADES[int(u[9] * len(TRADES))]} Inc."
    if derived and parent is not None:
        company = parent.name.split(" Inc.")[0] + " Inc."
    weeks = timedelta(weeks=57 + int(u[10] * 1290))
    cik = made[parent.index].cik if derived and parent is not None else f"{1_900_000 + index:010d}"
    figi = _letters(int(draw.integers(26**3))) + f"{index:04d}"
    return Line(
        index=index,
        kind=kind,
        tickers=tuple(names),
        name=f"{company} {SUFFIXES.get(kind, 'Common Stock')}",
        type=None if kind is Kind.UNTYPED else TYPES.get(kind, "CS"),
        exchange=exchange,
        cik=None if kind is Kind.ETF else cik,
        composite_figi=f"BBG00{figi}",
        share_class_figi=f"BBG01{figi}",
        list_date=None if index in FIRST_LISTED else date(2023, 12, 29) - weeks,
        first=FIRST_LISTED.get(index, 0),
        end=DELISTED.get(index),
        anchor=habits["anchor"],
        dollars=habits["dollars"],
        sigma=habits["sigma"],
        chance=habits["chance"],
        trade_size=habits["trade_size"],
        most_trades=int(habits["most_trades"]),
        shares=None if kind is Kind.UNCOUNTED else round(habits["shares"]),
        split=SPLITS.get(index),
        payout=0.006 if kind in (M, E) and index % 2 == 0 else 0.0,
    )


def _exchange(kind: Kind, u: float) -> str:
    if kind is E:
        return "ARCX"
    return "XNAS" if u < 0.62 else "XNYS" if u < 0.82 else "XASE"
