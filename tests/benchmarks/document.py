"""The measured part of a document, between two marks that Markdown does not show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

END = "<!-- to here -->"


def write(page: Path, parts: Sequence[str], command: str = "make bench") -> None:
    """Put these in place of what the command's marks enclose; ValueError where the page lacks a mark."""
    begin = f"<!-- `{command}` writes from here -->"
    before, begun, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"{page.name} must hold the lines {begin} and {END}")
    body = "\n\n".join(parts)
    page.write_text(f"{before}{begin}\n\n{body}\n\n{END}{after}", encoding="utf-8")
