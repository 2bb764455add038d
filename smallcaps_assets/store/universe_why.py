"""The view ``universe_why``: why a ticker is in or out in a session, rule by rule.

One row per session and ticker of `universe`. ``gate`` is a list in the order of the rules, each with the ``value``
that was judged, the ``bound`` that it was held against and the ``verdict``: ``passes``, ``fails``, or ``unknown`` where
there is no value and the rules about the unknown decide. ``sentence`` says it in words. Verdicts are those that were
stored; nothing is judged again here.

    FROM universe_why WHERE ticker = 'GEVO' AND session = DATE '2024-01-16'
"""

# (rule, value, bound), in the order of the rules; {rules.x} is a bound that the row was judged by
_RULES = (
    ("not in the reference", "CASE WHEN {fails} THEN 'absent' ELSE 'in the list' END", "'in the vendor''s list'"),
    ("not listed", "CASE WHEN {fails} THEN 'ended' WHEN security_id IS NOT NULL THEN 'active' END", "'active'"),
    ("no bar before", "format('{:.4g} USD', close_raw)", "'a close in the 20 sessions before' || {may:history}"),
    ("price", "format('{:.4g} USD', price)", "{price:min_price} || ' to ' || {price:max_price}"),
    ("kind", "kind", "{list:kinds}"),
    ("market cap unknown", "CASE WHEN market_cap > 0 THEN 'known' END", "'known' || {may:cap}"),
    ("market cap", "format('{:,.0f} USD', market_cap)", "'below ' || {usd:max_market_cap}"),
    ("float", "format('{:,.0f} shares', float_shares)", "'below ' || {shares:max_float}"),
    ("kind unknown", "CASE WHEN kind IS NOT NULL THEN 'known' END", "'known' || {may:kind}"),
    ("exchange unknown", "CASE WHEN primary_exchange IS NOT NULL THEN 'known' END", "'known' || {may:exchange}"),
    ("exchange", "primary_exchange", "{list:exchanges}"),
    (
        "dollar volume unknown",
        "CASE WHEN mean_dollar_volume_20 IS NOT NULL THEN 'known' END",
        "'known' || {may:history}",
    ),
    ("dollar volume", "format('{:,.0f} USD', mean_dollar_volume_20)", "'at least ' || {usd:min_dollar_volume}"),
)


def _bound(text: str) -> str:
    """The bound as SQL over the row's ``rules``."""
    for unit, sql in (
        ("price", "format('{{:.2f}} USD', (rules->>'$.{0}')::DOUBLE)"),
        ("usd", "format('{{:,.0f}} USD', (rules->>'$.{0}')::DOUBLE)"),
        ("shares", "format('{{:,.0f}} shares', (rules->>'$.{0}')::DOUBLE)"),
        ("list", "array_to_string((rules->'$.{0}')::VARCHAR[], ' or ')"),
        ("may", "CASE WHEN (rules->>'$.unknown_{0}_is_member')::BOOLEAN THEN ', or unknown' ELSE '' END"),
    ):
        while f"{{{unit}:" in text:
            head, _, tail = text.partition(f"{{{unit}:")
            name, _, rest = tail.partition("}")
            text = f"{head}({sql.format(name)}){rest}"
    return text


def _judged(rule: str, value: str, bound: str) -> str:
    fails = f"list_contains(failed, '{rule}')"
    shown = value.replace("{fails}", fails)
    verdict = f"CASE WHEN {fails} THEN 'fails' WHEN ({shown}) IS NULL THEN 'unknown' ELSE 'passes' END"
    return f"{{'rule': '{rule}', 'value': {shown}, 'bound': {_bound(bound)}, 'verdict': {verdict}}}"


def query() -> str:
    """The SQL of the view, over the view `universe`."""
    gate = ", ".join(_judged(*rule) for rule in _RULES)
    said = "x.rule || ' (' || coalesce(x.value, 'unknown') || ', must be ' || x.bound || ')'"
    failing = "[x FOR x IN gate IF x.verdict = 'fails']"
    return (
        f"WITH judged AS (SELECT *, [{gate}] AS gate FROM universe) "  # noqa: S608  (our own names)
        "SELECT session, ticker, security_id, member, reason, ticker || CASE WHEN member "
        "THEN ' is in on ' || session || ': it passes every rule: ' || array_to_string("
        f"[{said} FOR x IN gate IF x.verdict = 'passes' AND x.rule IN ('price', 'market cap', 'dollar volume')], '; ') "
        "ELSE ' is out on ' || session || ' by ' || array_to_string("
        f"[{said} FOR x IN {failing}], '; and it would also be by ') END AS sentence, gate FROM judged"
    )
