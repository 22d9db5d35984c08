"""`slalom baseline` and `slalom regress`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.cli.options import add_json, add_place, add_ray, add_study, home_of
from slalom.errors import Infrastructure, InputError, quoted
from slalom.urls import WEBHOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom.home import Home
    from slalom.records.base import NightRecorder
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.study.model import StudySpec


BASELINES = "SLALOM_BASELINES"
"""The environment variable with the folder that holds the baselines of a deployment, such as a checkout of git."""


PLACE = f"NAME.baseline.json by the study, or in the folder {BASELINES} of the environment"


def add(commands: Any) -> None:
    """Add both commands to the subparsers of the command line."""
    about = "pin what a complete study found, or show what is pinned"
    group = commands.add_parser("baseline", help=about, description=about)
    ways = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    setting = ways.add_parser("set", help="pin what a complete study found, in a file that belongs in git")
    setting.set_defaults(command=_set)
    for adder in (add_study, add_place, add_ray):
        adder(setting)
    setting.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"instead of {PLACE}")
    seeds = "seeds of each search to pin, where the study confirmed fewer: the others are trained now"
    setting.add_argument("--seeds", type=int, metavar="N", help=seeds)
    showing = ways.add_parser("show", help="what a baseline has pinned")
    showing.set_defaults(command=_show)
    showing.add_argument("file", type=Path, metavar="FILE")
    showing.add_argument("--json", action="store_true", help="print the baseline as JSON")
    _add_regress(commands)


def _add_regress(commands: Any) -> None:
    about = "train every search's choice again on today's code, and hold it against the study's baseline"
    parser = commands.add_parser("regress", help=about, description=about)
    parser.set_defaults(command=_regress)
    for adder in (add_study, add_place, add_ray):
        adder(parser)
    parser.add_argument("--baseline", type=Path, metavar="FILE", help=f"instead of {PLACE}")
    parser.add_argument("--retune", action="store_true", help="make the searches again, too")
    margin = "METRIC=VALUE: differences up to it are none; metrics: the study's, 'epochs to target' and 'cost'"
    parser.add_argument("--margin", type=_margin, action="append", default=[], metavar="METRIC=VALUE", help=margin)
    parser.add_argument("--max-seeds", type=int, metavar="N", help="seeds of each search at most (default: all pinned)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report")
    code = "of a regression (default: %(default)s, with which libraries end a process, too)"
    parser.add_argument("--exit-code", type=_code, default=1, metavar="N", help=code)
    parser.add_argument(
        "--webhook",
        metavar="URL",
        default=os.environ.get(WEBHOOK),
        help=f"post the answer as JSON, as Slack reads it (default: {WEBHOOK} in the environment)",
    )
    add_json(parser)


def _set(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.status.watch import Watch

    spec = api.load(options.study)
    file = options.output or baseline_file(options.study, spec.name)
    _check_folder("--output", file)
    with Watch() as watch, options.stop.between_turns(watch) as turn:
        pinned = api.pin(spec, home_of(options), seeds=options.seeds, ray=options.ray, watch=turn)
    pinned.write(file)
    what = f"{_counted(pinned)} of {', '.join(arm.name for arm in pinned.arms)}"
    print(f"Pinned {what} in {file}")


def _show(options: argparse.Namespace) -> None:
    from statistics import fmean, median

    from slalom.regression.baseline import Baseline
    from slalom.regression.gate import Design
    from slalom.report.tables import chosen_text

    pinned = Baseline.read(options.file)
    if options.json:
        print(pinned.spelled(), end="")
        return
    design = Design.of(pinned)
    print(f"{pinned.study}, fingerprint {pinned.fingerprint[:12]}, on {pinned.device}")
    print(", ".join(f"{name} {version}" for name, version in pinned.versions.items()))
    for arm in pinned.arms:
        values, epochs = arm.found.values, arm.found.epochs
        print(f"  {arm.name}: {chosen_text(arm.params)}")
        print(f"    {pinned.metric} {fmean(values):.4g}, margin {design.resolution(values):.2g}")
        print(f"    epochs to target {fmean(epochs):.4g}, margin {design.resolution(epochs):.2g}")
        if arm.cost:
            print(f"    cost {median(arm.cost):.3g} of the calibration loop")
    print(f"each arm: {_counted(pinned)}, in stages of {', '.join(map(str, design.stages))} trainings")


def _counted(pinned: Baseline) -> str:
    from slalom.verdict.wording import count

    return f"{count(pinned.searches, 'search', 'searches')} with {count(pinned.seeds, 'seed')} each"


def _regress(options: argparse.Namespace) -> int:
    from functools import partial

    from slalom import api, wiring
    from slalom.regression import webhook
    from slalom.regression.baseline import Baseline
    from slalom.regression.gate import Answer
    from slalom.regression.hold import hold
    from slalom.status.watch import Watch

    spec = api.load(options.study)
    pinned = Baseline.read(options.baseline or baseline_file(options.study, spec.name))
    if options.junit:
        _check_folder("--junit", options.junit)
    if options.webhook:
        webhook.check(options.webhook)
    home = home_of(options)
    with home.alone():
        nights = wiring.nights(spec, home)
    chosen = {"retune": options.retune, "margins": dict(options.margin), "most": options.max_seeds}
    crew = wiring.crew(partial(wiring.ray_lanes, address=options.ray))
    with Watch() as watch, options.stop.between_turns(watch) as turn:
        night = hold(spec, pinned, crew, turn, **chosen)
    _tell(night, options)
    news = [partial(_report, night, options.junit)] if options.junit else []
    news.append(partial(_record, night, nights, spec, home))
    if options.webhook:
        news.append(partial(_post, night, options.webhook))
    regressed = night.answer is Answer.REGRESSED
    _spread(news, quietly=regressed)
    return options.exit_code if regressed else 0


def _tell(night: Night, options: argparse.Namespace) -> None:
    """Print a night on standard output."""
    if options.json:
        print(json.dumps(night.as_json(), indent=2, allow_nan=False))
        return
    from slalom.cli.terminal import night_table

    night_table(night)
    sys.stdout.flush()


def _spread(news: Sequence[Callable[[], None]], *, quietly: bool) -> None:
    """Make all reports; raises the first Infrastructure among them, or with `quietly` prints each of them instead."""
    failed: list[Infrastructure] = []
    for tell in news:
        try:
            tell()
        except Infrastructure as exc:
            failed.append(exc)
    for error in failed if quietly else failed[1:]:
        print(f"slalom: {error}", file=sys.stderr)
    if failed and not quietly:
        raise failed[0]


def _record(night: Night, nights: NightRecorder[Baseline, Night], spec: StudySpec, home: Home) -> None:
    from slalom import wiring
    from slalom.wiring import pages

    with home.alone():
        nights.night(night)
        pages.renew(spec, home, wiring.store)


def _report(night: Night, file: Path) -> None:
    from slalom.regression.junit import junit

    try:
        file.write_text(junit(night), encoding="utf-8")
    except OSError as exc:
        raise Infrastructure(f"--junit: cannot write {file}: {exc.strerror}") from exc


def _post(night: Night, url: str) -> None:
    from slalom.regression.page import sentence
    from slalom.regression.webhook import post

    post(url, {"text": sentence(night), **night.as_json()})


def baseline_file(study: str, name: str) -> Path:
    """Where a study's baseline is: in the folder that BASELINES names, else beside the study file.

    Without BASELINES the baseline of a bundled study is in the current folder.
    """
    beside = Path(study).parent if Path(study).suffix in (".yaml", ".yml") else Path()
    return Path(os.environ.get(BASELINES) or beside) / f"{name}.baseline.json"


def _check_folder(option: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise InputError(f"{option}: there is no folder {file.parent}")
    if file.is_dir():
        raise InputError(f"{option}: must be a file, but {file} is a folder")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option}: {file} cannot be written; name another file, and commit it where that one is from")


def _code(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 2**8:
        return int(text)
    raise argparse.ArgumentTypeError(f"an exit code of its own is from 1 to {2**8 - 1}, but got {quoted(text)}")


def _margin(text: str) -> tuple[str, float]:
    name, found, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        problem = "a number behind it" if found else "the form METRIC=VALUE"
        raise argparse.ArgumentTypeError(f"a margin has {problem}, but got {quoted(text)}") from None
