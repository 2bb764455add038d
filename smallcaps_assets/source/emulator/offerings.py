"""Initial public offerings of the synthetic lines that listed while the market ran."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.daily_panel import UNIT
from smallcaps_assets.source.emulator.listings import Line
from smallcaps_assets.source.emulator.market import IPOS

ANNOUNCED = timedelta(days=24)  # before the listing
OFFERED = 0.2  # of all shares
RANGE = 0.1  # of the price, either way


def ipos(
    lines: list[Line], sessions: list[date], opens: NDArray[np.int32], shares: Callable[[int], list[int]]
) -> pl.DataFrame:
    """Schema ``IPOS``, priced at the first session's open; ``opens`` is (lines, sessions) in 1e-4 USD."""
    rows: list[dict[str, object]] = []
    for line in lines:
        if not 0 < line.first < len(sessions) or line.shares is None:
            continue
        listed, price = sessions[line.first], float(opens[line.index, line.first]) / UNIT
        count = shares(line.index)[line.first]
        offered = round(count * OFFERED / 100) * 100
        rows.append(
            {
                "ticker": line.ticker_at(line.first),
                "issuer_name": line.name.partition(" Inc.")[0] + " Inc.",
                "listing_date": listed,
                "ipo_status": "history",
                "primary_exchange": line.exchange,
                "security_type": line.type or "CS",
                "security_description": line.name.partition("Inc. ")[2],
                "currency_code": "USD",
                "final_issue_price": price,
                "lowest_offer_price": round(price * (1 - RANGE), 2),
                "highest_offer_price": round(price * (1 + RANGE), 2),
                "min_shares_offered": offered,
                "max_shares_offered": offered,
                "total_offer_size": round(price * offered, 2),
                "shares_outstanding": count,
                "lot_size": 100,
                "announced_date": listed - ANNOUNCED,
                "last_updated": listed,
            }
        )
    return pl.DataFrame(rows, schema=IPOS).sort("listing_date", "ticker")
