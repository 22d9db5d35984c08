"""Every YAML below `deploy/` parses, no key stands twice, and no file holds a password."""

from __future__ import annotations

import re

import pytest

from tests.deploy.parts import DEPLOY, deployed, documents

# a secret's name, then a value that is neither a reference nor drawn at random
NAME = r"(?:PASSWORD|TOKEN|SECRET_KEY|ACCESS_KEY|password|\btoken|secret_key|access_key)"
LITERAL = re.compile(NAME + r"[\"']?\s*[:=]\s*[\"']?[\w/+-]{8,}")


@pytest.mark.parametrize("file", deployed(".yaml", ".yml"), ids=lambda file: str(file.relative_to(DEPLOY)))
def test_parses(file):
    assert documents(file.read_text())


@pytest.mark.parametrize("file", deployed(), ids=lambda file: str(file.relative_to(DEPLOY)))
def test_no_file_holds_a_password(file):
    assert [line for line in file.read_text().splitlines() if LITERAL.search(line)] == []


def test_a_password_is_found():
    assert LITERAL.search("  POSTGRES_PASSWORD: correct-horse")
    assert LITERAL.search("export RAY_AUTH_TOKEN=0123456789abcdef")
    assert not LITERAL.search("POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it}")
