"""The emulator over two markets, each in a thread for all tests of the session, and the clients that ask it."""

from collections.abc import Iterator
from typing import Any

import pytest

from smallcaps_assets_tests.source.emulator.toy_service import KEY, toy_service
from smallcaps_assets_tests.source.official.clients import PACKAGES, rest_client
from smallcaps_assets_tests.source.official.market import market


@pytest.fixture(scope="session")
def synthetic_base() -> Iterator[str]:
    """The address of the small synthetic market's service."""
    with toy_service(market=market()) as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture(scope="session")
def toy_base() -> Iterator[str]:
    """The address of the toy market's service."""
    with toy_service() as http:
        yield str(http.base_url).rstrip("/")


@pytest.fixture(scope="session", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    """The name of an official package."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def client(package: str, synthetic_base: str) -> Any:
    """The package's client of the small synthetic market."""
    return rest_client(package, synthetic_base, KEY)


@pytest.fixture(scope="session")
def toy(package: str, toy_base: str) -> Any:
    """The package's client of the toy market."""
    return rest_client(package, toy_base, KEY)
