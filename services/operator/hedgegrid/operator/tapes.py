"""A first look at tape files, before anything is started: are they there, and whose prices do they hold?

The exchange-sim reads and judges them; this only finds the symbols, to know which bots to run.
"""

import gzip
import re
import zipfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from hedgegrid.runtime.errors import ConfigError

_LINES_READ = 200
_SYMBOL = r"[A-Z0-9]{1,20}USDT"
_IN_NAME = re.compile(rf"(?:^|[^A-Z0-9])({_SYMBOL})(?![A-Z0-9])")
_IN_FRAME = re.compile(rf"(?:tickers|publicTrade|orderbook\.\d+)\.({_SYMBOL})\b")
_SENT_BY_CLIENT = re.compile(r'^\{"t": ?"send".*$', re.MULTILINE)
"""A capture holds our side too, and a subscription is no promise of data."""
_RAW_LINE = re.compile(rb"\d{16,19} \{")


def check_readable(path: Path) -> None:
    """Raise ConfigError unless `path` is a file that can be read."""
    if path.is_dir():
        raise ConfigError(f"--tape {path}: is a folder; name a file")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ConfigError(f"--tape {path}: the file is empty")
    except OSError as error:
        raise ConfigError(f"--tape {path}: {error.strerror}") from error


def symbols_of(paths: Iterable[Path]) -> tuple[str, ...]:
    """Symbols the tapes hold, by file name or else by the first lines; empty when that tells nothing."""
    found: dict[str, None] = {}
    for path in paths:
        in_name = _IN_NAME.findall(path.name)
        received = _SENT_BY_CLIENT.sub("", _head(path).decode(errors="replace"))
        found.update(dict.fromkeys(in_name or _IN_FRAME.findall(received)))
    return tuple(found)


def is_raw_feed(path: Path) -> bool:
    """Tell whether the file is a raw futures feed: `<ns> {json}` lines."""
    return _RAW_LINE.match(_head(path, 1)) is not None


def _head(path: Path, lines: int = _LINES_READ) -> bytes:
    """The first lines, decompressed; empty when the file cannot be read as what its name says."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return b"".join(islice(file, lines))
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
                return b"".join(islice(member, lines))
        with path.open("rb") as file:
            return b"".join(islice(file, lines))
    except (OSError, EOFError, zipfile.BadZipFile, IndexError):
        return b""
