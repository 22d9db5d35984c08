"""Measures the verdict's arithmetic and prints the tables of docs/verdicts.md: python -m tests.verdict.measure.

A quarter of an hour on one core. Arguments choose parts: ties, coverage, joint, family, errors, stages.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import multinomial

from slalom.verdict.family import Uncorrected, correct
from slalom.verdict.paired import paired_test
from slalom.verdict.proportion import clopper_pearson
from slalom.verdict.robust import robust_test
from slalom.verdict.stages import Looks

SAMPLES, RESAMPLES, ROWS = 4000, 1000, 2**12
LOOKS = Looks((10, 20, 40))


# What is drawn: [samples, n] and the mean that an interval must cover


def normal(source, shape):
    return source.normal(size=shape), 0.0


def student(source, shape):
    return source.standard_t(3, shape), 0.0


def exponential_pairs(source, shape):
    return source.exponential(size=shape) - source.exponential(size=shape), 0.0


def error_pairs(source, shape):
    """Two error rates on a hundred test examples: they tie often."""
    rates = np.clip(0.1 + 0.02 * source.normal(size=shape), 0.01, 0.5)
    return (source.binomial(100, rates) - source.binomial(100, rates)) / 100, 0.0


def diverging_pairs(source, shape, rate=0.1):
    """Both arms' trainings, three a search, diverge at a rate, and count as an error of 1."""
    apart = source.binomial(3, rate, shape) - source.binomial(3, rate, shape)
    return 0.003 * source.normal(size=shape) + 0.9 * apart / 3, 0.0


def rarely_diverging_pairs(source, shape):
    return diverging_pairs(source, shape, 0.03)


def exponential(source, shape):
    return source.exponential(size=shape), 1.0


def lognormal(source, shape):
    return source.lognormal(0, 1, shape), math.exp(0.5)


def one_diverges(source, shape):
    """One arm's trainings diverge at 3 %: most samples of ten show at most one, and many none."""
    return 0.003 * source.normal(size=shape) + 0.9 * source.binomial(3, 0.03, shape) / 3, 0.027


LAWS = {
    "normal": normal,
    "Student's t, 3 degrees": student,
    "difference of two exponentials": exponential_pairs,
    "difference of two error rates, ties": error_pairs,
    "both arms diverge at 10 %": diverging_pairs,
    "both arms diverge at 3 %": rarely_diverging_pairs,
    "exponential": exponential,
    "lognormal, sigma 1": lognormal,
    "one arm diverges at 3 %, the other never": one_diverges,
}
SYMMETRIC = list(LAWS)[:6]


# Candidates: [samples, n] -> ends


def by_signs(samples, alpha):
    return np.array([paired_test(sample, rows=ROWS).interval(alpha) for sample in samples]).T


def by_student(samples, alpha):
    n = samples.shape[1]
    half = stdtrit(n - 1, 1 - alpha / 2) * samples.std(axis=1, ddof=1) / math.sqrt(n)
    return samples.mean(axis=1) - half, samples.mean(axis=1) + half


def resampled(samples):
    """How often each value is drawn, and the means of the resamples: [resamples, n], [samples, resamples]."""
    n = samples.shape[1]
    picks = np.random.default_rng(1).integers(0, n, (RESAMPLES, n))
    shares = np.stack([np.bincount(row, minlength=n) for row in picks]) / n
    return shares, samples @ shares.T


def by_expanded(samples, alpha):
    n = samples.shape[1]
    tail = ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, alpha / 2))
    return np.quantile(resampled(samples)[1], [tail, 1 - tail], axis=1)


def by_bca(samples, alpha):
    means, mean = np.sort(resampled(samples)[1], axis=1), samples.mean(axis=1, keepdims=True)
    below = ((means < mean).mean(axis=1) + (means <= mean).mean(axis=1)) / 2
    bias = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    apart = samples - mean
    skew = (apart**3).sum(axis=1) / np.maximum(6 * (apart**2).sum(axis=1) ** 1.5, 1e-300)
    ends = []
    for tail in (ndtri(alpha / 2), -ndtri(alpha / 2)):
        share = ndtr(bias + (bias + tail) / (1 - skew * (bias + tail)))
        ends.append(means[np.arange(len(samples)), np.clip((share * RESAMPLES).astype(int), 0, RESAMPLES - 1)])
    return ends


def by_bootstrap_t(samples, alpha):
    shares, means = resampled(samples)
    mean, error = samples.mean(axis=1, keepdims=True), samples.std(axis=1, keepdims=True)
    variances = np.maximum((samples**2) @ shares.T - means**2, 0)
    flat = variances <= 1e-14 * error**2
    ratios = np.where(flat, np.sign(means - mean) * 1e9, (means - mean) / np.sqrt(np.where(flat, 1, variances)))
    low, high = np.quantile(ratios, [alpha / 2, 1 - alpha / 2], axis=1)
    return mean[:, 0] - high * error[:, 0], mean[:, 0] - low * error[:, 0]


CANDIDATES = {
    "sign flips": by_signs,
    "Student's t": by_student,
    "expanded percentile": by_expanded,
    "BCa": by_bca,
    "bootstrap-t": by_bootstrap_t,
}


def line(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells):
    line(*cells)
    line(*["---"] * len(cells))


def coverage():
    print("\nCoverage in percent of nominal 95 % intervals; in brackets the median width over Student's.\n")
    head("law", "n", *CANDIDATES)
    for n in (6, 10, 20, 40):
        for name, law in LAWS.items():
            samples, mean = law(np.random.default_rng(n), (SAMPLES, n))
            ends = {key: candidate(samples, 0.05) for key, candidate in CANDIDATES.items()}
            width = np.median(ends["Student's t"][1] - ends["Student's t"][0])
            line(name, n, *(covered(mean, low, high, width) for low, high in ends.values()))


def covered(mean, low, high, width):
    held = np.mean((low - 1e-9 <= mean) & (mean <= high + 1e-9))
    return f"{100 * held:.1f} ({np.median(high - low) / width:.2f})"


def joint():
    print(
        "\nSeven arms against a baseline, ten searches: wrong claims, and coverage of the intervals at Holm's levels.\n"
    )
    head("true differences", "any wrong claim, %", "coverage of one, %", "of all seven at once, %")
    for name, truth in {"none": [0] * 7, "three of 2": [2] * 3 + [0] * 4, "seven of 2": [2] * 7}.items():
        source, shift, studies = np.random.default_rng(7), np.array(truth), 2000
        wrong, held = 0, np.zeros((studies, 7), dtype=bool)
        for number in range(studies):
            values = source.normal(size=(8, 10)) / math.sqrt(2)
            tests = [paired_test(values[arm + 1] + shift[arm] - values[0]) for arm in range(7)]
            corrected = correct([Uncorrected(test.p()) for test in tests], 0.05)
            wrong += any(one.p < 0.05 and not true for one, true in zip(corrected, truth, strict=True))
            ends = [test.interval(one.level) for test, one in zip(tests, corrected, strict=True)]
            held[number] = [low <= true <= high for (low, high), true in zip(ends, truth, strict=True)]
        share = [100 * wrong / studies, 100 * held.mean(), 100 * held.all(axis=1).mean()]
        line(name, *(f"{value:.1f}" for value in share))


def family():
    print("\nSeven arms against a baseline at 10, 20 and 40 searches: wrong claims at any look, arms told at each.\n")
    head(
        "true differences",
        "margin",
        "any wrong claim, %",
        "different ones told by 10, 20, 40 searches, %",
        "equivalent, %",
    )
    cases = [([0] * 7, None), ([1] * 3 + [0] * 4, None), ([0] * 7, 1.0), ([1] * 3 + [0] * 4, 1.0), ([0.5] * 7, 0.5)]
    for truth, margin in cases:
        source, studies = np.random.default_rng(11), 500
        wrong, told, same = 0, np.zeros(3), 0.0
        for _ in range(studies):
            values = source.normal(size=(8, 40)) / math.sqrt(2)
            claims = [claimed(values[1:, :n] + np.array(truth)[:, None] - values[0, :n], margin) for n in LOOKS.at]
            pairs = [(*one, true) for claim in claims for one, true in zip(claim, truth, strict=True)]
            wrong += any((apart and true == 0) or (equal and margin <= true) for apart, equal, true in pairs)
            shown = [
                np.mean([one[0] for one, true in zip(claim, truth, strict=True) if true] or [0]) for claim in claims
            ]
            told += np.array(shown) / studies
            same += np.mean([equal for _, equal in claims[-1]]) / studies
        count = f"{sum(true != 0 for true in truth)} of {max(truth):g}"
        percent = ", ".join(f"{100 * share:.0f}" for share in told) if any(truth) else "-"
        line(count, margin or "-", f"{100 * wrong / studies:.1f}", percent, f"{100 * same:.0f}" if margin else "-")


def claimed(differences, margin):
    """For each arm whether it is told apart, and else whether it is called equivalent: [arms, searches] -> pairs."""
    tests = [paired_test(one, LOOKS, rows=2**10) for one in differences]
    tested = [Uncorrected(test.p(), None if margin is None else test.p_beyond(margin)) for test in tests]
    corrected = correct(tested, 0.05)
    return [(one.p < 0.05, margin is not None and one.p_beyond < 0.05 <= one.p) for one in corrected]


def errors():
    print("\nDifferences called, in percent of comparisons at alpha 5 %; d in standard deviations of the difference.\n")
    head("law", "mean, n 10", "mean, n 20", "robust, n 10", "robust, n 20")
    laws = {name: (LAWS[name], 0.0) for name in SYMMETRIC} | {f"normal, d = {d:g}": (normal, d) for d in (0.5, 0.8, 1)}
    laws["Student's t, 3 degrees, shifted by 1"] = (student, 1.0)
    for name, (law, shift) in laws.items():
        cells = []
        for test in (lambda sample: paired_test(sample, rows=ROWS).p(), lambda sample: robust_test(sample).p):
            for n in (10, 20):
                samples = law(np.random.default_rng(n + 1), (2000, n))[0] + shift
                cells.append(f"{100 * np.mean([test(sample) < 0.05 for sample in samples]):.1f}")
        line(name, *cells)


def staged(samples, truth, alpha=0.05):
    """The searches at which each sample is decided (0: never), how often Bonferroni decides, coverage at the stop."""
    stops, plain, held = [], [], []
    for number, sample in enumerate(samples):
        looks = [paired_test(sample[:n], LOOKS, rows=2**11) for n in LOOKS.at]
        once = [
            paired_test(sample[:n], rows=2**11).p() / weight for n, weight in zip(LOOKS.at, LOOKS.weights, strict=True)
        ]
        stops.append(next((n for n, look in zip(LOOKS.at, looks, strict=True) if look.p() < alpha), 0))
        plain.append(min(once) < alpha)
        if number < len(samples) / 2:  # an interval takes twenty times as long as a p
            low, high = looks[LOOKS.at.index(stops[-1] or LOOKS.at[-1])].interval(alpha)
            held.append(low <= truth <= high)
    return np.array(stops), np.mean(plain), np.mean(held)


def stages():
    print("\nLooks at 10, 20 and 40 searches, alpha 5 %: how often a difference is called, in percent.\n")
    head("law", "called", "by Bonferroni over looks", "at 10", "at 20", "at 40", "median stop", "coverage at the stop")
    laws = {name: (LAWS[name], 0.0) for name in SYMMETRIC}
    laws |= {f"normal, d = {d:g}": (normal, d) for d in (0.2, 0.3, 0.5, 0.8, 1.0)}
    laws["exponential less its mean"] = (lambda source, shape: (source.exponential(size=shape) - 1, 0), 0.0)
    for name, (law, shift) in laws.items():
        samples = law(np.random.default_rng(5), (2000, 40))[0] + shift
        stops, plain, held = staged(samples, shift)
        ends = [f"{100 * np.mean(stops == n):.1f}" for n in LOOKS.at]
        median = f"{np.median(np.where(stops == 0, 40, stops)):.0f}"
        line(name, f"{100 * np.mean(stops > 0):.1f}", f"{100 * plain:.1f}", *ends, median, f"{100 * held:.1f}")


def ties():
    print("\nThe least coverage of P(better)'s nominal 95 % interval, exactly, over a grid of wins and ties.\n")
    head("searches", "least coverage, %", "at P(win)", "at P(tie)")
    for n in (6, 10, 20, 40):
        wins, equal = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
        wins, equal = wins[wins + equal <= n], equal[wins + equal <= n]
        ends = np.array([clopper_pearson(won + tied / 2, n, 0.05) for won, tied in zip(wins, equal, strict=True)])
        counts = np.stack([wins, equal, n - wins - equal], axis=1)
        least = (1.0, 0.0, 0.0)
        for tie in np.linspace(0, 1, 41):
            for win in np.linspace(0, 1 - tie, 81):
                inside = (ends[:, 0] <= win + tie / 2 + 1e-12) & (win + tie / 2 <= ends[:, 1] + 1e-12)
                shares = multinomial.pmf(counts, n, [win, tie, max(0.0, 1 - win - tie)])
                least = min(least, (float(shares[inside].sum()), win, tie))
        line(n, f"{100 * least[0]:.1f}", f"{least[1]:.2f}", f"{least[2]:.2f}")


PARTS = {"ties": ties, "coverage": coverage, "joint": joint, "family": family, "errors": errors, "stages": stages}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
