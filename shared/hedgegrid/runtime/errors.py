"""Errors which a person must fix before a service can start."""


class ConfigError(Exception):
    """Wrong or missing configuration; one line naming the field and the fix, never a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
