"""Failures that have a wording of their own."""


class StartError(Exception):
    """The process cannot start: bad argument, file or symbol. One line for stderr, exit code 2."""


class TapeError(StartError):
    """A tape cannot be read further: `FILE line N: what`."""

    def __init__(self, file: str, line: int | None, what: str) -> None:
        place = f"{file} line {line}" if line is not None else file
        super().__init__(f"{place}: {what}")


class ApiError(Exception):
    """A request refused with HTTP 200 and a `retCode` (docs/v5/error)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def params_error(what: str) -> ApiError:
    """10001, worded as captured from the venue (`params error: side invalid`)."""
    return ApiError(10001, f"params error: {what}")
