"""Optuna: proposals by its samplers, and its storage as the record of every trial. The only imports of optuna."""

from slalom.suggest.proposals import Proposals
from slalom.suggest.store import TrialStore

__all__ = ["Proposals", "TrialStore"]
