"""The condition table: the rules that bars depend on, and the wire's shape."""

import json

from smallcaps_assets.source.emulator import conditions
from smallcaps_assets_tests.shared import SHARED, needs_shared

CAPTURED = SHARED / "polygon" / "mocks" / "live_v3_reference_conditions_stocks_2026-07-09.json"


def test_update_rules_of_the_conditions_that_matter_most() -> None:
    def rules(condition: int) -> tuple[bool, bool, bool]:
        tables = (conditions.HIGH_LOW, conditions.OPEN_CLOSE, conditions.VOLUME)
        return tuple(bool(table[condition]) for table in tables)  # type: ignore[return-value]

    assert rules(14) == rules(41) == rules(8) == rules(25) == (True, True, True)
    assert rules(37) == rules(12) == rules(2) == rules(53) == (False, False, True)
    assert rules(10) == rules(32) == (True, False, True)
    assert rules(15) == rules(16) == (False, False, False)
    assert rules(38) == (True, True, False)


def test_a_stock_option_never_sets_a_price_though_the_glossary_allows_it() -> None:
    assert not conditions.HIGH_LOW[conditions.STOCK_OPTION]
    row = next(row for row in conditions.reference() if row["id"] == 35)
    assert row["update_rules"]["consolidated"]["updates_high_low"] is True  # type: ignore[index]


def test_an_unknown_condition_counts_for_volume_only() -> None:
    assert (conditions.HIGH_LOW[99], conditions.OPEN_CLOSE[99], conditions.VOLUME[99]) == (False, False, True)


def test_trade_conditions_have_unique_ids_and_the_vendors_members() -> None:
    trades = [row for row in conditions.reference() if row["data_types"] == ["trade"]]
    assert len({row["id"] for row in trades}) == len(trades)
    sweep = next(row for row in trades if row["id"] == 14)
    assert sweep == {
        "id": 14,
        "type": "sale_condition",
        "name": "Intermarket Sweep",
        "asset_class": "stocks",
        "sip_mapping": {"UTP": "F", "CTA": "F"},
        "update_rules": {
            "consolidated": {"updates_high_low": True, "updates_open_close": True, "updates_volume": True},
            "market_center": {"updates_high_low": True, "updates_open_close": True, "updates_volume": True},
        },
        "data_types": ["trade"],
    }


@needs_shared
def test_the_table_is_the_services_row_by_row() -> None:
    assert conditions.reference() == json.loads(CAPTURED.read_text())["results"]
