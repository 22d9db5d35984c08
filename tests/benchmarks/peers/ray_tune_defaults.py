"""Ray Tune as it comes: an actor for each trial, and its own CSV, JSON and TensorBoard files."""

from __future__ import annotations

from functools import partial

from tests.benchmarks.peers.contest import contest
from tests.benchmarks.peers.ray_tune import run

if __name__ == "__main__":
    contest(partial(run, reuse=False), "ray_tune_defaults")
