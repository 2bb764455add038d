"""Every list of the official clients, walked to its end over several pages, beside what the market holds."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smallcaps_assets_tests.source.official.clients import PACKAGES, members, method, methods, requests
from smallcaps_assets_tests.source.official.company_cases import COMPANIES
from smallcaps_assets_tests.source.official.list_cases import LISTINGS, TICKS, Listing

EVERY = [*LISTINGS, *COMPANIES]


def walk(client: Any, listing: Listing, limit: int) -> list[dict[str, Any]]:
    """All rows their client finds."""
    listed = method(client, listing.method)(*listing.arguments, limit=limit, **listing.filters)
    return [listing.shape(members(row)) for row in listed]


def frozen(value: Any) -> Any:
    """A row as something that can be counted; 1 and 1.0 are the same."""
    if isinstance(value, dict):
        return frozenset((name, frozen(member)) for name, member in value.items())
    return tuple(frozen(element) for element in value) if isinstance(value, list) else value


def key(row: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.mark.parametrize(
    ("package", "listing"),
    [(package, listing) for package in PACKAGES for listing in EVERY if listing.method in methods(package)],
    indirect=["package"],
    ids=str,
)
def test_a_list_walked_over_several_pages_is_what_the_market_holds(
    package: str, client: Any, synthetic_base: str, listing: Listing
) -> None:
    expected = listing.rows()
    before = requests(client, synthetic_base)
    found = walk(client, listing, listing.limit)
    pages = requests(client, synthetic_base) - before
    arrived, held = Counter(map(frozen, found)), Counter(map(frozen, expected))
    assert (held - arrived, arrived - held) == (Counter(), Counter())  # nothing lost, nothing twice, nothing else
    assert [key(row, listing.key) for row in found] == sorted(
        (key(row, listing.key) for row in found), reverse=listing.descending
    )
    assert pages > 1
    if listing.counts_rows:
        assert pages == -(-len(expected) // listing.limit)
        assert found[:: listing.limit][1:]  # the limit was no wish


def test_eight_threads_with_one_client_find_what_one_finds(client: Any) -> None:
    walked = [listing for listing in TICKS if listing.method == "list_trades"]
    alone = [walk(client, listing, listing.limit) for listing in walked]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda listing: walk(client, listing, listing.limit), walked * 2))
    assert together == alone * 2
