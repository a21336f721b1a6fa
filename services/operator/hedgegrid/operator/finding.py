"""One thing that `hedgegrid doctor` has looked at."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    UNKNOWN = "?"
    """It could not be looked at; says why."""


class Finding(NamedTuple):
    """`fix` says what to do about it; "" where nothing is wrong."""

    verdict: Verdict
    subject: str
    text: str
    fix: str = ""


def ok(subject: str, text: str) -> Finding:
    return Finding(Verdict.OK, subject, text)


def warn(subject: str, text: str, fix: str) -> Finding:
    return Finding(Verdict.WARN, subject, text, fix)


def fail(subject: str, text: str, fix: str) -> Finding:
    return Finding(Verdict.FAIL, subject, text, fix)


def unknown(subject: str, text: str, fix: str = "") -> Finding:
    return Finding(Verdict.UNKNOWN, subject, text, fix)
