"""How hard the kill switch of an account stops it."""

from enum import IntEnum


class KillLevel(IntEnum):
    """Each forbids what the one before it does, and more. 0 stands for "not thrown" where a number is needed."""

    PAUSE = 1
    """Nothing that adds exposure is sent; take-profits and closing go on."""
    CANCEL = 2
    """Nothing rests at the venue; positions stay."""
    FLATTEN = 3
    """Nothing rests and every position is closed at market."""
