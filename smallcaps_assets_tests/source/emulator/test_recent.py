"""What is remembered is what was made, and no more than was allowed."""

from datetime import date

import polars as pl

from smallcaps_assets.source.emulator.recent import Recent

SESSION = date(2024, 1, 3)


def test_frames_are_made_once_until_their_rows_are_needed_for_later_ones() -> None:
    made: list[str] = []

    def make(ticker: str, session: date) -> pl.DataFrame:
        made.append(ticker)
        return pl.DataFrame({"n": range(int(ticker))})

    recent = Recent(make, rows=10)
    assert [recent(ticker, SESSION).height for ticker in ("4", "6", "4", "6")] == [4, 6, 4, 6]
    assert made == ["4", "6"]
    recent("4", SESSION)
    recent("5", SESSION)  # 15 rows: the one used longest ago goes
    assert set(recent.frames) == {("4", SESSION), ("5", SESSION)}
    assert recent.held == 9


def test_one_frame_beyond_the_limit_is_kept_alone() -> None:
    recent = Recent(lambda ticker, _: pl.DataFrame({"n": range(int(ticker))}), rows=10)
    recent("3", SESSION)
    recent("50", SESSION)
    assert list(recent.frames) == [("50", SESSION)]
    assert recent.held == 50


def test_nothing_is_not_remembered() -> None:
    recent = Recent(lambda *_: pl.DataFrame({"n": []}), rows=10)
    assert recent("3", SESSION).height == 0
    assert not recent.frames
