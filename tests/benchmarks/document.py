"""The measured part of a document, between two marks that Markdown does not show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

END = "<!-- to here -->"


def begin(command: str) -> str:
    """The mark behind which the command writes."""
    return f"<!-- `{command}` writes from here -->"


BEGIN = begin("make bench")


def write(page: Path, parts: Sequence[str], command: str = "make bench") -> None:
    """Put these in place of what the marks enclose; ValueError where the page lacks a mark."""
    mark = begin(command)
    before, begun, rest = page.read_text(encoding="utf-8").partition(mark)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page.name} must hold the lines {mark} and {END}")
    body = "\n\n".join(parts)
    page.write_text(f"{before}{mark}\n\n{body}\n\n{END}{after}", encoding="utf-8")
