"""Financial statements of the synthetic companies: quarters, years and trailing twelve months that fit together.

Every amount is whole thousands of USD, and what accountants demand holds exactly: gross profit is revenue less its
cost, assets are liabilities and equity, cash moves by the cash flow, earnings are retained but for dividends. A year is
the sum of its quarters. A statement is known from its ``filing_date`` on, weeks after its period ended.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from smallcaps_assets.source.emulator.draws import Purpose, generator
from smallcaps_assets.source.emulator.listings import Kind, Line
from smallcaps_assets.source.emulator.statement_columns import BALANCE, FINANCIALS, FLOWS, SHARES

Ints = NDArray[np.int64]
Counts = Callable[[int], list[int]]
BEFORE = timedelta(days=730)  # statements reach back so far before the market's first session
NO_COMPANY = (Kind.ETF, Kind.WARRANT, Kind.UNIT)
TAX = 0.21
INTEREST = 0.02  # a quarter
CASH_FLOOR = 0.3  # of the first quarter's revenue: what offerings keep in the till


def financials(seed: int, lines: list[Line], sessions: list[date], shares: Counts) -> pl.DataFrame:
    """Schema ``FINANCIALS``: the statements filed by the last session; ``shares`` gives a line's count each session."""
    companies = [line for line in lines if line.kind not in NO_COMPANY and line.shares is not None]
    ends = quarter_ends(sessions[0] - BEFORE, sessions[-1])
    if not companies or len(ends) < 2:
        return FINANCIALS.to_frame()
    counts = np.array([[_count(shares(line.index), sessions, end) for end in ends] for line in companies])
    columns = _columns(seed, companies, counts)
    index = np.repeat(np.arange(len(companies)), len(ends) - 1)
    frame = pl.DataFrame(
        {"company": index, "period_end": ends[1:] * len(companies), **{n: c[:, 1:].ravel() for n, c in columns.items()}}
    ).with_columns(
        pl.col("period_end").dt.year().cast(pl.Int64).alias("fiscal_year"),
        pl.col("period_end").dt.quarter().cast(pl.Int64).alias("fiscal_quarter"),
    )
    longer = [_summed(frame, "trailing_twelve_months"), _summed(frame, "annual")]
    everything = pl.concat([frame.with_columns(pl.lit("quarterly").alias("timeframe")), *longer], how="diagonal")
    return _filed(_per_share(everything), seed, companies, sessions)


def quarter_ends(first: date, last: date) -> list[date]:
    """Last days of calendar quarters in [first, last], ascending."""
    ends = [
        date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        for year in range(first.year, last.year + 1)
        for month in (3, 6, 9, 12)
    ]
    return [end for end in ends if first <= end <= last]


def _count(counts: list[int], sessions: list[date], end: date) -> int:
    """Shares in the last session up to ``end``; before the market began, those of its first session."""
    return counts[max(bisect_right(sessions, end) - 1, 0)]


def _columns(seed: int, companies: list[Line], shares: Ints) -> dict[str, Ints]:
    """Amounts of shape (companies, quarters); flows of the first quarter are no figures, for lack of one before it."""
    habits = np.array([generator(seed, Purpose.STATEMENTS, line.index).random(8) for line in companies]).T[..., None]
    u = np.stack(
        [generator(seed, Purpose.STATEMENTS, line.index, 1).random((shares.shape[1], 8)) for line in companies]
    ).transpose(2, 0, 1)
    size = np.array([line.anchor * (line.shares or 0) for line in companies])[:, None] / (4 * 0.6 * 8 ** habits[0])
    sales = size * np.cumprod(1 + 0.05 * (habits[1] - 0.4) + 0.1 * (u[0] - 0.5), axis=1)
    revenue, cost = _thousands(sales), _thousands(sales * (0.35 + 0.4 * habits[2]) * (0.95 + 0.1 * u[1]))
    research, selling = _thousands(sales * 0.25 * habits[3]), _thousands(sales * (0.15 + 0.4 * habits[4]))
    debt_long = _thousands(size * (0.4 + 1.2 * habits[5]) * (1 + 0.1 * (u[2] - 0.5)))
    debt_short = _thousands(0.15 * size * (1 + 0.3 * (u[3] - 0.5)))
    receivable, stock, other = _thousands(0.5 * sales), _thousands(0.3 * sales * u[4]), _thousands(0.1 * sales)
    payable, accrued = _thousands(0.25 * sales * (0.8 + 0.4 * u[5])), _thousands(0.15 * sales)

    interest = _thousands(INTEREST * _previous(debt_long + debt_short).astype(np.float64))
    operating = revenue - cost - research - selling
    before_tax = operating - interest
    tax = _thousands(TAX * np.maximum(before_tax, 0).astype(np.float64))
    net = before_tax - tax
    worn, bought = _thousands(0.04 * sales), _thousands((0.02 + 0.05 * u[6]) * sales)
    plant = _thousands(3 * size) + _since_second(bought - worn)
    paid = _thousands(np.array([round(line.anchor * line.payout, 2) for line in companies])[:, None] * shares)
    working = _change(payable + accrued) - _change(receivable + stock + other)
    operations = net + worn + working
    borrowed = _change(debt_long)
    borrowed_short = _change(debt_short)
    cash, raised = _cash(operations - bought - paid + borrowed + borrowed_short, _thousands(CASH_FLOOR * size))
    current, assets = cash + receivable + stock + other, cash + receivable + stock + other + plant
    owed = payable + accrued + debt_short
    liabilities = owed + debt_long
    retained = _thousands((habits[6] - 0.7) * 4 * size) + _since_second(net - paid)
    capital = (assets - liabilities - retained)[:, :1] + _since_second(raised)
    equity = capital + retained
    return {
        "revenue": revenue,
        "cost_of_revenue": cost,
        "gross_profit": revenue - cost,
        "research_development": research,
        "selling_general_administrative": selling,
        "total_operating_expenses": research + selling,
        "operating_income": operating,
        "interest_expense": interest,
        "total_other_income_expense": -interest,
        "income_before_income_taxes": before_tax,
        "income_taxes": tax,
        "consolidated_net_income_loss": net,
        "net_income_loss_attributable_common_shareholders": net,
        "ebitda": operating + worn,
        "basic_shares_outstanding": shares,
        "net_income": net,
        "depreciation_depletion_and_amortization": worn,
        "change_in_other_operating_assets_and_liabilities_net": working,
        "net_cash_from_operating_activities": operations,
        "purchase_of_property_plant_and_equipment": -bought,
        "net_cash_from_investing_activities": -bought,
        "long_term_debt_issuances_repayments": borrowed,
        "short_term_debt_issuances_repayments": borrowed_short,
        "dividends": -paid,
        "other_financing_activities": raised,
        "net_cash_from_financing_activities": borrowed + borrowed_short - paid + raised,
        "change_in_cash_and_equivalents": operations - bought + borrowed + borrowed_short - paid + raised,
        "cash_and_equivalents": cash,
        "receivables": receivable,
        "inventories": stock,
        "other_current_assets": other,
        "total_current_assets": current,
        "property_plant_equipment_net": plant,
        "total_assets": assets,
        "accounts_payable": payable,
        "accrued_and_other_current_liabilities": accrued,
        "debt_current": debt_short,
        "total_current_liabilities": owed,
        "long_term_debt_and_capital_lease_obligations": debt_long,
        "total_liabilities": liabilities,
        "additional_paid_in_capital": capital,
        "retained_earnings_deficit": retained,
        "total_equity": equity,
        "total_equity_attributable_to_parent": equity,
        "total_liabilities_and_equity": liabilities + equity,
    }


def _thousands(amount: NDArray[np.float64]) -> Ints:
    return np.rint(amount / 1_000).astype(np.int64) * 1_000


def _previous(level: Ints) -> Ints:
    return np.concatenate([level[:, :1], level[:, :-1]], axis=1)


def _change(level: Ints) -> Ints:
    return level - _previous(level)


def _since_second(flow: Ints) -> Ints:
    """Running totals from the second quarter on: what the flows added to the level of the first."""
    total = np.cumsum(flow, axis=1)
    return np.asarray(total - total[:, :1])


def _cash(flow: Ints, floor: Ints) -> tuple[Ints, Ints]:
    """Cash at the end of each quarter, and what was raised by offerings so that it never falls below the floor."""
    cash, raised = np.zeros_like(flow), np.zeros_like(flow)
    cash[:, 0] = 2 * floor[:, 0]
    for at in range(1, flow.shape[1]):
        short = floor[:, 0] - cash[:, at - 1] - flow[:, at]
        raised[:, at] = np.where(short > 0, 2 * short, 0)
        cash[:, at] = cash[:, at - 1] + flow[:, at] + raised[:, at]
    return cash, raised


def _summed(quarters: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Four quarters as one period: every four running ones, or the fourth quarters alone as years, with the balance."""
    keep = ["company", "period_end", "fiscal_year", "fiscal_quarter", SHARES[0]]
    levels = BALANCE if timeframe == "annual" else ()
    made = quarters.select(*keep, *levels, *(pl.col(name).rolling_sum(4).over("company") for name in FLOWS))
    made = made.drop_nulls("revenue")
    if timeframe == "annual":
        made = made.filter(pl.col("fiscal_quarter") == 4)
    return made.with_columns(pl.lit(timeframe).alias("timeframe"))


def _per_share(frame: pl.DataFrame) -> pl.DataFrame:
    """Diluted shares (2 % more where that dilutes a profit) and earnings per share to the cent."""
    net, basic = pl.col("consolidated_net_income_loss"), pl.col("basic_shares_outstanding")
    diluted = pl.when(net > 0).then((basic * 1.02).round()).otherwise(basic)
    return frame.with_columns(
        diluted.cast(pl.Int64).alias("diluted_shares_outstanding"),
        (net / basic).round(2).alias("basic_earnings_per_share"),
        (net / diluted).round(2).alias("diluted_earnings_per_share"),
    )


def _filed(frame: pl.DataFrame, seed: int, companies: list[Line], sessions: list[date]) -> pl.DataFrame:
    """Who filed when: quarters after 28 to 45 days, fourth quarters and years after 55 to 88, by a company then listed.

    The ticker is the one of that time.
    """
    late = np.array([generator(seed, Purpose.STATEMENTS, line.index, 2).random() for line in companies])
    company = frame["company"].to_numpy()
    fourth = frame["fiscal_quarter"].to_numpy() == 4
    days = np.where(fourth, 55 + 32 * late[company], 28 + 16 * late[company]).astype(np.int64)
    filed = np.busday_offset(frame["period_end"].to_numpy().astype("datetime64[D]") + days, 0, roll="forward")
    known = np.array(sessions, dtype="datetime64[D]")
    place = np.searchsorted(known, filed, side="right") - 1
    first = np.array([line.first for line in companies])[company]
    end = np.array([len(sessions) if line.end is None else line.end for line in companies])[company]
    began = known[np.minimum(first, len(sessions) - 1)]
    ended = frame["period_end"].to_numpy().astype("datetime64[D]")
    listed = (first == 0) | ((first < len(sessions)) & (ended >= began))
    tickers = [[companies[who].ticker_at(at)] for who, at in zip(company, place, strict=True)]
    return (
        frame.with_columns(
            pl.Series("filing_date", filed),
            pl.Series("tickers", tickers, dtype=pl.List(pl.String)),
            pl.Series("cik", [companies[who].cik for who in company], dtype=pl.String),
            pl.Series("shown", listed & (place < end) & (filed <= known[-1])),
        )
        .filter("shown")
        .sort("period_end", "cik", "timeframe")
        .select(pl.col(name).cast(kind) for name, kind in FINANCIALS.items())
    )
