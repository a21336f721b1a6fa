"""What a test does when a real component (a server, recorded data, a browser) is not here."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skips by name on a desk; fails in CI, where everything must have been installed."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have it: {what}", pytrace=False)
    pytest.skip(what)
