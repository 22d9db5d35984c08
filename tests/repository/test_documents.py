"""The documents' links lead somewhere, and the JSON Schema is the program's."""

from __future__ import annotations

import contextlib
import io
import re
from urllib.parse import unquote

import pytest

from slalom.cli.main import main
from tests.repository.tree import ROOT, files

DOCUMENTS = sorted(str(file.relative_to(ROOT)) for file in files() if file.suffix == ".md")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
INLINE, REFERENCE, HTML = r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)", r"^\[[^\]]+\]:\s*(\S+)", r"(?:href|src)=\"([^\"]+)\""
LINK = re.compile(f"{INLINE}|{REFERENCE}|{HTML}", re.MULTILINE)
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def links(text):
    found = (next(filter(None, link.groups())) for link in LINK.finditer(CODE.sub("", text)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


def dead(page):
    """The links of a page that lead nowhere."""
    lost = []
    for link in links(page.read_text(encoding="utf-8")):
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    return lost


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_resolve(document):
    assert dead(ROOT / document) == []


def test_dead_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A page, `whole`\n[here](#a-page-whole) [gone](gone.md) [no part](page.md#part) [far](https://x.example)\n"
        "`[code](not-a-link)` ![picture](picture.png) [reference]\n\n[reference]: other.md\n"
    )
    assert dead(page) == ["gone.md", "page.md#part", "picture.png", "other.md"]


def test_the_schema_is_the_one_that_the_command_prints():
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["schema"]) == 0
    kept = (ROOT / "docs/study.schema.json").read_text(encoding="utf-8")
    assert kept == printed.getvalue(), "make it again: slalom schema > docs/study.schema.json"
