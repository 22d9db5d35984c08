"""The measured part of a document, between two marks that Markdown does not show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BEGIN, END = "<!-- `make bench` writes from here -->", "<!-- to here -->"


def write(page: Path, parts: Sequence[str]) -> None:
    """Put these in place of what the marks enclose; ValueError where the page lacks a mark."""
    before, begun, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page.name} must hold the lines {BEGIN} and {END}")
    body = "\n\n".join(parts)
    page.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")
