"""A process that has ended is told from one that lives, and from one that cannot be known."""

import os
import subprocess
import sys

import pytest

from hedgegrid.executor.process_identity import has_ended, own_name

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_we_have_not_ended() -> None:
    assert not has_ended(own_name())


def test_an_ended_process_is_known_to_have_ended() -> None:
    script = "from hedgegrid.executor.process_identity import own_name; print(own_name(), flush=True); input()"
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], env=environ, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        assert not has_ended(name)
        other.stdin.close()
        other.wait()
        assert has_ended(name)


def test_a_number_that_was_given_again_is_another_process() -> None:
    place, number, began = own_name().split(".")
    assert has_ended(f"{place}.{number}.{int(began) - 1}")


@pytest.mark.parametrize("change", ["machine", "random"])
def test_nothing_is_said_of_a_process_elsewhere(change: str) -> None:
    place, number, began = own_name().split(".")
    other = {"machine": f"{'0' * len(place)}.{number}.{int(began) - 1}", "random": "4f2a9c01d7e8b3a6"}
    assert not has_ended(other[change])
