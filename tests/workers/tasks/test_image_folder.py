"""Folders of pictures: what is what, decoded as Pillow does it, once, and refused by name where that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from slalom.errors import Infrastructure, InputError
from slalom_worker.tasks import decoders, picture_cache
from slalom_worker.tasks.decoding import decode
from slalom_worker.tasks.image_folder import IMAGE_FOLDER, ImageFolder
from slalom_worker.tasks.parts import own_parts
from slalom_worker.tasks.picture_files import list_pictures
from tests.workers.tasks.sample_pictures import CLASSES, fill, patch

if TYPE_CHECKING:
    from slalom_worker.tasks import Data

SIZE = 16
BROKEN = b"\xff\xd8\xff\xe0 no picture"


def task(tmp_path: Path, **options: Any) -> ImageFolder:
    chosen = {"data": str(tmp_path / "data"), "cache": str(tmp_path / "cache"), "size": SIZE, **options}
    return IMAGE_FOLDER.open(chosen, tmp_path)  # type: ignore[return-value]


def expected(root: Path) -> dict[bytes, str]:
    """The path of each picture, by its bytes as Pillow fits them into a square."""
    found = {}
    for path in sorted(root.rglob("*.*")):
        with Image.open(path) as picture:
            fitted = ImageOps.fit(picture.convert("RGB"), (SIZE, SIZE), Image.Resampling.BILINEAR)
        found[np.asarray(fitted).transpose(2, 0, 1).tobytes()] = path.relative_to(root).as_posix()
    return found


def paths_of(data: Data, root: Path) -> list[set[str]]:
    """The paths of the pictures that train, validate and test; their labels must be those of their folders."""
    known, parts = expected(root), []
    for part in (data.train, data.validation, data.test):
        paths = [known[picture.tobytes()] for picture in part.inputs]
        assert [CLASSES.index(Path(path).parts[-2]) for path in paths] == part.labels.tolist()
        assert len(set(paths)) == len(paths)
        parts.append(set(paths))
    return parts


def test_a_folder_of_classes_is_divided(tmp_path: Path) -> None:
    root = fill(tmp_path / "data", 20)
    (root / "flower" / "readme.txt").write_text("no picture")
    (root / ".hidden").mkdir()
    data = task(tmp_path).load()
    assert (data.shape, data.picture, data.classes) == ((3, SIZE, SIZE), (3, SIZE, SIZE), 2)
    parts = (data.train, data.validation, data.test)
    assert [np.bincount(part.labels).tolist() for part in parts] == [[15, 14], [1, 2], [4, 4]]
    (root / "flower" / "readme.txt").unlink(), (root / ".hidden").rmdir()
    assert len(set.union(*paths_of(data, root))) == 40
    assert data.notes == (f"40 pictures of 2 classes, decoded to {next((tmp_path / 'cache').iterdir())}",)


def test_train_and_val_are_to_train_and_to_test(tmp_path: Path) -> None:
    root = tmp_path / "data"
    fill(root / "train", 20), fill(root / "val", 5, seed=1)
    train, validation, test = paths_of(task(tmp_path, validation=0.25).load(), root)
    assert {path.split("/")[0] for path in train | validation} == {"train"}
    assert {path.split("/")[0] for path in test} == {"val"}
    assert [len(part) for part in (train, validation, test)] == [30, 10, 10]


def test_three_folders_are_what_they_are_called(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for seed, (name, count) in enumerate({"train": 8, "validation": 3, "test": 4}.items()):
        fill(root / name, count, seed)
    parts = paths_of(task(tmp_path).load(), root)
    assert [({path.split("/")[0] for path in part}, len(part)) for part in parts] == [
        ({"train"}, 16),
        ({"validation"}, 6),
        ({"test"}, 8),
    ]


@pytest.mark.parametrize("layout", ["all", "train and val", "three"])
def test_other_splits_are_drawn_anew(layout: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    names = {"all": [""], "train and val": ["train", "val"], "three": ["train", "val", "test"]}[layout]
    for seed, name in enumerate(names):
        fill(root / name, 10, seed)
    some = task(tmp_path, examples=8)
    data = some.load()
    own, known = own_parts(data), expected(root)
    assert data.pool is not None
    drawn = [some.draw(data.pool, own, seed) for seed in (1, 1, 2)]
    paths = [[{known[part.inputs[row].tobytes()] for row in part.rows} for part in parts] for parts in drawn]
    assert paths[0] == paths[1] != paths[2]
    for parts, files in zip(drawn, paths, strict=True):
        assert [len(part.rows) for part in parts] == [len(part.rows) for part in own]
        assert np.bincount(parts.train.labels).tolist() == [4, 4]
        assert not files[0] & files[1] | files[0] & files[2] | files[1] & files[2]
        for part in parts:
            assert part.labels.tolist() == data.pool.labels[part.rows].tolist() or part is own.test
    assert (paths[0][2] == paths[2][2]) == (layout != "all")


def test_any_first_pictures_hold_every_class_s_share(tmp_path: Path) -> None:
    fill(tmp_path / "data", 30)
    for file in list((tmp_path / "data" / "china").iterdir())[:20]:
        file.unlink()
    (section,) = list_pictures(tmp_path / "data").sections
    for count in range(1, 41):
        chinese = int((section.labels[:count] == 0).sum())
        assert abs(chinese - count / 4) < 1
    few, whole = (task(tmp_path, examples=some).load().train for some in (12, None))
    assert np.bincount(few.labels).tolist() == [3, 9]
    assert {picture.tobytes() for picture in few.inputs} < {picture.tobytes() for picture in whole.inputs}


def test_pictures_of_every_kind_are_red_green_and_blue(tmp_path: Path) -> None:
    root, chance = fill(tmp_path / "data", 4), np.random.default_rng(1)
    for name in CLASSES:
        for mode, ending in (("L", "png"), ("P", "png"), ("RGBA", "png"), ("CMYK", "jpg"), ("1", "bmp")):
            patch(name, chance).convert(mode).save(root / name / f"{mode}.{ending}")
        patch(name, chance).resize((20, 400)).save(root / name / "thin.png")
    assert len(set.union(*paths_of(task(tmp_path).load(), root))) == 20


def test_pictures_that_cannot_be_decoded_are_named_or_skipped(tmp_path: Path) -> None:
    root = fill(tmp_path / "data", 20)
    (root / "china" / "bad.jpg").write_bytes(BROKEN)
    cut = root / "flower" / "flower-0000.JPEG"
    cut.write_bytes(cut.read_bytes()[:-200])
    for _ in range(2):
        with pytest.raises(InputError, match="2 of 41 pictures cannot be decoded: ") as caught:
            task(tmp_path).load()
        assert f"{root}/china/bad.jpg: OSError: " in str(caught.value)
        assert f"{cut}: OSError: image file is truncated" in str(caught.value)
        assert "set the task's option corrupt to skip" in str(caught.value)
    data = task(tmp_path, corrupt="skip").load()
    assert sum(len(part.labels) for part in (data.train, data.validation, data.test)) == 39
    assert data.notes[0].startswith("skipped: 2 of 41 pictures cannot be decoded: ")
    (root / "china" / "bad.jpg").unlink(), cut.unlink()
    assert task(tmp_path).load().digest() == data.digest()


@pytest.mark.parametrize("corrupt", ["refuse", "skip"])
def test_what_keeps_a_picture_from_being_read_may_pass_and_is_not_kept(corrupt: str, tmp_path: Path) -> None:
    """Reading /proc/self/mem from its beginning is an input/output error, as of a disk or a network."""
    root = fill(tmp_path / "data", 4)
    (root / "china" / "lost.jpg").symlink_to("/proc/self/mem")
    with pytest.raises(Infrastructure, match=r"china/lost\.jpg cannot be read: .*Errno 5.*; try again when it can"):
        task(tmp_path, corrupt=corrupt).load()
    assert not list((tmp_path / "cache").glob("*/*.json"))


def test_want_of_memory_is_not_the_picture_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fill(tmp_path / "data", 4)

    def starved(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", starved)
    with pytest.raises(Infrastructure, match=r"china-0000\.JPEG cannot be decoded for want of memory; try again"):
        decode(root / "china" / "china-0000.JPEG", SIZE)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "must hold a folder for each of at least 2 classes, but got 0"),
        (["china"], "must hold a folder for each of at least 2 classes, but got 1"),
        (["china", "flower"], "must hold pictures to all, but has none"),
        (["train/china", "train/flower", "val/china"], "must hold pictures to train, but has none"),
        (["train/china", "train/flower", "val/tree"], "val: must hold classes that .*train holds, but has 'tree'"),
        (["train/a", "train/b", "val/a", "validation/a"], "must hold a folder val or validation, but has both"),
    ],
)
def test_other_layouts_are_refused(made: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for folder in made:
        (tmp_path / "data" / folder).mkdir(parents=True)
    with pytest.raises(InputError, match=message):
        task(tmp_path).load()


def test_what_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data must name the folder"):
        task(tmp_path, data=None).load()
    with pytest.raises(InputError, match=f"{tmp_path}/data: must be a folder of pictures that can be read, but"):
        task(tmp_path).load()
    fill(tmp_path / "data", 4)
    with pytest.raises(InputError, match=r"examples must be at most 5, the training pictures of .*, but got 9"):
        task(tmp_path, examples=9).load()
    with pytest.raises(InputError, match=r"test must leave pictures on both sides, but 0\.01 of 8 pictures is 0"):
        task(tmp_path, test=0.01).load()
    (tmp_path / "data" / "empty").mkdir()
    with pytest.raises(InputError, match="the class 'empty' must have a picture to train on"):
        task(tmp_path).load()


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path / "data", 4)
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(Infrastructure, match=r"cannot be stored there: .*; set the task's option cache to a folder"):
        task(tmp_path).load()


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that decodes ends at once, as one does that the system kills."""
    monkeypatch.setattr(decoders, "COMMAND", (sys.executable, "-c", "raise SystemExit(137)"))


def test_pictures_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = fill(tmp_path / "data", 8)
    digest = task(tmp_path).load().digest()
    with monkeypatch.context() as patched:
        patched.setattr(decoders, "COMMAND", (sys.executable, "-c", "raise SystemExit(137)"))
        assert task(tmp_path, validation=0.1).load().digest() == digest
        root.rename(tmp_path / "moved")
        assert task(tmp_path, data=str(tmp_path / "moved")).load().digest() == digest
        file = tmp_path / "moved" / "china" / "china-0000.JPEG"
        os.utime(file, ns=(1, 1))
        with pytest.raises(Infrastructure, match="a process that decodes pictures ended with exit code 137 among"):
            task(tmp_path, data=str(tmp_path / "moved")).load()
    assert task(tmp_path, data=str(tmp_path / "moved")).load().digest() == digest
    file.write_bytes((tmp_path / "moved" / "flower" / "flower-0000.JPEG").read_bytes())
    assert task(tmp_path, data=str(tmp_path / "moved")).load().digest() != digest


def test_what_was_interrupted_goes_on_and_a_cut_file_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_cache, "PIECE", 4)
    fill(tmp_path / "data", 10)
    whole = task(tmp_path).load()
    digest, folder = whole.digest(), next((tmp_path / "cache").iterdir())
    (folder / "whole.json").unlink()
    (folder / "piece-000002.json").unlink()
    kept = {record: record.stat().st_mtime_ns for record in folder.glob("piece-*.json")}
    assert task(tmp_path).load().digest() == digest
    assert all(record.stat().st_mtime_ns == changed for record, changed in kept.items())
    assert len(list(folder.glob("piece-*.json"))) == 5
    stored = (folder / "pictures.bytes").read_bytes()
    os.truncate(folder / "pictures.bytes", len(stored) // 2)
    assert task(tmp_path).load().digest() == digest
    assert (folder / "pictures.bytes").read_bytes() == stored
    (folder / "whole.json").write_text("{")
    with pytest.raises(Infrastructure, match=r"whole\.json is damaged: .*; remove its folder"):
        task(tmp_path).load()


MACHINE = """
import platform, sys, time
from pathlib import Path
from slalom_worker.tasks import picture_cache
from slalom_worker.tasks.image_folder import ImageFolder
name, data, cache, go = sys.argv[1:]
platform.node = lambda: name
picture_cache.PIECE = 2
store = picture_cache._store
def noted(path, content):
    if path.name.startswith("piece"):
        sys.stdout.write(path.name + chr(10))  # in one piece, since several threads do
    store(path, content)
    time.sleep(0.05)
picture_cache._store = noted
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.01)
print(ImageFolder(data=data, cache=cache, size=16).load().digest())
"""


@pytest.mark.thorough
def test_machines_that_share_a_folder_each_decode_a_part(tmp_path: Path) -> None:
    """Two machines, and two processes on one of them."""
    fill(tmp_path / "data", 30)
    words = [str(tmp_path / "data"), str(tmp_path / "cache"), str(tmp_path / "go")]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running = [
        subprocess.Popen([sys.executable, "-c", MACHINE, name, *words], stdout=subprocess.PIPE, text=True, env=paths)
        for name in ("one", "other", "other")
    ]
    assert [process.stdout.readline() for process in running] == ["ready\n"] * 3
    (tmp_path / "go").touch()
    said = [process.communicate(timeout=480)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert {lines[-1] for lines in said} == {task(tmp_path).load().digest()}
    done = Counter(piece for lines in said for piece in lines[:-1])
    assert len(done) == 30
    assert set(done.values()) == {1}
    assert min(len(said[0]), len(said[1]) + len(said[2]) - 1) > 5


@pytest.mark.thorough
def test_a_machine_that_dies_leaves_its_pieces_to_others(tmp_path: Path) -> None:
    fill(tmp_path / "data", 30)
    words = [str(tmp_path / "data"), str(tmp_path / "cache"), str(tmp_path / "go")]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    (tmp_path / "go").touch()
    killed = subprocess.Popen([sys.executable, "-c", MACHINE, "one", *words], stdout=subprocess.PIPE, env=paths)
    records = tmp_path / "cache"
    deadline = time.monotonic() + 240
    while len(list(records.glob("*/piece-*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    other = subprocess.run([sys.executable, "-c", MACHINE, "other", *words], capture_output=True, text=True, env=paths)
    assert other.returncode == 0, other.stderr
    pieces = [line for line in other.stdout.split() if line.startswith("piece")]
    assert 0 < len(pieces) < 30
    assert task(tmp_path).load().digest() == other.stdout.split()[-1]
