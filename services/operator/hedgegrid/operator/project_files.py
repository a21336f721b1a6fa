"""Where the project's own files stand, and the folder each run writes to."""

from datetime import UTC, datetime
from pathlib import Path

from hedgegrid.runtime.errors import ConfigError

ROOT = Path(__file__).resolve().parents[4]
SHIPPED_CONFIG = ROOT / "config" / "hedgegrid.toml"
DEMO_CONFIG = ROOT / "config" / "demo.toml"
TAPE_CONFIG = ROOT / "config" / "tape-5min.toml"
RUNS = ROOT / ".run"
REDIS_URL_FILE = "redis-url"
STATE_FOLDER = "state"
CONTROL_KEY_FILE = "control-key"
LEDGER_FILE = "ledger.sqlite"


def new_run_folder(parent: Path = RUNS) -> Path:
    """Make the folder of a run, named by its UTC start."""
    stem = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    for number in range(1, 100):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigError(f"cannot make the run folder {folder}: {error.strerror}") from error
        return folder
    raise ConfigError(f"cannot make a run folder in {parent}: {stem} and its numbers are taken")


def running_demo(parent: Path = RUNS) -> Path | None:
    """Run folder of the demo started last, if that demo has Redis servers of its own and has not stopped."""
    files = sorted(parent.glob(f"*/{REDIS_URL_FILE}"))
    return files[-1].parent if files else None


def running_demo_urls(parent: Path = RUNS) -> list[str] | None:
    """Addresses of the money and the market server of that demo."""
    folder = running_demo(parent)
    return (folder / REDIS_URL_FILE).read_text().split() if folder else None


def newest_demo_ledger(parent: Path = RUNS) -> Path | None:
    """The trade ledger of the demo started last."""
    files = sorted(parent.glob(f"*/{LEDGER_FILE}"))
    return files[-1] if files else None
