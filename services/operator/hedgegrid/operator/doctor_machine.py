"""This machine: Python, packages, disk, secrets on it, and whether its settings fit together."""

import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hedgegrid.operator.finding import Finding, fail, ok, unknown, warn
from hedgegrid.runtime.config import SystemConfig
from hedgegrid.runtime.settings import ServiceSettings, misspelt_variables

OLDEST_PYTHON = (3, 11)
DISK_WARN_BYTES, DISK_FAIL_BYTES = 5 * 2**30, 2**30
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+))?", re.MULTILINE)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def python(lock: Path) -> Iterator[Finding]:
    """The interpreter, and whether packages are those of the lock file."""
    name = f"python {platform.python_version()}"
    if sys.version_info < OLDEST_PYTHON:
        yield fail(name, "too old", "use Python 3.11 or newer")
    if not lock.is_file():
        yield ok(name, "installed without a lock file beside it, as in an image")
        return
    wrong = _other_packages(lock.read_text())
    if wrong:
        yield warn(name, f"other packages than {lock.name} has: {', '.join(wrong)}", "run scripts/venv.sh")
    else:
        yield ok(name, f"all packages as {lock.name} has them")


def _other_packages(lock: str) -> list[str]:
    """A package may have a version per platform or Python, each behind a marker, and be absent where none holds."""
    pins: dict[str, list[tuple[str, str]]] = {}
    for package, pinned, marker in _PIN.findall(lock):
        pins.setdefault(package, []).append((pinned, marker))
    wrong = []
    for package, known in pins.items():
        versions = [pinned for pinned, _ in known]
        try:
            found = version(package)
        except PackageNotFoundError:
            if not all(marker for _, marker in known):
                wrong.append(f"{package} is missing")
            continue
        if found not in versions:
            wrong.append(f"{package} {found} instead of {' or '.join(versions)}")
    return wrong


def disk(folders: Mapping[str, Path]) -> Iterator[Finding]:
    """Room where something is kept; `folders` by what for."""
    for what, folder in folders.items():
        there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
        free = shutil.disk_usage(there).free
        text = f"{free / 2**30:.1f} GiB free for {what} ({folder})"
        fix = "make room: a full disk stops the money server's writes, and with them all trading"
        verdict = fail if free < DISK_FAIL_BYTES else warn
        yield ok("disk", text) if free >= DISK_WARN_BYTES else verdict("disk", text, fix)


def secrets(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Every file that a HEDGEGRID_*_FILE variable names: there, and for nobody else to read."""
    for variable, value in sorted(environ.items()):
        if not (variable.startswith("HEDGEGRID_") and variable.endswith("_FILE") and value):
            continue
        path = Path(value)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            yield fail(variable, f"{path} cannot be read: {error.strerror}", "make the file, or unset the variable")
            continue
        if mode & _OTHERS:
            yield warn(variable, f"{path} may be used by others ({stat.filemode(mode)})", f"chmod 600 {path}")
        else:
            yield ok(variable, f"{path} is for its owner alone")
    for variable in sorted(environ):
        if re.fullmatch(r"HEDGEGRID_[A-Z0-9_]+_API_SECRET", variable) and environ[variable]:
            fix = f"put it in a file for the owner alone and name that in {variable}_FILE"
            yield warn(variable, "the secret stands in the environment, where docker inspect shows it", fix)


def settings(config: SystemConfig, given: ServiceSettings) -> Iterator[Finding]:
    """Mode, permission for real orders, and addresses that stand for the venue's."""
    mode, replaced = config.mode, given.bybit_rest_url is not None
    if mode == "live" and given.allow_live != "yes":
        fix = "HEDGEGRID_ALLOW_LIVE=yes, when you mean it"
        yield fail("mode live", "real orders are not permitted by this environment", fix)
    elif mode == "live":
        yield ok("mode live", "real orders are permitted: this is real money")
    else:
        yield ok(f"mode {mode}", "no real money")
    if mode == "paper" and not replaced:
        fix = "set HEDGEGRID_BYBIT_REST_URL and the two socket URLs, as docker compose and the demo do"
        yield unknown("mode paper", "this environment names no simulated exchange", fix)
    if mode in ("live", "demo", "testnet") and replaced:
        fix = f'unset HEDGEGRID_BYBIT_*_URL for mode {mode}, or set mode = "paper"'
        yield fail(f"mode {mode}", "HEDGEGRID_BYBIT_REST_URL sends requests to another host than the venue's", fix)
    dry = [account.id for account in config.accounts if account.dry_run]
    if dry:
        yield ok("dry run", f"accounts that send nothing: {', '.join(dry)}")
    for text in misspelt_variables():
        yield warn("environment", text, "rename it")
