"""A sample by strata that every process draws alike: members are ordered by a hash of their name, never by chance.

A member stays in the sample as long as fewer than the wanted number of its stratum hash below it: adding events changes
few of those drawn before.
"""

from collections.abc import Mapping
from hashlib import blake2b

import polars as pl


def allocated(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many of each stratum: as equal as the sizes allow, together ``wanted`` or all there are.

    What cannot be shared equally goes to the first by name. ``sizes``: members of each stratum.

    Raises:
        ValueError: wanted below 0.

    >>> allocated({"flush": 2, "gap": 90, "spike": 90}, 11)
    {'flush': 2, 'gap': 5, 'spike': 4}
    """
    if wanted < 0:
        raise ValueError(f"a sample of {wanted} cannot be drawn")
    taken = dict.fromkeys(sorted(sizes), 0)
    left = min(wanted, sum(sizes.values()))
    while left:
        open_strata = [name for name in taken if taken[name] < sizes[name]]
        share = max(left // len(open_strata), 1)
        for name in open_strata:
            more = min(share, sizes[name] - taken[name], left)
            taken[name] += more
            left -= more
    return taken


def hashed(name: str) -> str:
    """16 hex digits by which names are ordered.

    >>> hashed("GEVO_flush_20240116_100000_0a1b2c3d") == hashed("GEVO_flush_20240116_100000_0a1b2c3d")
    True
    """
    return blake2b(name.encode(), digest_size=8).hexdigest()


def sample(members: pl.DataFrame, name: str, stratum: str, wanted: int) -> pl.DataFrame:
    """The members drawn, in order of their hash, with ``stratum_size`` and ``stratum_drawn`` (int64).

    ``name``: the column that names a member, unique; ``stratum``: the column of its stratum. The order of the rows does
    not matter.

    >>> one = sample(pl.DataFrame({"id": ["a", "b", "c"], "kind": ["x", "x", "y"]}), "id", "kind", 2)
    >>> one.sort("kind").select("kind", "stratum_size", "stratum_drawn").rows()
    [('x', 2, 1), ('y', 1, 1)]
    """
    sizes = dict(members.group_by(stratum).len().rows())
    counts = allocated(sizes, wanted)
    strata = pl.DataFrame(
        [(key, sizes[key], counts[key]) for key in counts],
        schema={stratum: members.schema[stratum], "stratum_size": pl.Int64, "stratum_drawn": pl.Int64},
        orient="row",
    )
    ordered = members.with_columns(pl.Series("_hash", [hashed(key) for key in members[name]], pl.String)).sort(
        "_hash", name
    )
    place = pl.int_range(pl.len()).over(stratum)
    drawn = ordered.join(strata, on=stratum, how="left", maintain_order="left")
    return drawn.filter(place < pl.col("stratum_drawn")).drop("_hash")
