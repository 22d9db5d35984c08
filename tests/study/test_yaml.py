from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slalom.errors import StudyError
from slalom.study.yaml import read_yaml


def value(text: str) -> object:
    return read_yaml(f"key: {text}", "study.yaml").plain()["key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("-1.", -1.0),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("off", "off"),
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("null", None),
        ("none", "none"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1e-3'", "1e-3"),
        ('"no"', "no"),
        ("[1, a]", (1, "a")),
        ("{a: {b: []}}", {"a": {"b": ()}}),
    ],
)
def test_words_are_those_of_yaml_1_2(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back(number):
    assert value(repr(number)) == number


@given(st.integers())
def test_an_integer_reads_back(number):
    assert value(str(number)) == number


def test_places_count_from_one_and_keys_have_their_own():
    root = read_yaml("# first\nkey:\n  - a\n  - {b:  c}\n", "study.yaml")
    node = root.fields()["key"]
    inner = node.items()[1].fields()["b"]
    assert (str(node.head), str(node.place)) == ("study.yaml:2:1", "study.yaml:3:3")
    assert (str(inner.head), str(inner.place)) == ("study.yaml:4:6", "study.yaml:4:10")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "must not be empty"),
        ("# a comment\n", "1:1", "must not be empty"),
        ("key:\n\tinner: 1", "2:1", r"'\\t'"),
        ("key: [1, 2\nother: 3", "2:6", "not YAML"),
        ("key: a: b", "1:7", "mapping values are not allowed"),
        ("key: 'open", "1:11", "quoted scalar"),
        ("good: 1\nkey: \x07", "2:6", "not YAML 1.2: unacceptable character"),
        ("a: 1\n---\nb: 2", "2:1", "one study"),
        ("a: 1\n---\n", "2:1", "one study"),
        ("%YAML 1.1\n---\na: 1", "2:1", "%YAML 1.1"),
        ("a: &x 1\nb: *x", "1:4", "anchors.*&x"),
        ("a: *x", "1:4", r"aliases.*\*x"),
        ("a: !!str 1", "1:4", "tags.*!!str"),
        ("a: !cat {}", "1:4", "tags.*!cat"),
        ("[a]: 1", "1:1", "a key must be a word"),
        ("a: 1\nb: 2\na: 3", "3:1", "'a' again; it is at study.yaml:1:1"),
        (f"a: {'[' * 40}{']' * 40}", "1:36", "nested deeper than 32"),
        (f"a: {'9' * 5000}", "1:4", "at most 400 characters, got 5000"),
        (f"a: 0x{'9' * 5000}", "1:4", "at most 400 characters, got 5002"),
    ],
)
def test_what_is_not_a_plain_yaml_document_is_refused(text, place, words):
    with pytest.raises(StudyError, match=rf"^study\.yaml:{place}: .*{words}"):
        read_yaml(text, "study.yaml")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    assert read_yaml("\ufeffa: 1\r\nb: 2\r\n", "study.yaml").plain() == {"a": 1, "b": 2}


def test_the_parser_s_error_is_kept_as_the_cause():
    with pytest.raises(StudyError) as refusal:
        read_yaml("a: b: c", "study.yaml")
    assert refusal.value.__cause__ is not None
