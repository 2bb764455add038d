"""Sale conditions of US stock trades and what a trade that carries them may update.

Source: the SIP glossaries as the vendor serves them at ``/v3/reference/conditions`` (capture of 2026-07-09).
Rule letters: H high and low, L last (open and close), V volume; first for the consolidated tape, then for one exchange.
"""

import numpy as np
from numpy.typing import NDArray

FORM_T = 12
TRADE_THRU_EXEMPT = 41
STOCK_OPTION = 35

SALE: tuple[tuple[int, str, str, str, str, bool], ...] = (
    (1, "Acquisition", "HLV", "HLV", "UTP:A", False),
    (2, "Average Price Trade", "V", "V", "UTP:W FINRA_TDDS:W CTA:B", False),
    (3, "Automatic Execution", "HLV", "HLV", "CTA:E", False),
    (4, "Bunched Trade", "HLV", "HLV", "UTP:B", False),
    (5, "Bunched Sold Trade", "HV", "HV", "UTP:G", False),
    (6, "CAP Election", "HLV", "HLV", "CTA:I", True),
    (7, "Cash Sale", "V", "V", "FINRA_TDDS:C CTA:C UTP:C", False),
    (8, "Closing Prints", "HLV", "HLV", "UTP:6", False),
    (9, "Cross Trade", "HLV", "HLV", "CTA:X UTP:X", False),
    (10, "Derivatively Priced", "HV", "HV", "CTA:4 UTP:4", False),
    (11, "Distribution", "HLV", "HLV", "UTP:D", False),
    (12, "Form T/Extended Hours", "V", "V", "CTA:T UTP:T FINRA_TDDS:T", False),
    (13, "Extended Hours (Sold Out Of Sequence)", "V", "V", "CTA:U UTP:U FINRA_TDDS:U", False),
    (14, "Intermarket Sweep", "HLV", "HLV", "UTP:F CTA:F", False),
    (15, "Market Center Official Close", "", "HL", "UTP:M CTA:M", False),
    (16, "Market Center Official Open", "", "H", "UTP:Q CTA:Q", False),
    (17, "Market Center Opening Trade", "HLV", "HLV", "CTA:O", False),
    (18, "Market Center Reopening Trade", "HLV", "HLV", "CTA:5", False),
    (19, "Market Center Closing Trade", "HLV", "HLV", "CTA:6", False),
    (20, "Next Day", "V", "V", "CTA:N UTP:N FINRA_TDDS:N", False),
    (21, "Price Variation Trade", "V", "V", "CTA:H UTP:H", False),
    (22, "Prior Reference Price", "HV", "HV", "CTA:P UTP:P FINRA_TDDS:P", False),
    (23, "Rule 155 Trade (AMEX)", "HLV", "HLV", "CTA:K UTP:K", False),
    (24, "Rule 127 (NYSE Only)", "HLV", "HLV", "CTA:K", False),
    (25, "Opening Prints", "HLV", "HLV", "UTP:O", False),
    (27, "Stopped Stock (Regular Trade)", "HLV", "HLV", "UTP:1", True),
    (28, "Re-Opening Prints", "HLV", "HLV", "UTP:5", False),
    (29, "Seller", "V", "V", "CTA:R UTP:R FINRA_TDDS:R", False),
    (30, "Sold Last", "HLV", "HLV", "CTA:L UTP:L", False),
    (31, "Sold Last and Stopped Stock", "HLV", "HLV", "UTP:2", True),
    (32, "Sold (Out Of Sequence)", "HV", "HV", "CTA:Z UTP:Z FINRA_TDDS:Z", False),
    (33, "Sold (Out of Sequence) and Stopped Stock", "HV", "HV", "UTP:3", True),
    (34, "Split Trade", "HLV", "HLV", "UTP:S", False),
    (35, "Stock Option", "HLV", "HLV", "UTP:V", True),
    (36, "Yellow Flag Regular Trade", "HLV", "HLV", "UTP:Y", False),
    (37, "Odd Lot Trade", "V", "V", "UTP:I FINRA_TDDS:I CTA:I", False),
    (38, "Corrected Consolidated Close (per listing market)", "HL", "", "UTP:9 CTA:9", False),
    (52, "Contingent Trade", "V", "V", "CTA:V UTP:V", False),
    (53, "Qualified Contingent Trade", "V", "V", "CTA:7 UTP:7", False),
    (55, "Opening Reopening Trade Detail", "HLV", "HLV", "CTA:G", True),
)
EXEMPT = (TRADE_THRU_EXEMPT, "Trade Thru Exempt", "HLV", "HLV", "CTA:1 UTP:X", False)
INDICATORS: tuple[tuple[int, str, str, str], ...] = (
    (62, "Financial Status - Bankrupt", "financial_status_indicator", "CTA:1"),
    (63, "Financial Status - Deficient", "financial_status_indicator", "CTA:2"),
    (64, "Financial Status - Delinquent", "financial_status_indicator", "CTA:3"),
    (65, "Financial Status - Bankrupt and Deficient", "financial_status_indicator", "CTA:4"),
    (66, "Financial Status - Bankrupt and Delinquent", "financial_status_indicator", "CTA:5"),
    (67, "Financial Status - Deficient and Delinquent", "financial_status_indicator", "CTA:6"),
    (68, "Financial Status - Deficient, Delinquent, and Bankrupt", "financial_status_indicator", "CTA:7"),
    (69, "Financial Status - Liquidation", "financial_status_indicator", "CTA:A"),
    (70, "Financial Status - Creations Suspended", "financial_status_indicator", "CTA:8"),
    (71, "Financial Status - Redemptions Suspended", "financial_status_indicator", "CTA:9"),
    (57, "Short Sale Restriction Activated", "short_sale_restriction_indicator", "CTA:A"),
    (58, "Short Sale Restriction Continued", "short_sale_restriction_indicator", "CTA:C"),
    (59, "Short Sale Restriction Deactivated", "short_sale_restriction_indicator", "CTA:D"),
    (60, "Short Sale Restriction In Effect", "short_sale_restriction_indicator", "CTA:E"),
)
QUOTE: tuple[tuple[int, str, str, str, str, bool], ...] = (
    (84, "Crossed Market", "market_condition", "CTA:A", "bbo nbbo", False),
    (85, "Locked Market", "market_condition", "CTA:B", "bbo nbbo", False),
    (1, "Regular Two-Sided Open", "quote_condition", "UTP:R CTA:R", "bbo nbbo", False),
    (2, "Regular One-Sided Open", "quote_condition", "UTP:Y", "nbbo", False),
    (3, "Slow Ask", "quote_condition", "CTA:A", "bbo nbbo", False),
    (4, "Slow Bid", "quote_condition", "CTA:B", "bbo nbbo", False),
    (5, "Slow Bid and Ask", "quote_condition", "CTA:H", "bbo nbbo", False),
    (6, "Slow Due LRP Bid", "quote_condition", "CTA:E", "bbo nbbo", False),
    (7, "Slow Due LRP Ask", "quote_condition", "CTA:F", "bbo nbbo", False),
    (9, "Slow Due Set Slow List Bid Ask", "quote_condition", "CTA:W UTP:W", "bbo nbbo", False),
    (10, "Manual Ask Automated Bid", "quote_condition", "UTP:A", "bbo nbbo", False),
    (11, "Manual Bid Automated Ask", "quote_condition", "UTP:B", "bbo nbbo", False),
    (12, "Manual Bid and Ask", "quote_condition", "UTP:H", "bbo nbbo", False),
    (13, "Opening", "quote_condition", "CTA:O UTP:O", "bbo nbbo", False),
    (14, "Closing", "quote_condition", "CTA:C", "bbo", False),
    (15, "Closed", "quote_condition", "UTP:L", "bbo nbbo", False),
    (16, "Resume", "quote_condition", "CTA:T UTP:T", "bbo nbbo", False),
    (17, "Fast Trading", "quote_condition", "UTP:F", "bbo", False),
    (18, "Trading Range Indication", "quote_condition", "CTA:G UTP:G", "bbo nbbo", False),
    (19, "Market Maker Quotes Closed", "quote_condition", "CTA:L", "bbo", False),
    (20, "Non-Firm", "quote_condition", "CTA:N UTP:N", "bbo", False),
    (21, "News Dissemination", "quote_condition", "UTP:J CTA:J", "bbo nbbo", False),
    (22, "Order Influx", "quote_condition", "UTP:X", "bbo", False),
    (23, "Order Imbalance", "quote_condition", "UTP:I", "bbo", False),
    (26, "Additional Information", "quote_condition", "UTP:M CTA:M", "bbo nbbo", True),
    (27, "News Pending", "quote_condition", "CTA:P UTP:P", "bbo nbbo", False),
    (28, "Additional Information Due To Related Security", "quote_condition", "CTA:Q UTP:Q", "bbo nbbo", False),
    (29, "Due To Related Security", "quote_condition", "CTA:S UTP:S", "bbo nbbo", False),
    (30, "In View Of Common", "quote_condition", "CTA:V UTP:V", "bbo nbbo", False),
    (30, "Equipment Changeover", "quote_condition", "CTA:X UTP:X", "bbo nbbo", True),
    (32, "No Open No Resume", "quote_condition", "CTA:Z", "bbo", False),
    (40, "On Demand Auction", "quote_condition", "CTA:4 UTP:4", "bbo", False),
    (43, "LULD Trading Pause", "quote_condition", "CTA:M UTP:M", "bbo nbbo", False),
    (71, "Slow Due LRP Bid and Ask", "quote_condition", "CTA:U", "bbo", False),
    (81, "Corrected Price Indication", "quote_condition", "UTP:C", "bbo nbbo", False),
    (41, "Cash Only Settlement", "settlement_condition", "CTA:A", "bbo nbbo", False),
    (42, "Next Day Settlement", "settlement_condition", "CTA:B", "bbo nbbo", False),
    (82, "SIP Generated", "sip_generated_flag", "UTP:E", "bbo nbbo", False),
    (94, "CQS Generated", "sip_generated_flag", "CTA:S", "bbo nbbo", False),
)
VENUE_OF = {23: 1, 24: 10}  # conditions of one exchange only
HIGHEST = 128


def _flags(letter: str) -> NDArray[np.bool_]:
    # A condition nobody knows counts for volume only: the cautious reading.
    allowed = np.full(HIGHEST, letter == "V")
    for condition, _, consolidated, *_ in (*SALE, EXEMPT):
        allowed[condition] = letter in consolidated
    for condition, *_ in INDICATORS:
        allowed[condition] = True
    return allowed


HIGH_LOW = _flags("H")
OPEN_CLOSE = _flags("L")
VOLUME = _flags("V")
# The glossary lets 35 set prices; the vendor's bars do not (polygon.md §9).
HIGH_LOW[STOCK_OPTION] = OPEN_CLOSE[STOCK_OPTION] = False


def _rules(letters: str) -> dict[str, bool]:
    return {
        "updates_high_low": "H" in letters,
        "updates_open_close": "L" in letters,
        "updates_volume": "V" in letters,
    }


def _mapping(codes: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in codes.split())


def reference() -> list[dict[str, object]]:
    """Rows of ``/v3/reference/conditions`` for stocks, as the vendor writes and orders them: by type, then id."""
    trades: list[dict[str, object]] = [
        {
            "id": condition,
            "type": "trade_thru_exempt" if condition == TRADE_THRU_EXEMPT else "sale_condition",
            "name": name,
            "asset_class": "stocks",
            "sip_mapping": _mapping(codes),
            "update_rules": {"consolidated": _rules(consolidated), "market_center": _rules(centre)},
            "data_types": ["trade"],
            **({"exchange": VENUE_OF[condition]} if condition in VENUE_OF else {}),
            **({"legacy": True} if legacy else {}),
        }
        for condition, name, consolidated, centre, codes, legacy in (*SALE, EXEMPT)
    ]
    others: list[dict[str, object]] = [
        {
            "id": condition,
            "type": kind,
            "name": name,
            "asset_class": "stocks",
            "sip_mapping": _mapping(codes),
            "data_types": data_types.split(),
            **({"legacy": True} if legacy else {}),
        }
        for condition, name, kind, codes, data_types, legacy in (
            *((*row, "trade", False) for row in INDICATORS),
            *QUOTE,
        )
    ]
    return sorted(trades + others, key=lambda row: (str(row["type"]), int(str(row["id"]))))
