"""``/v2/last/trade/{ticker}`` and ``/v2/last/nbbo/{ticker}``: the newest tick there is, in one-letter members."""

from datetime import timedelta
from typing import Any

from smallcaps_assets.source.emulator.directory import Directory
from smallcaps_assets.source.emulator.envelope import Call, RefusedError, encoded
from smallcaps_assets.source.emulator.recent import Ticks

RECENT = timedelta(days=10)  # a ticker whose newest tick is older has none
TRADE = {
    "conditions": "c",
    "correction": "e",
    "trf_timestamp": "f",
    "id": "i",
    "price": "p",
    "sequence_number": "q",
    "trf_id": "r",
    "size": "s",
    "sip_timestamp": "t",
    "exchange": "x",
    "participant_timestamp": "y",
    "tape": "z",
}
QUOTE = {
    "ask_price": "P",
    "ask_size": "S",
    "ask_exchange": "X",
    "conditions": "c",
    "indicators": "i",
    "bid_price": "p",
    "sequence_number": "q",
    "bid_size": "s",
    "sip_timestamp": "t",
    "bid_exchange": "x",
    "participant_timestamp": "y",
    "tape": "z",
}


def last_trade(call: Call, directory: Directory) -> bytes:
    """The ticker's newest trade; 404 when it has none."""
    return _newest(call, directory, directory.trades, TRADE)


def last_quote(call: Call, directory: Directory) -> bytes:
    """The ticker's newest quote, sizes whole; 404 when it has none."""
    return _newest(call, directory, directory.quotes, QUOTE)


def _newest(call: Call, directory: Directory, ticks: Ticks, letters: dict[str, str]) -> bytes:
    ticker = call.path["ticker"]
    for session in reversed(directory.between(directory.today - RECENT, directory.today)):
        if directory.may_trade(ticker, session) and (found := ticks(ticker, session)).height:
            row = found.row(-1, named=True)
            results: dict[str, Any] = {"T": ticker}
            for name, letter in letters.items():
                if row[name] is not None and row[name] != []:
                    results[letter] = int(row[name]) if name.endswith("_size") else row[name]
            return encoded({"request_id": call.request_id, "results": results, "status": "OK"})
    raise RefusedError(404, "Data not found.")
