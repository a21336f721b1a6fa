"""The Dockerfile passes hadolint. What Compose says of its file: tests/compose."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HADOLINT = Path(sys.prefix, "bin", "hadolint")


@pytest.mark.skipif(sys.platform != "linux", reason="hadolint's wheel is for Linux")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
