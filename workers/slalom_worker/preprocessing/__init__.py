"""The preprocessings of inputs that a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.preprocessing.base import Fitted, Preprocessing
from slalom_worker.preprocessing.center import CENTER
from slalom_worker.preprocessing.none import NOTHING
from slalom_worker.preprocessing.pca_whiten import PCA_WHITEN
from slalom_worker.preprocessing.standardize import STANDARDIZE
from slalom_worker.preprocessing.zca_whiten import ZCA_WHITEN

if TYPE_CHECKING:
    from collections.abc import Mapping

PREPROCESSING: Mapping[str, Preprocessing] = {
    "none": NOTHING,
    "center": CENTER,
    "standardize": STANDARDIZE,
    "pca_whiten": PCA_WHITEN,
    "zca_whiten": ZCA_WHITEN,
}

__all__ = ["NOTHING", "PREPROCESSING", "Fitted", "Preprocessing"]
