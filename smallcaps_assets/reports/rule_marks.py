"""Marks of a naive rule's gains: the signals of every model bought, before and after costs, beside the benchmark.

A signal is a test row, at or after its tape's first event, whose forecast chance of +1, given that a barrier is
touched, reaches the threshold. It buys the same notional as every other, also while earlier ones are open, and holds
it to the label's end. A session's gain is the sum of its signals' returns, in notionals of one signal; a session
without signals gains 0 and counts. The benchmark buys every such row.
"""

from collections.abc import Sequence
from datetime import date
from math import isfinite, nan, sqrt

import numpy as np
import polars as pl

from smallcaps_assets.maths.performance import deflated_sharpe, sharpe
from smallcaps_assets.maths.threshold_rule import break_even, most_open, worst_drawdown
from smallcaps_assets.reports.marks import EQUITY, PERFORMANCE, VERDICTS, marks, told

BENCHMARK = "every test row"
RETURNS = {"gross": "o_ret_gross", "net": "o_ret_net"}
SUM, MEAN, DEFLATED = "sum of gains", "mean gain a signal", "deflated Sharpe"
SESSIONS_A_YEAR = 252
SURE = 0.95  # the usual level


def tradable(predictions: pl.DataFrame, rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Forecasts of rows that no hindsight chose, each once a strategy (``panel``), with outcome and break-even.

    Added: ``chance`` (of +1, given a touch; null where neither side has any) and ``break_even`` (after its cost).

    A fold that has no model of a strategy, for want of rows, has no forecasts of it: there it buys nothing.

    Args:
        predictions: of one scheme: fold, objective, library, the key, p_up, p_down.
        rows: the key, event_known_at, known_at, label_ends_at, o_ret_gross, o_ret_net, and of the row's barriers upper,
            lower and cost, which are known when it is bought.
        key: names of the key's columns.

    Raises:
        ValueError: a model that forecasts a row of its fold twice, or not at all while others do: a rule that bought
            only what is forecast would choose by what came after. A row of two folds. A forecast without a row.
    """
    strategy = pl.format("{} {}", "library", "objective").alias("panel")
    forecasts = predictions.select(strategy, "fold", *key, "p_up", "p_down")
    of_fold = forecasts.select("fold", *key).unique().group_by("fold").len("tested")
    counted = forecasts.group_by("panel", "fold").agg(pl.len().alias("told"), pl.struct(key).n_unique().alias("of"))
    by_model = counted.join(of_fold, on="fold").filter(
        (pl.col("told") != pl.col("tested")) | (pl.col("of") != pl.col("told"))
    )
    if wrong := by_model.sort("panel", "fold").rows(named=True):
        raise ValueError(f"a model is to forecast each tested row of its fold once, and does not: {wrong[0]}")
    if repeated := forecasts.height - forecasts.select("panel", *key).n_unique():
        raise ValueError(f"{repeated} rows are tested by several folds: a rule of both would buy them twice")
    joined = forecasts.join(rows, on=key, how="left", validate="m:1")
    if lacking := joined["known_at"].null_count():
        raise ValueError(f"{lacking} predictions have no training row: materialize models again")
    known = joined.filter(pl.col("event_known_at").is_not_null())
    even = break_even(known["upper"].to_numpy(), -known["lower"].to_numpy(), known["cost"].to_numpy())
    touched = pl.col("p_up") + pl.col("p_down")
    return known.with_columns(chance=pl.when(touched > 0).then(pl.col("p_up") / touched), break_even=pl.Series(even))


def signals(forecasts: pl.DataFrame, threshold: float | None, key: list[str]) -> pl.DataFrame:
    """What is bought, by ``panel``: where the chance reaches the threshold (none: its break-even), and all rows."""
    bound = pl.col("break_even") if threshold is None else pl.lit(threshold)
    every = forecasts.unique(key, maintain_order=True).with_columns(panel=pl.lit(BENCHMARK))
    return pl.concat([forecasts.filter(pl.col("chance") >= bound), every])


def equity(bought: pl.DataFrame, panels: Sequence[str], span: Sequence[date]) -> pl.DataFrame:
    """Gains by session of the span, gross and net, of each panel; a session or panel without signals has zeros."""
    calendar = pl.DataFrame({"session": span}, schema={"session": pl.Date}).with_row_index("x")
    grid = pl.DataFrame({"panel": panels}).join(calendar, how="cross")
    by = bought.group_by("panel", "session", maintain_order=True).agg(
        pl.len().alias("rows"), *[pl.col(name).sum() for name in RETURNS.values()]
    )
    full = grid.join(by, on=["panel", "session"], how="left", validate="1:1", maintain_order="left").fill_null(0)
    label = pl.col("session").cast(pl.String)
    return pl.concat(
        marks(EQUITY, full.with_columns(series=pl.lit(series), label=label, value=name))
        for series, name in RETURNS.items()
    )


def performance(bought: pl.DataFrame, gains: pl.DataFrame, trials: int) -> pl.DataFrame:
    """Figures of each panel, gross and net. ``gains``: marks of ``equity``; ``trials``: how many models were tried.

    The deflated Sharpe ratio is the chance that the true ratio exceeds what the best of so many worthless trials would
    show; their ratios vary as those of the panels that are no benchmark do. Gains are over a constant capital, whatever
    it is: the ratio does not depend on it.
    """
    drawn = {
        names: part["value"].to_numpy()
        for names, part in gains.sort("panel", "series", "place")
        .partition_by("panel", "series", as_dict=True, maintain_order=True)
        .items()
    }
    ratios = {names: sharpe(values) for names, values in drawn.items()}
    told_of: list[tuple[str, str, str, float | None]] = []
    for (panel, series), values in drawn.items():
        own = bought.filter(panel=panel)
        returns = own[RETURNS[series]].to_numpy()
        lives = (own[name].cast(pl.Int64).to_numpy() for name in ("known_at", "label_ends_at"))
        tried = [
            ratio for (name, of), ratio in ratios.items() if of == series and name != BENCHMARK and isfinite(ratio)
        ]
        judged = len(tried) > 1 and panel != BENCHMARK  # which nobody tried to find
        deflated = deflated_sharpe(values, variance=float(np.var(tried, ddof=1)), trials=trials) if judged else nan
        figures = {
            "signals": len(returns),
            "sessions": len(values),
            "most open at once": most_open(*lives),
            SUM: values.sum(),
            MEAN: returns.mean() if len(returns) else nan,
            "share that gained": (returns > 0).mean() if len(returns) else nan,
            "worst drawdown": worst_drawdown(values),
            "Sharpe, yearly": ratios[panel, series] * sqrt(SESSIONS_A_YEAR),
            DEFLATED: deflated,
        }
        told_of += [(panel, series, name, float(of) if isfinite(of) else None) for name, of in figures.items()]
    return told(PERFORMANCE, told_of)


def verdicts(performed: pl.DataFrame) -> pl.DataFrame:
    """What each panel's gains after costs say, in words. ``performed``: marks of ``performance``."""
    rows: list[tuple[str, str, str, float | None]] = []
    usual = dict(performed.filter(series="net", label=MEAN).select("panel", "value").rows())
    for panel in performed["panel"].unique(maintain_order=True):
        gross, net = (
            dict(performed.filter(panel=panel, series=series).select("label", "value").rows()) for series in RETURNS
        )
        rows.append((f"rule, {panel}", "gains", _gains(gross, net), net[SUM]))
        if panel != BENCHMARK and net["signals"]:
            rows.append((f"rule, {panel}", "choice", _choice(net[MEAN], usual[BENCHMARK]), net[MEAN]))
            rows.append((f"rule, {panel}", "luck", _luck(net[DEFLATED], net["sessions"]), net[DEFLATED]))
    return told(VERDICTS, rows)


def _gains(gross: dict[str, float], net: dict[str, float]) -> str:
    if not net["signals"]:
        return "Bought nothing: no forecast reached the threshold."
    made = f"{net['signals']:,.0f} signals made {gross[SUM]:+.2f} notionals before costs and {net[SUM]:+.2f} after"
    if gross[SUM] <= 0:
        return f"{made}: it loses even before costs."
    return f"{made}: costs eat the gain." if net[SUM] <= 0 else f"{made}."


def _choice(mean: float, usual: float) -> str:
    made = f"A signal made {mean:+.2%} after costs, a test row {usual:+.2%}"
    return (
        f"{made}: better chosen than buying every row." if mean > usual else f"{made}: no better than buying every row."
    )


def _luck(deflated: float | None, sessions: float) -> str:
    if deflated is None:
        return "Too few models or sessions to say whether the gain is luck."
    chance = (
        f"The chance that it beats the best of as many worthless models is {deflated:.0%}, by {sessions:.0f} sessions"
    )
    return f"{chance}." if deflated >= SURE else f"{chance}: luck cannot be ruled out."


def in_words(scheme: str, threshold: float | None, censored: int, bars: int) -> str:
    """What the rule buys, when and how much of it. ``censored`` of the test span's ``bars`` have no outcome."""
    bound = (
        "the chance at which the row's own bet breaks even after costs, (loss + cost) / (profit + loss)"
        if threshold is None
        else f"{threshold:g}"
    )
    return (
        f"The same notional at the close of every test bar of the {scheme} folds whose forecast chance of +1, given "
        f"that a barrier is touched, is at least {bound}; it is held to the label's end. Every signal is taken, also "
        "while earlier ones are open. Forecasts are those of the row's own fold; bars before their tape's first event "
        "are left out as hindsight. Gains are in notionals of one signal, not compounded. What it cannot "
        f"show: {censored:,} of the span's {bars:,} bars are censored, the data end before their outcome; nobody who "
        "trades knows beforehand which they are, but here they are not bought."
    )
