"""Every bundled study that is about a heuristic, run, and docs/heuristics.md written from what they found.

    make heuristics     runs what is not finished in ./slalom-home, and writes the page's measured part again

Also draws the decision boundaries of mixture-decay's nets against the best possible one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import slalom
from slalom.report.tables import markdown_table, result_rows
from tests.benchmarks.boundaries import draw
from tests.benchmarks.document import write

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "heuristics.md"
PICTURE = ROOT / "docs" / "images" / "decision-boundaries.png"
HEADER = ("heuristic", "claim", "source", "study", "verdict")


def main() -> None:
    """Run, print, write."""
    found = [result for file in slalom.bundled() if (result := studied(file)) is not None]
    rows = [row(result) for result in sorted(found, key=lambda result: result.spec.about["heuristic"])]
    sections = [section(result) for result in found]
    table = markdown_table(HEADER, rows).replace("]\\(", "](")  # cells show Markdown as it is written; here are links
    write(PAGE, [table, *sections], "make heuristics")
    draw(next(result for result in found if result.spec.name == "mixture-decay"), PICTURE)
    print(f"{PAGE.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)} are written")


def studied(file: Path) -> slalom.Result | None:
    """What a study has found, where it is about a heuristic."""
    spec = slalom.load(file.stem)
    if not spec.about.get("heuristic"):
        return None
    result = slalom.run(spec)
    print(f"{spec.name}: {result.summary.throughput.seconds:.0f} s. {sentence(result)}", flush=True)
    return result


def row(result: slalom.Result) -> Sequence[str]:
    """A line of the table."""
    spec = result.spec
    link = f"[{spec.name}](../studies/{spec.name}.yaml)"
    return (spec.about["heuristic"], spec.about["claim"], spec.about["source"], link, sentence(result))


def sentence(result: slalom.Result) -> str:
    """The verdict; the home is complete, so there is one."""
    return result.verdict.sentence if result.verdict else "no verdict"


def section(result: slalom.Result) -> str:
    """A study's question and what each arm reached, in how many passes."""
    header, body = result_rows(result.spec, result.summary)
    passes = passes_to_baseline(result)
    table = markdown_table((*header, "passes"), [(*line, passes[line[0]]) for line in body])
    return f"## {result.spec.name}\n\n{result.spec.question}\n\n{table}"


def passes_to_baseline(result: slalom.Result) -> Mapping[str, str]:
    """By arm, the epochs after which its mean validation metric is as good as the baseline's at the end."""
    metric = result.spec.metric
    curves = {arm.name: dict(curve(result, arm.name)) for arm in result.arms}
    target = curves[result.spec.compare.baseline][result.spec.epochs]
    first = {
        name: next((epoch for epoch, value in reached.items() if not metric.better(target, value)), None)
        for name, reached in curves.items()
    }
    last = result.spec.epochs
    return {name: f"{epoch} of {last}" if epoch else f"more than {last}" for name, epoch in first.items()}


def curve(result: slalom.Result, arm: str) -> Iterator[tuple[int, float]]:
    """Epochs, and the mean validation metric over the arm's confirm trials, none of which may have diverged."""
    name = f"validation.{result.spec.metric.name}"
    trials = [trial for trial in result.export() if trial["arm"] == arm and trial["phase"] == "confirm"]
    for reports in zip(*(trial["history"] for trial in trials), strict=False):
        yield reports[0]["epoch"], fmean(report[name] for report in reports)


if __name__ == "__main__":
    main()
