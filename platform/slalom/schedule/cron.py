"""When a schedule is due: a cron expression, read in a time zone.

As Debian's cron has it, a time of day that the clocks skip is due at the next one that exists, and one that they show
twice is due the first time. An expression whose minutes or hours begin with `*` is an interval, and due at every
moment that it matches: `0 * * * *` 25 times on a day of 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from slalom.errors import InputError, quoted


@dataclass(frozen=True)
class Cron:
    """An expression of five fields: minute, hour, day of the month, month, day of the week.

    timezone: a name of the IANA database, such as Europe/Berlin
    Raises InputError where the expression or the zone cannot be read, or where no day ever matches the expression.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if len(self.expression.split()) != 5:
            raise self._wrong("it has not five fields")
        zone = _zone(self.timezone)
        try:
            next(CronSim(self.expression, datetime(2000, 1, 1, tzinfo=zone)))
        except CronSimError as exc:
            raise self._wrong(str(exc)) from exc
        except StopIteration as exc:
            raise self._wrong("no day matches it") from exc

    def after(self, moment: float) -> float:
        """The first due time that is later than `moment`; both in seconds since the epoch."""
        times = CronSim(self.expression, datetime.fromtimestamp(moment, _zone(self.timezone)))
        # CronSim starts before `moment` where that lies in an hour that the clocks show a second time.
        return next(due for due in (time.timestamp() for time in times) if due > moment)

    def _wrong(self, why: str) -> InputError:
        return InputError(
            "--cron: minute, hour, day of the month, month and day of the week, such as '0 3 * * *', but got "
            f"{quoted(self.expression)}: {why}"
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as exc:  # not there, a folder of the database, no path within it
        raise _unknown(name) from exc


def _unknown(name: str) -> InputError:
    close = get_close_matches(name, available_timezones(), n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return InputError(f"--timezone: a name of the IANA database, such as Europe/Berlin, but got {quoted(name)}{hint}")
