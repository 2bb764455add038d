"""Bars: when they are stamped, what a limit counts, how pages go on, split bases, closed and odd days."""

from datetime import date, timedelta

import httpx

from smallcaps_assets_tests.source.acceptance.service import (
    GROUPED,
    NotFoundError,
    Row,
    Service,
    ms,
    new_york,
    require,
)

RANGE = "/v2/aggs/ticker/{}/range/{}/{}/{}"
PRICES = ("o", "h", "l", "c")


def daily(service: Service, ticker: str, session: date, **parameters: str) -> Row:
    """The daily bar of one session."""
    rows = service.bars(ticker, "1/day", session, session, **parameters)
    require(len(rows) == 1, f"{len(rows)} daily bars of {ticker} on {session}")
    return rows[0]


def minutes(service: Service, session: date, end: date | None = None) -> list[Row]:
    """Minute bars of the ticker."""
    return service.bars(service.ticker, "1/minute", session, end or session)


def saturday(service: Service) -> date:
    """The Saturday before the newest session."""
    return service.last - timedelta(days=(service.last.weekday() + 2) % 7)


def grouped_is_stamped_at_16_00_and_a_daily_bar_at_00_00_new_york(service: Service) -> str:
    whole, single = service.market[service.ticker], daily(service, service.ticker, service.last)
    require(whole["t"] == ms(service.last, 16), f"grouped {new_york(whole['t'])}")
    require(single["t"] == ms(service.last), f"daily {new_york(single['t'])}")
    require({**whole, "t": 0} == {**single, "t": 0, "T": service.ticker}, "the two bars differ")
    return f"{new_york(whole['t']):%H:%M} and {new_york(single['t']):%H:%M}"


def the_previous_close_is_a_bar_of_grouped(service: Service) -> str:
    (bar,) = service.answer(f"/v2/aggs/ticker/{service.ticker}/prev", adjusted="false")["results"]
    session = new_york(bar["t"]).date()
    (same,) = [
        row for row in service.answer(GROUPED.format(session), adjusted="false")["results"] if row["T"] == bar["T"]
    ]
    require(same == bar, f"{bar} is not {same}")
    return f"{bar['T']} {session} {bar['c']}"


def open_close_is_the_daily_bar(service: Service) -> str:
    found = service.answer(f"/v1/open-close/{service.ticker}/{service.last}", adjusted="false")
    bar = daily(service, service.ticker, service.last)
    named = [found[name] for name in ("open", "high", "low", "close", "volume")]
    require(named == [bar[name] for name in (*PRICES, "v")], f"{named}")
    require(found["from"] == service.last.isoformat() and found["symbol"] == service.ticker, str(found))
    return f"close {found['close']}"


def a_page_of_bars_goes_on_where_the_path_of_next_url_says(service: Service) -> str:
    path = RANGE.format(service.ticker, "1/minute", service.sessions[-2], service.last)
    whole = service.bars(service.ticker, "1/minute", service.sessions[-2], service.last)
    pages = list(service.pages(path, adjusted="false", limit=max(len(whole) // 3, 1)))
    require(len(pages) >= 3, f"{len(pages)} pages")
    begins = httpx.URL(pages[0]["next_url"]).path.split("/")[-2]
    first, last = pages[1]["results"][0]["t"], pages[0]["results"][-1]["t"]
    require(begins.isdecimal() and last < int(begins) <= first, f"from {begins} between {last} and {first}")
    rows = [row for page in pages for row in page["results"]]
    require(rows == whole, f"{len(rows)} bars on pages, {len(whole)} on one")
    return f"{len(whole)} bars on {len(pages)} pages, second from {begins}"


def the_limit_counts_minutes_scanned_not_hours_returned(service: Service) -> str:
    path = RANGE.format(service.ticker, "1/hour", service.last, service.last)
    whole = service.bars(service.ticker, "1/hour", service.last, service.last)
    scanned = len(minutes(service, service.last))
    limit = scanned // 2
    pages = list(service.pages(path, adjusted="false", limit=limit))
    rows = [row for page in pages for row in page.get("results", [])]
    require(len(pages) > 1, f"one page of {len(whole)} hours of {scanned} minutes at limit={limit}")
    require(len(pages[0]["results"]) < len(whole), "all hours on the first page")
    require(pages[0]["queryCount"] <= limit, f"queryCount {pages[0]['queryCount']}")
    require(rows == whole, f"{[row['t'] for row in rows]} is not {[row['t'] for row in whole]}")
    return f"limit={limit} of {scanned} minutes: {len(pages[0]['results'])} of {len(whole)} hours"


def descending_pages_of_bars_are_ascending_ones_reversed(service: Service) -> str:
    path = RANGE.format(service.ticker, "1/day", service.sessions[-60], service.last)
    up, _ = service.walk(path, limit=17, sort="asc")
    down, pages = service.walk(path, limit=17, sort="desc")
    require(down == up[::-1], f"{len(down)} down, {len(up)} up")
    return f"{len(down)} bars on {pages} pages"


def a_limit_beyond_50000_is_50000(service: Service) -> str:
    rows = service.bars(service.ticker, "1/day", service.sessions[0], service.last, limit=500_000)
    require(len(rows) == len(service.sessions), f"{len(rows)} bars")
    return f"200 with {len(rows)} bars"


def adjusted_bars_are_on_todays_split_basis_and_raw_ones_are_not(service: Service) -> str:
    split, seen = service.split, 0
    day, ticker = date.fromisoformat(split["execution_date"]), split["ticker"]
    factor = split["split_from"] / split["split_to"]
    span = (ticker, "1/day", day - timedelta(days=7), day + timedelta(days=7))
    raw, adjusted = service.bars(*span), service.bars(*span, adjusted="true")
    require([row["t"] for row in raw] == [row["t"] for row in adjusted], "other days")
    for before, after in zip(raw, adjusted, strict=True):
        expected = factor if before["t"] < ms(day) else 1.0
        for name in PRICES:
            require(abs(after[name] - before[name] * expected) < 2e-4, f"{name} {before[name]} became {after[name]}")
        require(abs(after["v"] * expected - before["v"]) <= max(1, expected), f"v {before['v']} became {after['v']}")
        require(after.get("n") == before.get("n"), "n changed")
        seen += expected != 1.0
    require(seen, "no bar before the split")
    return f"{ticker} {split['split_from']}:{split['split_to']} on {day}: {seen} bars times {factor:g}"


def minutes_start_at_their_minute_and_sum_to_no_more_than_the_day(service: Service) -> str:
    rows, bar = minutes(service, service.last), daily(service, service.ticker, service.last)
    stamps = [row["t"] for row in rows]
    require(stamps == sorted(set(stamps)) and all(t % 60_000 == 0 for t in stamps), "stamps are off the minute")
    clocks = [new_york(t).hour for t in stamps]
    require(min(clocks) >= 4 and max(clocks) < 20, f"hours {min(clocks)} to {max(clocks)}")
    total = sum(row["v"] for row in rows)
    require(total <= bar["v"] * (1 + 1e-9), f"minutes {total}, day {bar['v']}")
    require(min(row["l"] for row in rows) <= bar["l"] and bar["h"] <= max(row["h"] for row in rows), "range outside")
    require(
        all(row["l"] <= min(row["o"], row["c"]) and max(row["o"], row["c"]) <= row["h"] for row in rows), "o or c out"
    )
    return f"{len(rows)} minutes with {total / bar['v']:.1%} of the day's volume"


def a_weekend_has_no_bars_and_no_error(service: Service) -> str:
    day = saturday(service)
    for path in (GROUPED.format(day), RANGE.format(service.ticker, "1/minute", day, day + timedelta(days=1))):
        page = service.answer(path)
        require(page["resultsCount"] == 0 and not page.get("results"), f"{path}: {page['resultsCount']} rows")
        require("next_url" not in page, f"{path} goes on")
    text = service.refused(f"/v1/open-close/{service.ticker}/{day}", 404)
    return f"{day}: 0 rows, open-close 404 {text}"


def a_day_to_come_has_no_bars_and_no_error(service: Service) -> str:
    day = service.today + timedelta(days=30)
    page = service.answer(GROUPED.format(day))
    require(page["resultsCount"] == 0 and not page.get("results"), f"{page['resultsCount']} rows")
    return f"{day}: 0 rows"


def an_unknown_ticker_has_no_bars_and_no_error(service: Service) -> str:
    for path in (RANGE.format("NOSUCHXQ", "1/day", service.sessions[0], service.last), "/v2/aggs/ticker/NOSUCHXQ/prev"):
        page = service.answer(path)
        require(page["resultsCount"] == 0 and not page.get("results"), f"{path}: {page['resultsCount']} rows")
    return "200 with 0 rows"


def an_end_before_the_start_is_400(service: Service) -> str:
    text = service.refused(RANGE.format(service.ticker, "1/day", service.last, service.sessions[-9]), 400)
    require("'to'" in text and "'from'" in text, text)
    return text


def clocks_that_change_move_utc_not_new_york(service: Service) -> str:
    pairs = zip(service.sessions, service.sessions[1:], strict=False)
    offsets = [(one, two) for one, two in pairs if ms(one) % 86_400_000 != ms(two) % 86_400_000]
    if not offsets:
        raise NotFoundError("a change of clocks in the year")
    before, after = offsets[-1]
    days = service.bars(service.ticker, "1/day", before, after)
    require([row["t"] for row in days] == [ms(before), ms(after)], f"daily bars at {[row['t'] for row in days]}")
    opened = []
    for session in (before, after):
        rows = minutes(service, session)
        clocks = [new_york(row["t"]).hour for row in rows]
        require(min(clocks) >= 4 and max(clocks) < 20, f"{session}: hours {min(clocks)} to {max(clocks)}")
        opened.append(next(new_york(row["t"]) for row in rows if row["t"] >= ms(session, 9, 30)))
    require(all(clock.hour in (9, 10) for clock in opened), f"first regular minutes at {opened}")
    return f"{before} and {after}: days at {days[0]['t']} and {days[1]['t']}"


def an_early_close_ends_at_13_00_and_its_post_market_at_17_00(service: Service) -> str:
    for year in (service.last.year, service.last.year - 1):
        november = date(year, 11, 1)
        friday = november + timedelta(days=(3 - november.weekday()) % 7 + 22)  # after the fourth Thursday
        if friday not in service.sessions:
            continue
        rows = minutes(service, friday)
        clocks = [new_york(row["t"]) for row in rows]
        require(clocks and max(clocks).hour < 17, f"a minute at {max(clocks):%H:%M}")
        regular = sum(row["v"] for row in rows if ms(friday, 9, 30) <= row["t"] < ms(friday, 13, 1))
        require(regular > sum(row["v"] for row in rows) / 2, "most of the volume is not before 13:00")
        bar = service.answer(GROUPED.format(friday), adjusted="false")["results"][0]
        require(bar["t"] == ms(friday, 16), f"grouped at {new_york(bar['t'])}")
        return f"{friday}: last minute {max(clocks):%H:%M}, grouped at 16:00"
    raise NotFoundError("the Friday after Thanksgiving in the year")


CASES = [
    grouped_is_stamped_at_16_00_and_a_daily_bar_at_00_00_new_york,
    the_previous_close_is_a_bar_of_grouped,
    open_close_is_the_daily_bar,
    a_page_of_bars_goes_on_where_the_path_of_next_url_says,
    the_limit_counts_minutes_scanned_not_hours_returned,
    descending_pages_of_bars_are_ascending_ones_reversed,
    a_limit_beyond_50000_is_50000,
    adjusted_bars_are_on_todays_split_basis_and_raw_ones_are_not,
    minutes_start_at_their_minute_and_sum_to_no_more_than_the_day,
    a_weekend_has_no_bars_and_no_error,
    a_day_to_come_has_no_bars_and_no_error,
    an_unknown_ticker_has_no_bars_and_no_error,
    an_end_before_the_start_is_400,
    clocks_that_change_move_utc_not_new_york,
    an_early_close_ends_at_13_00_and_its_post_market_at_17_00,
]
