"""Which route is sooner: hours worked by hand, the tie, and no limit."""

import pytest

from smallcaps_assets.source.routes import file_is_sooner, file_seconds, rest_seconds


def test_requests_last_as_long_as_their_turns_of_the_limit() -> None:
    assert rest_seconds(1_000, 500) == 120.0


def test_without_a_limit_requests_cost_no_turn() -> None:
    assert rest_seconds(1_000, 0) == 0.0
    assert not file_is_sooner(1_000, 0, 1.0, 1_000.0)


def test_a_file_takes_its_bytes_over_the_line() -> None:
    assert file_seconds(1.4e9, 200.0) == pytest.approx(56.0)  # 11.2 Gbit over 0.2 Gbit/s


def test_a_line_that_carries_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="megabits_per_second is 0"):
        file_seconds(1.0, 0)


@pytest.mark.parametrize(
    ("requests", "sooner"),
    [(466, False), (467, True)],  # 56 s of download are 466.7 turns at 500 a minute
)
def test_the_file_wins_from_the_request_whose_turn_comes_after_its_last_byte(requests: int, sooner: bool) -> None:
    assert file_is_sooner(requests, 500, 1.4e9, 200.0) is sooner


def test_at_a_tie_rest_stays() -> None:
    assert not file_is_sooner(500, 500, 1.5e9, 200.0)  # both 60 s
