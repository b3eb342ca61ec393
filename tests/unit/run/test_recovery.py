"""The recovery folder: created and checked, so that no offsets are mixed or lost."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.run.recovery import MANIFEST
from tests.unit.run.recovery_folders import (
    CONTRACT,
    error_text,
    let_go,
    open_folder,
    parts,
    snapshot,
)


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """Missing parents are made; others can neither read nor write: the store is unpickled."""
    path = tmp_path / "a" / "state"
    open_folder(path, partitions=3)
    assert path.stat().st_mode & 0o777 == 0o700
    assert parts(path) == ["part-0.sqlite3", "part-1.sqlite3", "part-2.sqlite3"]


def test_a_folder_is_opened_again(tmp_path: Path) -> None:
    """The same flow goes on in it; another number of partitions asked for changes nothing."""
    let_go(open_folder(tmp_path, partitions=2))
    content = (tmp_path / MANIFEST).read_text()
    let_go(open_folder(tmp_path, partitions=5))
    assert (tmp_path / MANIFEST).read_text() == content
    assert parts(tmp_path) == ["part-0.sqlite3", "part-1.sqlite3"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707, 0o720])
def test_a_folder_that_others_can_write_stops(tmp_path: Path, mode: int) -> None:
    """A user who can write the store can run code in the flow, since it is unpickled."""
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(mode)
    text = error_text(path)
    assert "chmod" in text


@pytest.mark.parametrize("what", ["file", "below a file"])
def test_a_path_that_can_be_no_folder(tmp_path: Path, what: str) -> None:
    """The text has the path; it is not a traceback."""
    file = tmp_path / "file"
    file.write_text("x")
    path = file if what == "file" else file / "state"
    assert str(path) in error_text(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shards": 32}, ["shards", "64", "32"]),
        ({"flow": "other"}, ["flow", "'sync'", "'other'"]),
        ({"steps": ["sync.read", "sync.win", "sync.write"]}, ["steps", "sync.win"]),
        ({"steps": ["sync.read"]}, ["steps"]),
        ({"more": 1}, ["more", "None", "1"]),
    ],
)
def test_another_contract_stops(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    """Other shards, steps or flow would orphan rows: both values and the remedy are in the text."""
    let_go(open_folder(tmp_path))
    before = (tmp_path / MANIFEST).read_text()
    text = error_text(tmp_path, **change)
    for word in (str(tmp_path), "remedy", *words):
        assert word in text
    assert (tmp_path / MANIFEST).read_text() == before
    let_go(open_folder(tmp_path))


def test_a_refusal_lets_go_of_the_folder(tmp_path: Path) -> None:
    """A failed start does not lock the right one out, even while its error is kept."""
    let_go(open_folder(tmp_path))
    with pytest.raises(StopRun, match="shards") as kept:
        open_folder(tmp_path, shards=1)
    let_go(open_folder(tmp_path))
    del kept


def test_the_store_of_another_flow_stops(tmp_path: Path) -> None:
    """A store without a manifest that holds other steps' state is not ours to take."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).unlink()
    snapshot(tmp_path, "shop.orders", "sync.read")
    text = error_text(tmp_path)
    assert "shop.orders" in text
    assert "sync.read" not in text
    assert "remedy" in text
    error_text(tmp_path)  # the first error did not make it ours


def test_our_own_store_without_a_manifest_is_adopted(tmp_path: Path) -> None:
    """The manifest was lost: a store with our steps' state, or with none, goes on."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).unlink()
    snapshot(tmp_path, "sync.read", "sync.window")
    let_go(open_folder(tmp_path))
    assert json.loads((tmp_path / MANIFEST).read_text())["contract"] == CONTRACT


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"contract": ',
        b"null",
        b"[]",
        b'"x"',
        b'{"partitions": 2, "contract": 5}',
    ],
)
def test_a_damaged_manifest_stops(tmp_path: Path, content: bytes) -> None:
    """Whatever stands there instead, the text names the file and the ways out."""
    let_go(open_folder(tmp_path))
    (tmp_path / MANIFEST).write_bytes(content)
    text = error_text(tmp_path)
    assert str(tmp_path / MANIFEST) in text
    assert "backup" in text


@pytest.mark.parametrize("lost", [["part-0.sqlite3"], ["part-0.sqlite3", "part-1.sqlite3"]])
def test_lost_parts_stop(tmp_path: Path, lost: list[str]) -> None:
    """Some or all of the store is gone: starting again silently would skip or repeat."""
    let_go(open_folder(tmp_path))
    for name in lost:
        (tmp_path / name).unlink()
    text = error_text(tmp_path)
    for word in (str(tmp_path), "backup", "kafka.start"):
        assert word in text


def test_a_start_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    """Every state that a killed first start can leave behind is taken up by the next one."""
    whole = tmp_path / "whole"
    let_go(open_folder(whole))
    manifest = json.loads((whole / MANIFEST).read_text())
    noted = {"partitions": 2}
    states: dict[str, tuple[list[str], list[str], dict[str, Any] | None]] = {
        # name: (files aside, files in place, manifest)
        "locked only": ([], [], None),
        "half made": (["part-0.sqlite3"], [], None),
        "made": (["part-0.sqlite3", "part-1.sqlite3"], [], None),
        "noted": (["part-0.sqlite3", "part-1.sqlite3"], [], noted),
        "half moved": (["part-1.sqlite3"], ["part-0.sqlite3"], noted),
        "moved": ([], ["part-0.sqlite3", "part-1.sqlite3"], noted),
        "done": ([], ["part-0.sqlite3", "part-1.sqlite3"], manifest),
    }
    for name, (aside, in_place, content) in states.items():
        path = tmp_path / name
        (path / "store.new").mkdir(parents=True)
        for file in aside:
            shutil.copy(whole / file, path / "store.new" / file)
        for file in in_place:
            shutil.copy(whole / file, path / file)
        if not aside:
            (path / "store.new").rmdir()
        if content is not None:
            (path / MANIFEST).write_text(json.dumps(content))
        (path / f"{MANIFEST}.new").write_text("{half")
        let_go(open_folder(path))
        assert parts(path) == ["part-0.sqlite3", "part-1.sqlite3"], name
        assert not (path / "store.new").exists()
        assert json.loads((path / MANIFEST).read_text())["contract"] == CONTRACT


def test_starts_are_remembered(tmp_path: Path) -> None:
    """Where each partition began; over runs, and distinct by topic and number."""
    folder = open_folder(tmp_path)
    assert folder.start_of("orders:0") is None
    folder.remember_starts({"orders:0": 7})
    folder.remember_starts({"orders:1": 0})
    let_go(folder)
    folder = open_folder(tmp_path)
    assert (folder.start_of("orders:0"), folder.start_of("orders:1")) == (7, 0)
    assert folder.start_of("orders:2") is None
    assert sorted(folder.known_partitions()) == ["orders:0", "orders:1"]


def test_what_the_first_run_found_stays(tmp_path: Path) -> None:
    """Partitions and cluster of the first run are kept, whatever later ones see."""
    folder = open_folder(tmp_path)
    assert folder.partitions_of_first_run(["b:0", "a:0"]) == ["a:0", "b:0"]
    assert folder.cluster_id("one") == "one"
    assert folder.topic_id("orders", "id-1") == "id-1"
    let_go(folder)
    folder = open_folder(tmp_path)
    assert folder.partitions_of_first_run(["c:0"]) == ["a:0", "b:0"]
    assert folder.cluster_id("two") == "one"
    assert folder.topic_id("orders", "id-2") == "id-1"
    assert folder.topic_id("clicks", "id-3") == "id-3"


def test_a_recreated_topic_is_noted_with_its_starts(tmp_path: Path) -> None:
    """Id and starts go together, over runs, until each partition has state of the new topic."""
    folder = open_folder(tmp_path)
    folder.topic_id("orders", "id-1")
    folder.replace_topic("orders", "id-2", {"orders:0": 5, "orders:1": 0})
    folder.replace_topic("orders", "id-2", {"orders:0": 99})  # by another process, later
    let_go(folder)
    folder = open_folder(tmp_path)
    assert folder.topic_id("orders", "id-9") == "id-2"
    assert (folder.new_start_of("orders:0"), folder.new_start_of("orders:1")) == (5, 0)
    assert folder.new_start_of("clicks:0") is None
    folder.forget_new_start("orders:0")
    folder.forget_new_start("clicks:0")
    let_go(folder)
    folder = open_folder(tmp_path)
    assert (folder.new_start_of("orders:0"), folder.new_start_of("orders:1")) == (None, 0)


def test_the_manifest_is_whole_at_any_moment(tmp_path: Path) -> None:
    """It is replaced, never written in place: a reader sees the old one or the new one."""
    folder = open_folder(tmp_path)
    with (tmp_path / MANIFEST).open() as before:
        folder.remember_starts({"orders:0": 1})
        assert "orders:0" not in before.read(), "the old file is another file"
    assert "orders:0" in (tmp_path / MANIFEST).read_text()
    assert not (tmp_path / f"{MANIFEST}.new").exists()


def test_the_manifest_can_be_read_by_people(tmp_path: Path) -> None:
    """JSON, a line a value, sorted."""
    folder = open_folder(tmp_path)
    folder.remember_starts({"orders:0": 1})
    text = (tmp_path / MANIFEST).read_text()
    assert re.search(r'^ "contract": \{$', text, re.MULTILINE)
    assert list(json.loads(text)) == sorted(json.loads(text))
