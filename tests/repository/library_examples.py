"""What the documents show of other libraries comes to a verdict: `make examples`, which installs the extra `examples`.

No part of the suite, whose name pytest would look for: the libraries are large, and CI has none of them.
"""

import pytest

from tests.repository.test_documents_run import SHOWN, comes_to_a_verdict, name_of, of_a_library

STUDIES = [block for _, block in SHOWN if of_a_library(block)]


@pytest.mark.timeout(900)  # in place of the suite's, which a busy machine needs for the largest library alone
@pytest.mark.filterwarnings("default")  # of the libraries about themselves
@pytest.mark.parametrize("study", STUDIES, ids=map(name_of, STUDIES))
def test_a_training_function_by_a_library_comes_to_a_verdict(study, tmp_path):
    comes_to_a_verdict(tmp_path, study)
