"""Cursors survive clients that return them verbatim and clients that encode them again."""

from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest

from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.rest.pages import page

ITEMS = [f"id-{i}" for i in range(7)]


def walk(received: Callable[[str], str]) -> list[str]:
    seen: list[str] = []
    cursor = ""
    while True:
        part, cursor = page(ITEMS, str, 3, cursor)
        seen += part
        if not cursor:
            return seen
        cursor = received(cursor)


@pytest.mark.parametrize("received", [unquote, lambda cursor: unquote(quote(cursor)), str])
def test_every_row_once(received: Callable[[str], str]) -> None:
    assert walk(received) == ITEMS


def test_new_rows_in_front_do_not_shift_a_page() -> None:
    _, cursor = page(ITEMS, str, 3, "")
    part, _ = page(["new", *ITEMS], str, 3, unquote(cursor))
    assert part == ITEMS[3:6]


def test_nonsense_is_refused_and_a_lost_row_ends_the_list() -> None:
    with pytest.raises(ApiError, match="10001"):
        page(ITEMS, str, 3, "garbage")
    assert page(ITEMS, str, 3, "page_args=gone&") == ([], "")
