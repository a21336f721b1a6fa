"""The same seed and input give the same bytes in any process, and the sequence of messages is as documented."""

import os
import subprocess
import sys

import pytest

from tests.unit.venue.transcripts import LIVES, reports_of, short, transcript


@pytest.mark.parametrize("name", LIVES)
def test_the_sequence_of_reports(name: str) -> None:
    assert tuple(short(report) for report in reports_of(name)) == LIVES[name].expected


@pytest.mark.parametrize("name", LIVES)
def test_the_transcript_is_the_same_in_a_process_that_hashes_differently(name: str) -> None:
    """Sets and dicts keyed by hash would show here."""
    here = transcript(reports_of(name))
    command = [sys.executable, "-m", "tests.unit.venue.transcripts", name]
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        there = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        assert there == here
    assert b"OrderReport" in here or b"ExecutionReport" in here
