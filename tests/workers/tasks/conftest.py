from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from slalom_worker.tasks.mixture import Mixture

if TYPE_CHECKING:
    from slalom_worker.tasks import Data

ESL = (Path(__file__).resolve().parents[3] / "../shared/data/esl").resolve()


@pytest.fixture(scope="session")
def book_folder() -> Path:
    """The book's mixture data."""
    if not ESL.is_dir():
        pytest.skip("the book's mixture data (a folder shared/data/esl beside the repository) is absent")
    return ESL


@pytest.fixture(scope="session")
def book(book_folder: Path) -> Data:
    return Mixture(data=str(book_folder)).load()
