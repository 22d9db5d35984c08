"""What a lane's process needs in its environment before it starts; loads without torch."""

from __future__ import annotations

LANE_ENVIRONMENT = {"MKL_CBWR": "AVX2,STRICT"}
"""Makes MKL's matrix products the same whatever their operands' alignment in memory. Without it a slot's gradient
depends on the slot's place in the pack, in the last bit (measured with torch 2.13; it costs no time)."""
