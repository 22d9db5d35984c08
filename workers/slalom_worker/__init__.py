"""What runs on a node: packs of trials, each trained as one program. The tables of methods load without torch."""
