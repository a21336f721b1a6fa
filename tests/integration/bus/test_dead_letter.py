"""An unreadable entry is kept once, by whichever of its readers comes first."""

import uuid
from typing import Any

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.dead_letter import set_aside, set_aside_raw
from hedgegrid.bus.reader import Entry


@pytest.fixture
def stream() -> str:
    return keys.events(uuid.uuid4().hex[:8])


def entry(stream: str, number: int) -> Entry:
    return Entry(stream, f"{number}-7", {b"__data__": b"garbage %d" % number})


def letters_of(client: redis.Redis, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    rows: Any = client.xrange(keys.dead(stream))
    return [(at, fields) for at, fields in rows]


def test_many_readers_leave_one_letter_of_each_entry(redis_url: str, stream: str) -> None:
    readers = [connect(redis_url, f"reader-{number}") for number in range(3)]
    for number in (5, 6):
        for reader in readers:
            set_aside(reader, entry(stream, number), "unreadable")
    letters = letters_of(readers[0], stream)
    assert [(at, fields[b"raw"], fields[b"id"]) for at, fields in letters] == [
        (b"5-7", b"garbage 5", b"5-7"),
        (b"6-7", b"garbage 6", b"6-7"),
    ]
    for reader in readers:
        reader.close()


def test_a_younger_letter_before_it_costs_no_entry_and_doubles_none(redis_url: str, stream: str) -> None:
    client = connect(redis_url, "reader")
    set_aside_raw(client, stream, b"a frame of today", "unreadable")
    for _ in range(3):
        set_aside(client, entry(stream, 5), "unreadable")
        set_aside(client, entry(stream, 6), "unreadable")
    letters = [fields for _, fields in letters_of(client, stream)]
    assert [fields[b"raw"] for fields in letters] == [b"a frame of today", b"garbage 5", b"garbage 6"]
    assert [fields[b"id"] for fields in letters] == [b"", b"5-7", b"6-7"]
    client.close()


def test_an_entry_without_the_data_field_is_kept_as_it_was(redis_url: str, stream: str) -> None:
    client = connect(redis_url, "reader")
    set_aside(client, Entry(stream, "9-0", {b"other": b"1"}), "no field")
    ((_, fields),) = letters_of(client, stream)
    assert fields[b"raw"] == b"{b'other': b'1'}"
    client.close()
