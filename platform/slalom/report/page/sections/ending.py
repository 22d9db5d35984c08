"""What a reader should know before quoting: the conditions of the verdict, and where its numbers come from."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.report.page.section import Section, Table, folded
from slalom.report.tables import claim, pace, warnings
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.sections.base import Material

SAME = "On processors of this kind the same versions give the same numbers, bit for bit."


def conditions(material: Material) -> Section:
    """What the verdict does not say, and what must be known before it is quoted."""
    facts = [f"{name.replace('_', ' ')} {short(value)}" for name, value in material.spec.facts.items()]
    known = f"<p>Known about the task: {escape(listing(facts))}.</p>" if facts else ""
    told = warnings(material.summary)
    notes = f"<h3>Before you quote it</h3>{_items(told)}" if told else ""
    holds = f"<h3>Under which conditions it holds</h3>{_items(material.findings.conditions)}"
    claimed = claim(material.spec)
    rest = "".join([notes, holds, f"<p>{escape(claimed)}</p>" if claimed else "", known])
    return Section("conditions", "What the verdict does not say", rest=rest)


def provenance(material: Material) -> Section:
    """What the numbers were made with, and the command that makes them again."""
    found, told, spec = material.findings.provenance, material.told, material.spec
    rows = [
        ("study", escape(spec.name)),
        ("fingerprint", f"<code>{told.text('fingerprint')}</code>"),
        ("data", f"{escape(str(spec.task['name']))}, digest <code>{escape(found.data_digest[:16])}</code>"),
        ("seed", told.number("page.provenance.seed", str)),
        ("trials", told.number("page.provenance.trials")),
        *((f"trials on {escape(device)}", _devices(material, device)) for device in found.devices),
        ("from, to", f"{escape(found.began or 'unknown')}, {escape(found.ended or 'unknown')}"),
        *(
            (f"versions {number + 1}" if number else "versions", escape(_versions(made)))
            for number, made in enumerate(found.versions)
        ),
        *(("git commit of its folder", f"<code>{escape(commit)}</code>") for commit in found.commits),
    ]
    repeat = [f"<p>To repeat it:</p><pre><code>{escape(found.command)}</code></pre>"]
    if found.file:
        besides = f" Beside it must lie {escape(listing(found.code))}." if found.code else ""
        repeat.append(f"<p>with the study file below saved as <code>{escape(found.file)}</code>.{besides}</p>")
    speed = pace(material.summary)
    rest = "".join(
        [
            *repeat,
            f"<p>{SAME} {escape(speed)}</p>",
            folded("The study file", f"<pre><code>{escape(found.text)}</code></pre>") if found.text else "",
        ]
    )
    return Section("provenance", "Where the numbers come from", shown=[Table("provenance", ("", ""), rows)], rest=rest)


def _devices(material: Material, device: str) -> str:
    return material.told.number(f"page.provenance.devices#{device}")


def _versions(made: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in made.items() if name != "commit")


def _items(lines: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
