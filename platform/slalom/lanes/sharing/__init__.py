"""How much of a cluster each study may have: demand, fair shares, packing of lanes onto nodes."""
