"""Few rows that together hold every pair of levels of different factors, where the full product is too many.

Source: Cohen, Dalal, Fredman and Patton 1997, "The AETG system: an approach to testing based on combinatorial
design": row by row, the best of some greedy ones.
"""

from itertools import combinations
from random import Random

TRIES = 20


def pairs(row):
    """Every pair of (factor, level) in a row."""
    return set(combinations(sorted(row.items()), 2))


def every_pair(factors):
    """Every pair of levels of different factors, as `pairs` spells them."""
    return {
        ((one, a), (other, b))
        for one, other in combinations(sorted(factors), 2)
        for a in factors[one]
        for b in factors[other]
    }


def covering(factors, seed=0):
    """Rows {factor: level} that hold every pair; factors: {name: labels}. The same rows for the same seed."""
    random, missing, rows = Random(seed), every_pair(factors), []
    while missing:
        ordered = sorted(missing)
        tries = [_row(factors, missing, random.choice(ordered), random) for _ in range(TRIES)]
        rows.append(max(tries, key=lambda row: len(pairs(row) & missing)))
        missing -= pairs(rows[-1])
    return rows


def _row(factors, missing, start, random):
    """A row with the pair `start`, completed by the level that brings most missing pairs, factor by factor."""
    row = dict(start)
    for name in random.sample(sorted(factors.keys() - row.keys()), len(factors) - len(row)):
        levels = random.sample(list(factors[name]), len(factors[name]))
        row[name] = max(levels, key=lambda level: _gain(row, name, level, missing))
    return row


def _gain(row, name, level, missing):
    return sum(tuple(sorted((item, (name, level)))) in missing for item in row.items())
