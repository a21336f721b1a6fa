"""scripts/venv.sh, with stand-ins for Python, apt-get and id: what a bare machine is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASIC_TOOLS = ("sh", "cat", "cksum", "dirname", "mkdir", "rm", "mv", "sleep", "tail", "chmod")
# A Debian python3: new enough, but without ensurepip until python3.11-venv is installed.
PYTHON_WITHOUT_ENSUREPIP = """#!/bin/sh
case "$*" in
    *ensurepip*) exit 1 ;;
    *-venv*) echo python3.11-venv ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / "checkout" / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in BASIC_TOOLS:
        real = shutil.which(name)
        assert real is not None
        (tools / name).symlink_to(real)
    return tmp_path / "checkout"


def stand_in(checkout: Path, name: str, script: str) -> None:
    path = checkout.parent / "bin" / name
    path.write_text(script)
    path.chmod(0o755)


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "venv.sh", *arguments],
        env={"PATH": str(checkout.parent / "bin")},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_an_unknown_set_is_refused(checkout: Path) -> None:
    result = run(checkout, "everything")
    assert result.returncode == 1
    assert result.stderr == ("setup: unknown set of dependencies 'everything': say runtime or dev\n")


def test_no_python_gives_the_line_to_run(checkout: Path) -> None:
    result = run(checkout)
    assert result.returncode == 1
    assert "needs Python 3.11 or newer" in result.stderr
    assert "apt-get install python3 python3-venv" in result.stderr
    assert not (checkout / ".venv.lock").exists()


def test_an_old_python_is_passed_over(checkout: Path) -> None:
    stand_in(checkout, "python3", "#!/bin/sh\nexit 1\n")
    assert "needs Python 3.11 or newer" in run(checkout).stderr


def test_without_ensurepip_a_user_gets_the_exact_line(checkout: Path) -> None:
    stand_in(checkout, "python3", PYTHON_WITHOUT_ENSUREPIP)
    stand_in(checkout, "id", "#!/bin/sh\necho 1000\n")
    stand_in(checkout, "apt-get", "#!/bin/sh\nexit 99\n")
    result = run(checkout)
    assert result.returncode == 1
    assert result.stderr.endswith("run: sudo apt-get install python3.11-venv\n")


def test_without_ensurepip_root_gets_it_installed(checkout: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    stand_in(checkout, "python3", PYTHON_WITHOUT_ENSUREPIP)
    stand_in(checkout, "id", "#!/bin/sh\necho 0\n")
    stand_in(checkout, "apt-get", f'#!/bin/sh\necho "$@" >>"{calls}"\n')
    run(checkout)
    update, install = calls.read_text().splitlines()
    assert update.startswith("update")
    assert install.startswith("install")
    assert install.endswith("python3.11-venv")


def test_a_failing_apt_get_is_quoted(checkout: Path) -> None:
    stand_in(checkout, "python3", PYTHON_WITHOUT_ENSUREPIP)
    stand_in(checkout, "id", "#!/bin/sh\necho 0\n")
    stand_in(checkout, "apt-get", "#!/bin/sh\necho 'E: no such package'\nexit 100\n")
    result = run(checkout)
    assert result.returncode == 1
    assert "E: no such package" in result.stderr


def test_a_failed_set_up_is_never_taken_for_ready(checkout: Path) -> None:
    stand_in(checkout, "python3", "#!/bin/sh\nexit 0\n")  # makes no venv at all
    for _ in range(2):
        assert run(checkout).returncode != 0
        assert not (checkout / ".venv" / "hedgegrid.stamp").exists()


def test_a_guard_left_by_a_dead_process_is_removed(checkout: Path) -> None:
    ended = subprocess.Popen([shutil.which("true") or "true"])
    ended.wait()
    (checkout / ".venv.lock").mkdir()
    (checkout / ".venv.lock" / "pid").write_text(f"{ended.pid}\n")
    assert "needs Python" in run(checkout).stderr


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="not running in the venv of this checkout")
def test_this_venv_is_ready_and_says_nothing() -> None:
    """Runs in the venv the script made; a second call must be instant and silent."""
    result = subprocess.run(
        [ROOT / "scripts" / "venv.sh", "runtime"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    assert result.stderr == ""
