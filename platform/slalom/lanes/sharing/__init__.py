"""How much of a cluster each study may have, from plain values: demand, fair shares, packing of lanes onto nodes."""
