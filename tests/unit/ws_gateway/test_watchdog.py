"""What counts as silence."""

from hedgegrid.ws_gateway.watchdog import PublicWatchdog, Verdict, check_private


def test_fresh_connection_is_trusted_for_ten_seconds() -> None:
    dog = PublicWatchdog(("A", "B"), live_ms=1000)
    assert dog.check([], 10_999) == Verdict()
    assert dog.check([], 11_000).replace.startswith("no frame of any symbol")


def test_silence_of_one_symbol_is_told_once_and_costs_the_socket_later() -> None:
    dog = PublicWatchdog(("A", "B"), live_ms=0)
    assert dog.check([("A", 500), ("B", 500)], 1000) == Verdict()
    assert dog.check([("A", 10_400)], 10_500) == Verdict(stale=(("B", 10_000),))
    assert dog.is_stale()
    assert dog.check([("A", 11_000)], 11_100) == Verdict()
    assert dog.check([("A", 20_400)], 20_500) == Verdict("no frame of B for 20000 ms")


def test_symbol_that_speaks_again_can_be_told_stale_again() -> None:
    dog = PublicWatchdog(("A", "B"), live_ms=0)
    dog.check([("A", 500), ("B", 500)], 1000)
    dog.check([("A", 10_400)], 10_500)
    assert dog.check([("A", 12_000), ("B", 12_000)], 12_500) == Verdict()
    assert not dog.is_stale()
    assert dog.check([("A", 22_000)], 22_000) == Verdict(stale=(("B", 10_000),))


def test_symbol_never_heard_costs_a_socket_only_once_a_minute() -> None:
    dog = PublicWatchdog(("A", "B"), live_ms=0)
    assert dog.check([("A", 30_000)], 30_000) == Verdict(stale=(("B", 30_000),))
    assert dog.check([("A", 59_000)], 59_999) == Verdict()
    assert dog.check([("A", 60_000)], 60_000) == Verdict("no frame of B for 60000 ms")


def test_private_socket_lives_by_its_pongs() -> None:
    assert check_private(14_000) == Verdict()
    assert check_private(14_001) == Verdict("no pong for 14001 ms")
