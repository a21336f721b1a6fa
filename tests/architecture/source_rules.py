"""The rules as functions of source text, so that each can be shown to report a violation."""

import ast
from collections.abc import Iterator

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}

# The clock, the dice and the outside world: what a pure part gets as arguments instead.
IMPURE_MODULES = {
    "asyncio", "concurrent", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "socket", "subprocess", "sys", "threading", "time", "uuid",
    "aiohttp", "faststream", "prometheus_client", "pybit", "pydantic", "pydantic_settings", "redis",
}  # fmt: skip
CLOCK_CALLS = {"now", "utcnow", "today"}
IMPURE_CALLS = {"open", "print", "input"}


def impurities(source: str) -> Iterator[str]:
    """Imports, clock reads, I/O and floats that have no place in a pure part."""
    tree = ast.parse(source)
    refusals = set(_type_tests(tree))
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.split(".")[0] in IMPURE_MODULES:
                        yield f"{line}: imports {alias.name}"
            case ast.ImportFrom(module=str(name)) if name.split(".")[0] in IMPURE_MODULES:
                yield f"{line}: imports {name}"
            case ast.Attribute(attr=name) if name in CLOCK_CALLS:
                yield f"{line}: reads the clock (.{name})"
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield f"{line}: does I/O ({name})"
            case ast.Name(id="float") if node not in refusals:
                yield f"{line}: float: money and sizes are Decimal"
            case ast.Constant(value=float()):
                yield f"{line}: float literal {node.value!r}: write Decimal('…')"


def _type_tests(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands inside isinstance(...): the way to refuse a float is to name it there."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
                yield from ast.walk(kinds)


def long_functions(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {lines} lines (at most {MAX_FUNCTION_LINES})"


def too_long(source: str) -> bool:
    return len(source.splitlines()) > MAX_FILE_LINES
