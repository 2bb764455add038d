"""The intraday detectors, in the order of `spec/events.md`. Each finds the bars that complete its event.

A detector takes bars (`minute_table.Minutes`) and its thresholds by name, and looks at nothing after the bar it judges.
"""

from smallcaps_assets.maths.detector_breaks import (
    consolidation_break,
    high_of_day_break,
    opening_range_break,
    price_momentum,
)
from smallcaps_assets.maths.detector_halts import halt_resumption
from smallcaps_assets.maths.detector_moves import flush, gap_and_go
from smallcaps_assets.maths.detector_runs import first_pullback, parabolic_exhaustion
from smallcaps_assets.maths.detector_volume import tape_speed, volume_spike
from smallcaps_assets.maths.detector_vwap import vwap_break

DETECTORS = (
    volume_spike,
    vwap_break,
    opening_range_break,
    price_momentum,
    consolidation_break,
    flush,
    tape_speed,
    high_of_day_break,
    gap_and_go,
    first_pullback,
    parabolic_exhaustion,
    halt_resumption,
)
