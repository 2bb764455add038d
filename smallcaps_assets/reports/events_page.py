"""The page of all events: their charts, and the verdict on the manifest, in one HTML file that asks for nothing."""

from base64 import b64encode
from html import escape

import polars as pl

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Events</title>
<style>
  body { font: 15px/1.45 system-ui, sans-serif; margin: 24px auto; max-width: 1000px; padding: 0 16px; color: #1c2430; }
  img { width: 100%; } table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: 4px 10px; border-bottom: 1px solid #d8dce2; }
  td:nth-child(4) { text-align: right; font-variant-numeric: tabular-nums; }
  .GO { color: #1a9850; font-weight: 600; } .NO-GO { color: #d73027; font-weight: 600; }
</style></head><body>
"""


def page(picture: bytes, verdict: pl.DataFrame) -> bytes:
    """The page's bytes. ``picture``: PNG of the charts; ``verdict``: rows of `manifest_verdict`, in order."""
    rows = [
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in (kind, span, check))
        + f"<td>{'–' if figure is None else f'{figure:,.2f}'}</td>"
        f'<td>{escape(bound)}</td><td class="{escape(word)}">{escape(word)}</td></tr>'
        for kind, span, check, figure, bound, word in verdict.select(
            "kind", "span", "check", "figure", "bound", "verdict"
        ).rows()
    ]
    parts = [
        HEAD,
        "<h1>Events</h1>",
        f'<img alt="charts of all events" src="data:image/png;base64,{b64encode(picture).decode()}">',
        "<h2>The manifest's verdict</h2>",
        "<table><tr><th>kind</th><th>sessions</th><th>check</th><th>figure</th><th>bound</th><th>verdict</th></tr>",
        *rows,
        "</table></body></html>\n",
    ]
    return "\n".join(parts).encode()
