"""Regression studies: a pinned baseline, a night that is held against it, and what is said of it."""
