"""What is too large to be a study is refused before it is read whole, and no refusal is longer than a few lines."""

import pytest

import slalom
from slalom.errors import InputError, StudyError, nearest
from slalom.study.document import LONGEST_KEY, LONGEST_TEXT, MOST_CHARACTERS, MOST_ITEMS, from_python
from slalom.study.yaml import read_yaml
from tests.cli.studies import SMALL, here

LONG = "x" * 5_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"question: {'a' * 3_000_000}", f"1:1: a study has at most {MOST_CHARACTERS} characters, got 3000010"),
        (f"choice: [{', '.join(map(str, range(MOST_ITEMS + 1)))}]", f"choice must have at most {MOST_ITEMS} items"),
        (f"question: {'a ' * LONGEST_TEXT}b", f"1:11: a text has at most {LONGEST_TEXT} characters, got 20001: 'a a "),
        (f"question: '{'a ' * LONGEST_TEXT}'", f"1:11: a text has at most {LONGEST_TEXT} characters, got 20000: 'a a "),
        (f"? {LONG}\n: 1", f"1:3: a key has at most {LONGEST_KEY} characters, got 5000: 'xxx"),
        (f"a: *{LONG}", "a study has no aliases, got *xxx"),
        (f"a: &{LONG} 1", "a study has no anchors, got &xxx"),
        (f"a: !{LONG} 1", "a study has no tags, got !xxx"),
        ("\n".join(f"k{number}: 1" for number in range(MOST_ITEMS + 1)), f"the study must have at most {MOST_ITEMS}"),
    ],
    ids=["text", "choices", "plain", "quoted", "key", "alias", "anchor", "tag", "keys"],
)
def test_a_study_file_of_no_size_for_one_is_refused_in_short(text, told):
    with pytest.raises(StudyError) as refused:
        read_yaml(text, "study.yaml")
    assert told in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "document",
    [{"question": "a" * (LONGEST_TEXT + 1)}, {LONG: 1}, {"choice": [1] * (MOST_ITEMS + 1)}, {"a": {("x",) * 900: 1}}],
    ids=["text", "key", "choices", "no text"],
)
def test_a_study_written_in_python_is_refused_likewise(document):
    with pytest.raises(StudyError) as refused:
        from_python(document)
    assert len(str(refused.value)) < 300


def test_a_file_of_any_size_is_not_read_whole(tmp_path):
    file = tmp_path / "large.yaml"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)
    with pytest.raises(InputError, match=r"large\.yaml: a study has at most"):
        slalom.load(file)


WORDS = {
    "task": ("task: digits", f"task: {LONG}"),
    "name": ("name: small", f"name: {LONG}"),
    "arm": ("adam: {", f"{LONG[:150]}/: {{"),
    "optimizer": ("optimizer: adam", f"optimizer: {LONG}"),
    "model": ("name: mlp", f"name: {LONG}"),
    "baseline": ("baseline: sgd", f"baseline: {LONG}"),
    "distribution": ("log: [1e-3, 1.0]", f"{LONG[:150]}: [1e-3, 1.0]"),
    "number": ("epochs: 4", f"epochs: {LONG}"),
    "key": ("seeds: 2", f"{LONG[:150]}: 2"),
    "file": ("task: digits", f"task: {LONG}.py:Task"),
    "object": ("task: digits", f"task: tasks.py:{LONG}"),
}


@pytest.mark.parametrize("replaced", WORDS.values(), ids=WORDS)
def test_an_unknown_word_is_echoed_in_short(replaced, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL.replace(*replaced))
    with pytest.raises(StudyError) as refused:
        slalom.load(tmp_path / "small.yaml")
    assert LONG[:200] not in str(refused.value)


@pytest.mark.parametrize(
    "words",
    [
        ["check", LONG],
        ["check", f"{LONG}.yaml"],
        ["show", "digits", "--home", LONG],
        ["show", "digits", "--storage", LONG],
        ["show", "digits", "--storage", f"sqlite://{LONG}"],
        ["ui", "--port", LONG],
        [LONG],
        ["show", "digits", f"--{LONG}"],
        ["schedule", "remove", LONG],
        ["schedule", "add", "digits", "--cron", LONG],
        ["schedule", "add", "digits", "--cron", "0 3 * * *", "--timezone", LONG],
        ["schedule", "add", "digits", "--cron", "0 3 * * *", "--name", LONG],
        ["schedule", "add", "digits", "--cron", "0 3 * * *", "--time-limit", LONG],
        ["regress", "digits", "--baseline", LONG],
        ["regress", "digits", "--margin", LONG],
    ],
    ids=lambda words: " ".join(word[:15] for word in words),
)
def test_the_command_line_echoes_in_short_too(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = here(*words)
    assert done.returncode == 2, done.stderr
    assert LONG[:301] not in done.stderr


def test_of_many_valid_words_a_message_lists_the_first():
    assert len(nearest("x" * 10**6, [f"arm{number}" for number in range(900)])) < 1_000
