"""Lines of a tape file with their numbers: plain, gzip, or the single member of a zip."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
Lines = Iterator[tuple[int, bytes]]
T = TypeVar("T")


class TapeError(Exception):
    """A tape cannot be read further: `FILE line N: what`."""

    def __init__(self, file: str, line: int | None, what: str) -> None:
        place = f"{file} line {line}" if line is not None else file
        super().__init__(f"{place}: {what}")


def numbered_lines(path: Path) -> Lines:
    """(line number from 1, line without its end) of each non-empty line.

    Raises:
        TapeError: unreadable, or compressed data that is broken or cut off.
    """
    number = 0
    try:
        with _decompressed(path) as stream:
            for number, line in enumerate(stream, 1):
                text = line.rstrip(b"\r\n")
                if text:
                    yield number, text
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise TapeError(str(path), number + 1, f"compressed data is broken or cut off ({error})") from error
    except OSError as error:
        raise TapeError(str(path), None, error.strerror or str(error)) from error


@contextmanager
def _decompressed(path: Path) -> Iterator[Iterable[bytes]]:
    with path.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(GZIP_MAGIC):
            with gzip.open(raw) as stream:
                yield stream
        elif magic == ZIP_MAGIC:
            with zipfile.ZipFile(raw) as archive:
                names = archive.namelist()
                if len(names) != 1:
                    raise TapeError(str(path), None, f"a zip with {len(names)} members, expected one")
                with archive.open(names[0]) as stream:
                    yield stream
        else:
            yield raw


def decoded(path: Path, lines: Lines, decode: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
    """Each line through `decode`; a failure there becomes one TapeError that names the line."""
    for number, line in lines:
        try:
            value = decode(line)
        except (ValueError, KeyError, IndexError, TypeError, ArithmeticError) as error:
            shown = line[:80].decode("utf-8", "replace")
            raise TapeError(str(path), number, f"{_reason(error)}: {shown!r}") from error
        yield number, value


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"field {error} is missing"
    if isinstance(error, IndexError):
        return "too few fields"
    if isinstance(error, InvalidOperation):
        return "not a number"
    return str(error) or type(error).__name__


def positive(text: str) -> Decimal:
    """A finite decimal above zero.

    Raises:
        ValueError: it is not.
    """
    value = Decimal(text)
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{text!r} is not above 0")
    return value


def not_negative(text: str) -> Decimal:
    """A finite decimal, zero allowed.

    Raises:
        ValueError: it is not.
    """
    value = Decimal(text)
    if not value.is_finite() or value < 0:
        raise ValueError(f"{text!r} is not a number from 0 up")
    return value
