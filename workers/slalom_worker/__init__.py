"""What runs on a node: packs of trials trained as one program. Its tables of methods load without torch."""
