"""Failures that have a wording of their own."""


class StartError(Exception):
    """The process cannot start: bad argument, file or symbol. One line for stderr, exit code 2."""


class ApiError(Exception):
    """A request refused with HTTP 200 and a `retCode` (docs/v5/error)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


def params_error(what: str) -> ApiError:
    """10001, worded as captured from the venue (`params error: side invalid`)."""
    return ApiError(10001, f"params error: {what}")
