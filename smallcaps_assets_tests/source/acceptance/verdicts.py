"""The cases asked one after another, and what came of each."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import httpx

from smallcaps_assets_tests.source.acceptance import bar_cases, reference_cases, tick_cases, transport_cases
from smallcaps_assets_tests.source.acceptance.service import NotFoundError, NotInPlanError, Service, WrongError

Case = Callable[[Service], str]
CASES: list[Case] = [*transport_cases.CASES, *bar_cases.CASES, *tick_cases.CASES, *reference_cases.CASES]
CHOSEN = {  # no source says what the vendor does here: a failure corrects the emulator, not the service
    transport_cases.a_cursor_nobody_made_is_400,
    tick_cases.an_unknown_ticker_has_no_trades_and_no_error,
    tick_cases.an_unknown_ticker_has_no_quotes_and_no_error,
}


class Verdict(NamedTuple):
    """One case: ``ok`` is None where the plan or the data gave no way to try it; ``seen`` says what was seen."""

    case: str
    ok: bool | None
    seen: str

    def __str__(self) -> str:
        word = {True: "ok", False: "FAILED", None: "-"}[self.ok]
        return f"{self.case:<78} {word:<7} {self.seen}"


def name_of(case: Case) -> str:
    """The case's sentence."""
    return case.__name__.replace("_", " ")


def verdict(case: Case, service: Service) -> Verdict:
    """What came of one case. A reply that is not even formed as it should fails it too."""
    try:
        return Verdict(name_of(case), True, case(service))
    except NotInPlanError as refused:
        return Verdict(name_of(case), None, f"not in this plan: {refused}")
    except NotFoundError as missing:
        return Verdict(name_of(case), None, f"nothing to try it with: {missing}")
    except WrongError as wrong:
        return Verdict(name_of(case), False, f"{wrong}{' (the rule is a choice of ours)' if case in CHOSEN else ''}")
    except (httpx.HTTPError, KeyError, IndexError, TypeError, ValueError) as malformed:
        return Verdict(name_of(case), False, f"{type(malformed).__name__}: {malformed}")


def verdicts(service: Service) -> Iterator[Verdict]:
    """All cases, in order, as they are tried."""
    for case in CASES:
        yield verdict(case, service)
