"""A struct as fields of a Redis hash, one for each of its own: what did not change need not be written again."""

from collections.abc import Mapping

import msgspec

PREFIX = "state:"


def names_of(type_: type[msgspec.Struct]) -> list[str]:
    """Hash fields of a struct, in the order of its own."""
    return [PREFIX + name for name in type_.__struct_fields__]


def to_fields(struct: msgspec.Struct) -> dict[str, bytes]:
    """Values as JSON by hash field."""
    return {PREFIX + name: msgspec.json.encode(getattr(struct, name)) for name in struct.__struct_fields__}


def to_json(fields: Mapping[str, bytes]) -> bytes:
    """The struct as one JSON object; fields of the hash that are none of it are passed over."""
    own = ((name.removeprefix(PREFIX), value) for name, value in fields.items() if name.startswith(PREFIX))
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in own) + b"}"
