"""No method of the official clients is forgotten."""

import pytest

from smallcaps_assets_tests.source.official.clients import OUT_OF_SCOPE, PACKAGES, methods
from smallcaps_assets_tests.source.official.company_cases import COMPANIES, RELATED
from smallcaps_assets_tests.source.official.get_cases import ANSWERS
from smallcaps_assets_tests.source.official.latest_cases import LATEST
from smallcaps_assets_tests.source.official.list_cases import LISTINGS

TESTED = {listing.method for listing in (*LISTINGS, *COMPANIES)} | {
    answer.method for answer in (*ANSWERS, *LATEST, *RELATED)
}
LEFT_OUT = [name for names in OUT_OF_SCOPE.values() for name in names]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_method_is_tested_or_left_out_for_a_reason(package: str) -> None:
    assert methods(package) - TESTED - set(LEFT_OUT) == set()


def test_what_is_tested_or_left_out_exists_and_stands_once() -> None:
    known = set().union(*(methods(package) for package in PACKAGES))
    assert (TESTED | set(LEFT_OUT)) - known == set()
    assert TESTED & set(LEFT_OUT) == set()
    assert len(LEFT_OUT) == len(set(LEFT_OUT))
