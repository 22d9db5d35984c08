"""Optuna: proposals by its samplers, and its storage as the record of every trial. The only imports of optuna."""

from slalom.search.on_optuna.outbox import OptunaOutbox
from slalom.search.on_optuna.proposals import Proposals
from slalom.search.on_optuna.store import OptunaStore

__all__ = ["OptunaOutbox", "OptunaStore", "Proposals"]
