"""Study files by chance are refused with place and rule, or accepted and then trained to the end.

FUZZ_STUDIES=2000 is the long form; FUZZ_SEED is where they come from, which a failure names.
"""

import os
import random
import re

import pytest

from slalom.errors import InputError, StudyError
from slalom.reading import reading
from slalom.study import read_study
from tests.fuzzing.documents import file
from tests.fuzzing.training import sound, trained

COUNT = int(os.environ.get("FUZZ_STUDIES", "150"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
PLACED = re.compile(r"fuzz\.yaml(:\d+(:\d+)?)?: .")
LONGEST = 2000
"""Characters of a refusal: it is to be read."""


@pytest.mark.timeout(7200)
def test_studies_by_chance(tmp_path):
    accepted, wrong = 0, []
    for number in range(COUNT):
        seed = SEED + number
        text = file(random.Random(seed))
        try:
            spec = read_study(text, "fuzz.yaml", reading(tmp_path))
        except StudyError as exc:
            if not PLACED.match(str(exc)) or len(str(exc)) > LONGEST:
                wrong.append(f"FUZZ_SEED={seed}: refused without place, or at length: {str(exc)[:200]!r}")
            continue
        except InputError as exc:
            wrong.append(f"FUZZ_SEED={seed}: refused without place: {str(exc)[:200]!r}")
            continue
        except Exception as exc:  # noqa: BLE001 (any is a finding)
            wrong.append(f"FUZZ_SEED={seed}: {type(exc).__name__}: {str(exc)[:200]!r}")
            continue
        accepted += 1
        results = trained(spec, tmp_path)
        if results is not None and (found := sound(results)):
            wrong.append(f"FUZZ_SEED={seed}: accepted, and then {found}")
        if results is not None and len(results) != len(spec.arms):
            wrong.append(f"FUZZ_SEED={seed}: accepted, and {len(results)} of {len(spec.arms)} arms ended")
    assert wrong == []
    assert COUNT < 100 or COUNT > accepted > COUNT / 20
