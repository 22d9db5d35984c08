"""A study file's text -> the tree of its values with line and column.

YAML 1.2 by its core schema (section 10.3.2 of the specification): 1e-3 is a number, `no` and `off` are texts.
Refused, with a message that says so: tags, anchors and aliases, a second document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from slalom.errors import Place, StudyError, quoted, shortened
from slalom.study.document import (
    DEEPEST,
    LONGEST_KEY,
    ROOT,
    Node,
    check_items,
    check_key,
    check_size,
    check_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.wire.trial import Scalar

WORDS: dict[str, Scalar | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DIGITS = 400
"""The most characters of a number; every float64 has a shorter spelling."""


def read_yaml(text: str, file: str) -> Node:
    """The tree of a study file; `file` is its name in messages."""
    check_size(text, Place(file, 1, 1))
    try:
        return _Reader(text, file).document()
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        said = ": ".join(part for part in (exc.context, exc.problem) if part)
        raise StudyError(f"this is not YAML 1.2: {shortened(said, LONGEST_KEY)}", _place(file, mark)) from exc
    except YAMLError as exc:
        # the reader's own error, a character that YAML forbids, counts characters from the start
        before = text[: getattr(exc, "position", 0)]
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise StudyError(f"this is not YAML 1.2: {str(exc).splitlines()[0]}", place) from exc


def _place(file: str, mark: Any) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


class _Reader:
    """Builds the tree from the parser's events: only they know of tags, anchors and doubled keys."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        # "safe" and pure: the parser written in Python, which keeps no comments
        self.events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)

    def document(self) -> Node:
        """The one document of the file."""
        next(self.events)  # the stream's start
        start = next(self.events)
        if isinstance(start, StreamEndEvent):
            raise StudyError("a study must not be empty, got no text but comments or none", Place(self.file, 1, 1))
        if start.version not in (None, (1, 2)):
            version = ".".join(map(str, start.version))
            raise self.refuse(start, f"a study is read as YAML 1.2, got the directive %YAML {version}")
        root = self.node(next(self.events), ROOT, None, 0)
        next(self.events)  # the document's end
        after = next(self.events)
        if isinstance(after, DocumentStartEvent):
            raise self.refuse(after, "a file must hold one study, got a second document after '---'")
        return root

    def node(self, event: Any, name: str, head: Place | None, depth: int) -> Node:
        """The tree below an event; `head` is its key's place."""
        self.check(event, depth)
        # an empty value has no characters of its own: the parser puts it at whatever comes next
        nothing = isinstance(event, ScalarEvent) and event.style is None and event.value == ""
        place = head if nothing and head else _place(self.file, event.start_mark)
        value: Any
        if isinstance(event, ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, SequenceStartEvent):
            value = tuple(
                self.node(item, f"{name}[{index}]", None, depth + 1) for index, item in enumerate(self.until_end(name))
            )
        else:
            value = self.fields(name, depth)
        return Node(name, value, place, head or place)

    def fields(self, name: str, depth: int) -> dict[str, Node]:
        """The keys, as they are written, and values of a mapping."""
        fields: dict[str, Node] = {}
        for event in self.until_end(name):
            self.check(event, depth)
            if not isinstance(event, ScalarEvent):
                raise self.refuse(event, "a key must be a word, got a list or mapping")
            key, head = str(event.value), _place(self.file, event.start_mark)
            check_key(key, head)
            if key in fields:
                first = fields[key].head
                raise self.refuse(
                    event, f"a key must stand once in a mapping, got {quoted(key)} again; it is at {first} too"
                )
            fields[key] = self.node(next(self.events), key, head, depth + 1)
        return fields

    def until_end(self, name: str) -> Iterator[Any]:
        """The events that open the items of the list or mapping, called `name`, that has just begun."""
        for count, event in enumerate(self.events, 1):
            if type(event).__name__ in ("SequenceEndEvent", "MappingEndEvent"):
                return
            check_items(count, name, _place(self.file, event.start_mark))
            yield event

    def check(self, event: Any, depth: int) -> None:
        """Raise StudyError for an alias, an anchor, a tag, or nesting deeper than DEEPEST."""
        if depth > DEEPEST:
            raise self.refuse(event, f"values must not be nested deeper than {DEEPEST} levels")
        if isinstance(event, AliasEvent):
            raise self.refuse(
                event, f"a study has no aliases, got {shortened('*' + event.anchor)}; write the value out"
            )
        if event.anchor is not None:
            raise self.refuse(
                event, f"a study has no anchors, got {shortened('&' + event.anchor)}; write the value out"
            )
        if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) and event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            raise self.refuse(event, f"a study has no tags, got {shortened(tag)}; write the value alone")

    def scalar(self, event: ScalarEvent) -> Scalar | None:
        """The value of a scalar: a quoted text as it is, a plain word by the core schema."""
        word = str(event.value)
        if event.style is not None:
            return check_text(word, _place(self.file, event.start_mark))
        if word in WORDS:
            return WORDS[word]
        if len(word) > DIGITS and (WHOLE.fullmatch(word) or REAL.fullmatch(word)):
            raise self.refuse(event, f"a number has at most {DIGITS} characters, got {len(word)}")
        if WHOLE.fullmatch(word):
            return int(word, 0) if word.startswith(("0o", "0x")) else int(word)
        return (
            float(word.replace(".inf", "inf").replace(".nan", "nan"))
            if _is_real(word)
            else check_text(word, _place(self.file, event.start_mark))
        )

    def refuse(self, event: Any, message: str) -> StudyError:
        """The StudyError of a message, with an event's place."""
        return StudyError(message, _place(self.file, event.start_mark))


def _is_real(word: str) -> bool:
    return REAL.fullmatch(word) is not None or ENDLESS.fullmatch(word) is not None
