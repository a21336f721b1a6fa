"""Single values of venue rows: strings that hold numbers, sometimes empty or missing, sometimes real numbers."""

from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TypeVar

Value = str | int | float | None
"""What the venue may write for a number: almost always a string; `""` and absence both mean "none"."""

ZERO = Decimal(0)
MOST_DIGITS = 30
"""No market needs more; 1E+999999 would overflow arithmetic or print a megabyte."""

EnumT = TypeVar("EnumT", bound=Enum)


class ParseError(ValueError):
    """A venue row that cannot be understood; names the field and shows its value."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        super().__init__(f"{field}={value!r}: {problem}")
        self.field = field
        self.value = value


def decimal_or_none(field: str, value: Value) -> Decimal | None:
    """Exact number, None where the venue gives none.

    Raises:
        ParseError: not a finite number.
    """
    if value is None or value == "":
        return None
    try:
        number = Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        raise ParseError(field, value, "not a number") from None
    if not number.is_finite():
        raise ParseError(field, value, "not a finite number")
    if number and abs(number.adjusted()) > MOST_DIGITS:
        raise ParseError(field, value, f"more than {MOST_DIGITS} digits before or behind the point")
    return number


def decimal(field: str, value: Value) -> Decimal:
    """Exact number; a field that must be there.

    Raises:
        ParseError: missing, empty or no finite number.
    """
    number = decimal_or_none(field, value)
    if number is None:
        raise ParseError(field, value, "missing, but needed")
    return number


def decimal_or_zero(field: str, value: Value) -> Decimal:
    """Exact number; "" and absence count as zero, as the venue means them in quantities and sums."""
    number = decimal_or_none(field, value)
    return ZERO if number is None else number


def integer_or_none(field: str, value: Value) -> int | None:
    """Whole number such as a time in ms or a sequence; None where the venue gives none.

    Raises:
        ParseError: not a whole number.
    """
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise ParseError(field, value, "not a whole number") from None
    if isinstance(value, float) and number != value:
        raise ParseError(field, value, "not a whole number")
    return number


def text(field: str, value: str | None) -> str:
    """Text that must be there.

    Raises:
        ParseError: missing or empty.
    """
    if not value:
        raise ParseError(field, value, "missing, but needed")
    return value


def member(kind: type[EnumT], field: str, value: str | None) -> EnumT:
    """Member of an enumeration spelled as the venue spells it.

    Raises:
        ParseError: a word this version does not know.
    """
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(item.value) for item in kind)
        raise ParseError(field, value, f"unknown, expected one of {known}") from None
