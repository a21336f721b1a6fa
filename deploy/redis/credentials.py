"""Gives every Redis user a random password of its own, once, and writes the ACL file that the servers load.

usage: credentials.py TEMPLATE FOLDER

FOLDER/<user>/password is for that user's service alone; FOLDER/acl/users.acl holds hashes only. Run again it keeps the
passwords and writes the ACL file anew, so that a changed template takes effect. It also makes the key that control
messages are signed with (FOLDER/control/key), and keys of the accounts that PAPER_ACCOUNTS names (FOLDER/paper-keys,
and accounts.json for the simulated exchange in FOLDER/exchange-sim). Standard library only.
"""

import hashlib
import json
import os
import re
import secrets
import sys
from pathlib import Path

PAPER_BALANCE = "100000"
_USER = re.compile(r"user (?P<name>\S+) on resetpass ")


def users_of(template: str) -> list[str]:
    """Names of the users that get a password."""
    return [match["name"] for line in template.splitlines() if (match := _USER.match(line))]


def filled_in(template: str, passwords: dict[str, str]) -> str:
    """The ACL file: no comments, and the hash of its password for every user that gets one."""
    lines = []
    for line in template.splitlines():
        if not line or line.startswith("#"):
            continue
        if match := _USER.match(line):
            digest = hashlib.sha256(passwords[match["name"]].encode()).hexdigest()
            line = line.replace(" on resetpass ", f" on #{digest} ", 1)
        lines.append(line)
    return "\n".join(lines) + "\n"


def secret(path: Path) -> str:
    """The secret in a file, made at the first call; only the owner may read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o400)
        path.chmod(0o600)
        path.write_text(secrets.token_hex(24))
        path.chmod(0o400)
    return path.read_text()


def main(template_file: Path, folder: Path) -> None:
    """Make whatever is not there yet."""
    template = template_file.read_text()
    passwords = {name: secret(folder / name / "password") for name in users_of(template)}
    (folder / "acl").mkdir(parents=True, exist_ok=True)
    (folder / "acl" / "users.acl").write_text(filled_in(template, passwords))
    secret(folder / "control" / "key")
    accounts = [paper_account(name.strip(), folder) for name in os.environ.get("PAPER_ACCOUNTS", "main").split(",")]
    (folder / "exchange-sim").mkdir(parents=True, exist_ok=True)
    (folder / "exchange-sim" / "accounts.json").write_text(json.dumps({"accounts": accounts}))


def paper_account(name: str, folder: Path) -> dict[str, str]:
    """As the simulated exchange reads it; its keys are where gateway and executor look for them."""
    return {
        "id": name,
        "api_key": secret(folder / "paper-keys" / f"{name}_api_key"),
        "api_secret": secret(folder / "paper-keys" / f"{name}_api_secret"),
        "balance": PAPER_BALANCE,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
