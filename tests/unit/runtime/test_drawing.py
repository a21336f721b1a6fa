"""Drawing where matplotlib is not installed, as in the images."""

import sys

import pytest

from hedgegrid.runtime.drawing import load_pyplot
from hedgegrid.runtime.errors import ConfigError


def test_a_missing_library_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match="pictures need matplotlib, which the images leave out"):
        load_pyplot()
