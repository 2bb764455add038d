"""The page on which people judge events: one HTML file that holds its pictures and asks nothing of the network.

Blind first: a card shows the detector's claim and the picture up to the moment when the event was known. Ticker, date,
score and what followed appear when its verdict stands, and then it stands for good. The layout and the script are
``review_page.html``, whose marks in double braces are filled here.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

TEMPLATE = Path(__file__).with_name("review_page.html")

CLAIMS = {
    "volume_spike": "far more volume than in the 20 traded minutes before, and the price moves with it",
    "vwap_break": "after five closes on one side of the VWAP, the price crosses it on volume and stays across",
    "opening_range_break": "the first close beyond the range of the first 15 regular minutes, on volume",
    "price_momentum": "a fast move over five minutes to a new extreme of the 20 traded minutes before, on volume",
    "consolidation_break": "a close out of a narrow base of 30 minutes, on volume",
    "flush": "a fast fall from the high of the last 15 minutes, three red bars in a row, on volume",
    "tape_speed": "far more trades than in the 20 traded minutes before, and the price moves with them",
    "high_of_day_break": "a close beyond a session's extreme that has stood for 15 minutes, on volume",
    "gap_and_go": "after a gap of 10 % on pre-market volume, the first regular close above the pre-market high",
    "first_pullback": "after a first strong rise, a shallow pullback on falling volume, then a new push up",
    "parabolic_exhaustion": "far above the open after ever steeper bars, a top bar of record volume with a long wick",
    "halt_resumption": "the first trade after a halt, away from the last before it",
}


class Card(NamedTuple):
    """An event on the page."""

    event_id: str
    detector: str
    direction: str
    blind: bytes  # PNG
    revealed: bytes  # PNG
    facts: str  # shown with the revealed picture


def page(cards: Sequence[Card]) -> bytes:
    """The page's bytes; the same cards give the same ones."""
    body = "\n".join(_card(number, card, len(cards)) for number, card in enumerate(cards, 1))
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.replace("{{cards}}", body).replace("{{count}}", str(len(cards))).encode()


def _card(number: int, card: Card, count: int) -> str:
    claim = CLAIMS.get(card.detector, "")
    return (
        f'<section class="card" id="e{number}" data-event="{escape(card.event_id)}">'
        f"<h2><span>{number} / {count}</span> {escape(card.detector)} <b>{escape(card.direction)}</b></h2>"
        f"<p>{escape(claim[:1].upper() + claim[1:])}.</p>"
        f'<img class="blind" alt="the minutes up to the event" src="{_inlined(card.blind)}">'
        f'<div class="answer" hidden><img alt="the event and what followed" src="{_inlined(card.revealed)}">'
        f"<p>{escape(card.facts)}</p></div>"
        '<div class="row"><button data-word="right">Right <kbd>r</kbd></button>'
        '<button data-word="wrong">Wrong <kbd>w</kbd></button>'
        '<button data-word="unsure">Unsure <kbd>u</kbd></button>'
        '<input class="note" maxlength="2000" placeholder="Note (n)" aria-label="Note">'
        '<button class="reveal" disabled>What followed <kbd>v</kbd></button></div></section>'
    )


def _inlined(png: bytes) -> str:
    return "data:image/png;base64," + b64encode(png).decode()
