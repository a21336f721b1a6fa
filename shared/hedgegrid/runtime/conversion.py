"""Turn plain data into a typed struct, or into one error naming the field, the fault, the fix."""

import difflib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import inspect

from hedgegrid.runtime.errors import ConfigError

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*) - at `\$(?P<path>.*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_LEADING_NAME = re.compile(r"^(?P<name>\w+):? (?P<rest>.*)$", re.DOTALL)
_SECRET = re.compile(r"api[_-]?key|secret|password|passphrase", re.IGNORECASE)


def convert_table(table: Mapping[str, object], type_: type[T], where: str, also_known: Iterable[str] = ()) -> T:
    """Convert `table` to `type_` (a msgspec Struct or dataclass), refusing unknown keys.

    `where` is the path of the table in messages, "" at the top; `also_known` are keys which belong
    beside it and serve for suggestions. Raises ConfigError.
    """
    fields = _fields(type_)
    for key in table:
        if key not in fields:
            raise ConfigError(_unknown(key, (*fields, *also_known), where))
    _refuse_non_finite(table, where)
    try:
        return msgspec.convert(table, type_)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), table, fields, where)) from error
    except ArithmeticError as error:  # a NaN written as a string, met by a comparison
        raise ConfigError(f"{where or 'config'}: a value is not a finite number") from error


def refuse_secrets(table: Mapping[str, object], where: str) -> None:
    """Raise ConfigError for a key which looks like a credential: the file is no place for one."""
    for key in table:
        if _SECRET.search(key):
            raise ConfigError(
                f"{join(where, key)}: secrets do not belong in this file; set "
                "HEDGEGRID_<ACCOUNT>_API_KEY and HEDGEGRID_<ACCOUNT>_API_SECRET (or …_FILE)"
            )


def join(where: str, name: str) -> str:
    """Return the path of `name` within `where`."""
    return f"{where}.{name}" if where else name


def field_names(type_: type[object]) -> frozenset[str]:
    """Return the keys which a msgspec Struct or dataclass takes."""
    return frozenset(_fields(type_))


def missing_key(key: str, table: Iterable[str], where: str) -> str:
    """Return the message for an absent key, with the key that may have been meant for it."""
    near = difflib.get_close_matches(key, list(table), n=1, cutoff=0.7)
    hint = f"; is {near[0]} a misspelling of it?" if near else ""
    return f"{join(where, key)}: missing, and it has no default{hint}"


def _fields(type_: type[object]) -> dict[str, inspect.Field]:
    info = inspect.type_info(type_)
    if not isinstance(info, inspect.StructType | inspect.DataclassType):
        raise TypeError(f"{type_!r} is neither a msgspec Struct nor a dataclass")
    return {field.encode_name: field for field in info.fields}


def _unknown(key: str, known: tuple[str, ...], where: str) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
    return f"{join(where, key)}: unknown key; {hint}"


def _refuse_non_finite(value: object, where: str) -> None:
    """TOML has nan and inf; no setting of ours does."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_non_finite(item, join(where, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_non_finite(item, f"{where}[{index}]")
    elif (isinstance(value, Decimal) and not value.is_finite()) or (
        isinstance(value, str) and re.fullmatch(r"\s*[+-]?(s?nan|inf|infinity)\s*", value, re.I)
    ):
        raise ConfigError(f"{where}: must be a finite number, got {value}")


def _explain(problem: str, table: Mapping[str, object], fields: Mapping[str, inspect.Field], where: str) -> str:
    at = _AT.match(problem)
    path = at["path"].lstrip(".") if at else ""
    what = at["what"] if at else problem
    missing = _MISSING.match(what)
    if missing:
        return missing_key(missing["name"], (), join(where, path) if path else where)
    named = _LEADING_NAME.match(what)
    if not path and named and named["name"] in fields:  # raised by __post_init__
        return f"{join(where, named['name'])}: {named['rest']}"
    what = what.replace("`", "").replace("Expected decimal", "Expected number")
    top = re.split(r"[.\[]", path, maxsplit=1)[0]
    field = fields.get(top)
    if field is not None and what.startswith("Invalid enum value"):
        what = f"expected one of {_choices(field.type)}"
    if path == top and top in table:  # msgspec says only of which type it is
        value = table[top]
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        what = f"{what.split(', got ')[0]}, got {shown}"
    return f"{join(where, path) or 'config'}: {what[:1].lower()}{what[1:]}"


def _choices(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType):
        return ", ".join(repr(value) for value in kind.values)
    if isinstance(kind, inspect.EnumType):
        return ", ".join(repr(member.value) for member in kind.cls)
    if isinstance(kind, inspect.UnionType):
        return ", ".join(filter(None, (_choices(each) for each in kind.types)))
    return ""
