"""Where the source is."""

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tests.real_components import missing

ROOT = Path(__file__).resolve().parents[2]
PURE_PARTS = (
    "shared/hedgegrid/domain",
    "shared/hedgegrid/messages",
    "shared/hedgegrid/venue",
    "services/strategy/hedgegrid/strategy/core",
)


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tracked_files() -> list[Path]:
    """What git has, or would have at the next `git add`."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        missing("a git checkout, which says what belongs to the repository")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
