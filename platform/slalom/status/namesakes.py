"""Studies of one name and different fingerprints in one storage: which a run goes on with, or is refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.loop.notes import Note
from slalom.study.differences import differences, extends, in_short, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.home import Home
    from slalom.search.base import TrialStore
    from slalom.study.model import StudySpec

NOT_RECORDED = "something else, which is not on record"


def extended(spec: StudySpec, store: TrialStore, home: Home) -> Mapping[str, str]:
    """The studies of the storage that `spec` only extends, by mark, with a line about each; none once it has begun.

    A mark is the first 12 digits of a fingerprint. Raises InputError where `spec` extends none and the storage holds it
    with other data, files or settings. Another seed alone is no reason: whoever writes one wants a replicate beside the
    first.
    """
    if {Note.IDENTITY, Note.STATE} & store.notes().keys():
        return {}
    known = {mark: notes.get(Note.IDENTITY) for mark, notes in store.namesakes().items()}
    found = {mark: identity for mark, identity in known.items() if identity and extends(identity, spec.identity)}
    seeds = {None if one is None else one.get("seed") for one in known.values()}
    if not found and seeds & {None, spec.seed} and (refusal := held_otherwise(spec, store, home)):
        raise refusal
    return {
        mark: f"{spec.name} extends {mark}, whose trials it takes: {in_short(differences(identity, spec.identity))}"
        for mark, identity in found.items()
    }


def held_otherwise(spec: StudySpec, store: TrialStore, home: Home) -> InputError | None:
    """The error that the storage holds the study, but not as `spec` has it; None where it does not hold it at all."""
    others = store.namesakes()
    if not others:
        return None
    mine: dict[str, Any] = {Note.IDENTITY: spec.identity}
    if any(notes.get(Note.IDENTITY) and extends(notes[Note.IDENTITY], spec.identity) for notes in others.values()):
        return InputError(
            f"{home.shown()['storage']} holds {spec.name}, but with less than {spec.fingerprint[:12]} has by now: "
            "`slalom run` goes on with what is there, and trains what is new"
        )
    lines = "; ".join(f"{mark} with {told_apart(notes, mine)}" for mark, notes in others.items())
    return InputError(
        f"{home.shown()['storage']} holds {spec.name}, but not as it is now, {spec.fingerprint[:12]}: {lines}. Results "
        "of both are never mixed. Go back to what it was there to see it or go on with it; or train this one beside it "
        "by `slalom run --anew`, in another --home, or under another name"
    )


def told_apart(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What differs between two studies of one name, by what was noted of each."""
    old, new = there.get(Note.IDENTITY), here.get(Note.IDENTITY)
    return NOT_RECORDED if old is None or new is None else told(differences(old, new))
