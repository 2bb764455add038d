"""Last trade, last quote and snapshots: what the clients ask over the toy market, and the answers worked by hand."""

from typing import Any

from smallcaps_assets_tests.source.emulator.toy_market import MINUTE, MON, OPEN, SECOND
from smallcaps_assets_tests.source.official.clients import PACKAGES
from smallcaps_assets_tests.source.official.get_cases import Answer

OPENED = OPEN[MON]
LAST_MINUTE = OPENED // 1_000_000 + 395 * MINUTE  # 16:05, the twelfth of the session
TRADE = {  # the seventh of Monday
    "id": "6",
    "price": 16,
    "size": 100,
    "exchange": 11,
    "sip_timestamp": OPENED + 9 * SECOND + 7,
}
QUOTE = {  # the third of Monday
    "ask_price": 12.1,
    "ask_size": 2,
    "bid_price": 12,
    "bid_size": 3,
    "sip_timestamp": OPENED + 2,
}


def day(close: float) -> dict[str, Any]:
    """A day of the toy market inside a snapshot."""
    prices = {"open": close - 0.1, "high": close + 0.1, "low": close - 0.2, "close": close, "vwap": close}
    return {**prices, "volume": 1000}


TWELFTH = {"open": 21, "high": 22, "low": 20, "close": 21.5, "volume": 12, "vwap": 21, "transactions": 12}
AAA = {  # 16.00 after a Friday of 11.50
    "ticker": "AAA",
    "todays_change": 4.5,
    "todays_change_percent": 4.5 / 11.5 * 100,
    "updated": (LAST_MINUTE + MINUTE) * 1_000_000,
    "day": day(12.0),
    "prev_day": day(11.5),
    "min": {**TWELFTH, "timestamp": LAST_MINUTE, "accumulated_volume": 1000},
    "last_trade": TRADE,
    "last_quote": QUOTE,
}
QQQQ = {  # on no list and without a tape, but in the bars
    "ticker": "QQQQ",
    "todays_change": 0,
    "todays_change_percent": 0,
    "updated": 1_704_747_600_000_000_000,  # 16:00 New York
    "day": day(100.0),
    "prev_day": day(100.0),
    "min": {
        **dict.fromkeys(("open", "high", "low", "close", "volume", "vwap", "transactions", "timestamp"), 0),
        "accumulated_volume": 1000,
    },
    "last_trade": {"id": "", "price": 0, "size": 0, "sip_timestamp": 0, "exchange": 0},
}
SESSION = {
    "open": 11.9,
    "high": 12.1,
    "low": 11.8,
    "close": 12,
    "volume": 1000,
    "previous_close": 11.5,
    "price": 16,
    "change": 4.5,
    "change_percent": 4.5 / 11.5 * 100,
    "early_trading_change": -1,  # 10.50 in the pre-market
    "early_trading_change_percent": -1 / 11.5 * 100,
    "regular_trading_change": 0.5,
    "regular_trading_change_percent": 0.5 / 11.5 * 100,
    "late_trading_change": 9.5,  # 21.50 after hours beside a close of 12.00
    "late_trading_change_percent": 9.5 / 12 * 100,
}
UNIVERSAL = {
    "ticker": "AAA",
    "name": "AAA Inc.",
    "type": "stocks",
    "market_status": "closed",
    "session": SESSION,
    "last_quote": {
        "ask": 12.1,
        "ask_size": 2,
        "bid": 12,
        "bid_size": 3,
        "midpoint": 12.05,
        "last_updated": OPENED + 2,
        "timeframe": "REAL-TIME",
    },
    "last_trade": {**TRADE, "participant_timestamp": OPENED + 9 * SECOND - 123, "timeframe": "REAL-TIME"},
}
NEWER = {  # members only the newer client has
    **UNIVERSAL,
    "last_quote": {**UNIVERSAL["last_quote"], "ask_exchange": 12, "bid_exchange": 11},  # type: ignore[dict-item]
    "last_minute": {**TWELFTH, "last_updated": LAST_MINUTE * 1_000_000},
}
UNKNOWN = {"ticker": "NOPE", "error": "NOT_FOUND", "message": "Ticker not found."}
LATEST = [
    Answer(
        "get_last_trade",
        ("AAA",),
        {
            **TRADE,
            "ticker": "AAA",
            "sequence_number": 9,
            "participant_timestamp": OPENED + 9 * SECOND - 123,
            "tape": 3,
        },
    ),
    Answer(
        "get_last_quote",
        ("AAA",),
        {
            **QUOTE,
            "ticker": "AAA",
            "ask_exchange": 12,
            "bid_exchange": 11,
            "conditions": [1],
            "sequence_number": 3,
            "participant_timestamp": OPENED + 2,
            "tape": 3,
        },
    ),
    Answer("get_snapshot_ticker", ("stocks", "AAA"), AAA),
    Answer("get_snapshot_all", ("stocks",), {"AAA": AAA, "QQQQ": QQQQ}, {"tickers": ["QQQQ", "AAA", "NOPE"]}),
    Answer("get_snapshot_direction", ("stocks", "gainers"), []),  # nothing here trades 10,000 shares a day
    *(
        Answer(
            "list_universal_snapshots",
            (),
            [row, UNKNOWN],
            {"ticker_any_of": ["NOPE", "AAA"], "type": "stocks", "limit": 1},
            packages=(package,),
        )
        for package, row in zip(PACKAGES, (NEWER, UNIVERSAL), strict=True)
    ),
]
