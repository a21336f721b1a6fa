"""The tools agree with one another, and nothing of one machine is in the repository."""

import re
import subprocess

import pytest

from tests.architecture.source_tree import ROOT, project, tracked_files

LOCKS = ("requirements/runtime.txt", "requirements/dev.txt")
MACHINE_PATH = re.compile(rb"(?<![\w.~-])/(?:work|root|home)/")


def locked(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_package(lock: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_dev_holds_all_of_runtime_at_the_same_versions() -> None:
    runtime, dev = (locked(lock) for lock in LOCKS)
    assert runtime.items() <= dev.items()


def test_every_declared_dependency_is_locked() -> None:
    """A dependency added without `make lock` would be missing on every other machine."""
    config = project()
    runtime, dev = (locked(lock) for lock in LOCKS)
    for wanted, lock in (
        (config["project"]["dependencies"], runtime),
        (config["dependency-groups"]["dev"], dev),
    ):
        names = [re.split(r"[\[<>=;! ]", line)[0] for line in wanted]
        assert [name for name in names if name not in lock] == []


def test_every_tool_sees_the_same_folders() -> None:
    config = project()
    folders = config["tool"]["hatch"]["build"]["dev-mode-dirs"]
    portions = [f"{folder}/hedgegrid" for folder in folders]
    assert config["tool"]["ruff"]["src"] == folders
    assert config["tool"]["mypy"]["mypy_path"] == folders
    assert config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == portions
    assert config["tool"]["ruff"]["namespace-packages"] == portions
    script = (ROOT / "scripts" / "venv.sh").read_text()
    match = re.search(r'^sources="([^"]+)"', script, re.MULTILINE)
    assert match is not None
    assert match[1].split() == folders
    on_disk = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("services/*/hedgegrid")}
    assert {"shared", *on_disk} == set(folders)


def test_no_tracked_file_names_a_machine_path() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in tracked_files()
        if (match := MACHINE_PATH.search(path.read_bytes()))
    ]
    assert found == []


@pytest.mark.parametrize("folder", ["work", "root", "home"])
def test_a_machine_path_is_recognised(folder: str) -> None:
    assert MACHINE_PATH.search(f"see /{folder}/somewhere".encode())
    assert not MACHINE_PATH.search(f"see docs/{folder}/somewhere".encode())


@pytest.mark.parametrize("script", ["test", "demo", "scripts/venv.sh", ".ci/run"])
def test_a_script_runs_and_parses(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111, f"{script} is not executable"
    shell = path.read_text().splitlines()[0].removeprefix("#!").split()[-1].rsplit("/")[-1]
    assert shell in {"sh", "bash"}
    subprocess.run([shell, "-n", path], check=True)


def test_the_makefile_explains_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z-]*):.*?## \S", text, re.MULTILINE))
    assert targets == explained
