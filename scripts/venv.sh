#!/bin/sh
# Makes .venv ready:  scripts/venv.sh [runtime|dev]
#
# A ready .venv carries a stamp (which lock, its checksum, where it stands). The stamp is removed
# before anything changes and written last, so a half-made .venv is never taken for ready. A second
# run is a comparison of checksums. dev holds all of runtime: a dev .venv is never downgraded.
#
# HEDGEGRID_PYTHON=/path/to/python3 chooses the interpreter.
set -eu

kind=${1:-runtime}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
venv=.venv
stamp=$venv/hedgegrid.stamp
guard=$venv.lock
sources="shared services/ws-gateway services/strategy services/executor services/metrics
services/exchange-sim services/deadman services/operator"

say() { printf '%s\n' "setup: $*" >&2; }
die() { say "$*"; exit 1; }

case $kind in
    runtime | dev) ;;
    *) die "unknown set of dependencies '$kind': say runtime or dev" ;;
esac

# The line a ready .venv of this kind carries in its stamp.
stamp_line() {
    printf '%s %s %s\n' "$1" "$(cat "requirements/$1.txt" scripts/venv.sh | cksum)" "$root"
}

ready() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(stamp_line "$1")" ] &&
        "$venv/bin/python" -c '' 2>/dev/null
}

is_dev() { [ -f "$stamp" ] && case $(cat "$stamp") in "dev "*) true ;; *) false ;; esac; }

# Two commands at once: the second waits for the first. A guard whose owner is gone is removed.
take_guard() {
    told=no
    until mkdir "$guard" 2>/dev/null; do
        owner=$(cat "$guard/pid" 2>/dev/null || echo)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$guard"
        else
            [ $told = yes ] || say "waiting for another set-up (if there is none: rm -r $guard)"
            told=yes
            sleep 1
        fi
    done
    echo $$ >"$guard/pid"
    trap 'rm -rf "$guard"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

find_python() {
    for candidate in ${HEDGEGRID_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "needs Python 3.11 or newer; on Debian 12+ or Ubuntu 24.04+:" \
        "apt-get install python3 python3-venv; on macOS: brew install python@3.13"
}

# Debian and Ubuntu ship python3 without ensurepip, so that `python3 -m venv` fails.
need_ensurepip() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    command -v apt-get >/dev/null 2>&1 ||
        die "$1 has no ensurepip: install your system's package for python venv"
    [ "$(id -u)" = 0 ] || die "$1 cannot make a venv; run: sudo apt-get install $package"
    say "installing $package (this Python cannot make a venv without it)"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$package"; } >"$venv/apt.log" 2>&1 ||
        die "apt-get could not install $package; its last words: $(tail -n 1 "$venv/apt.log")"
}

make_venv() {
    say "making $venv (once; about 20 s)"
    rm -rf "$venv"
    mkdir "$venv"
    python=$(find_python)
    need_ensurepip "$python"
    "$python" -m venv "$venv" || die "$python -m venv $venv failed"
}

install_lock() {
    say "installing requirements/$1.txt"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --no-deps --only-binary :all: -r "requirements/$1.txt" \
        >"$venv/pip.log" 2>&1 ||
        die "pip could not install requirements/$1.txt: $(grep ERROR "$venv/pip.log" | tail -n 1)" \
            "(all of it: $venv/pip.log)"
}

# A .pth file and a three-line command do what an editable install would, without a build backend.
link_sources() {
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    for folder in $sources; do
        printf '%s\n' "$root/$folder"
    done >"$site/hedgegrid.pth"
    cat >"$venv/bin/hedgegrid" <<'WRAPPER'
#!/bin/sh
exec "$(dirname -- "$0")/python" -c 'import sys
from hedgegrid.operator.cli import main
sys.argv[0] = "hedgegrid"
sys.exit(main())' "$@"
WRAPPER
    chmod +x "$venv/bin/hedgegrid"
}

if ready dev || { [ "$kind" = runtime ] && ready runtime; }; then
    exit 0
fi
take_guard
if ready dev || { [ "$kind" = runtime ] && ready runtime; }; then
    exit 0
fi
is_dev && kind=dev
# In place when only the lock changed; from nothing when half-made, moved or its Python is gone.
reusable=no
case $(cat "$stamp" 2>/dev/null || echo) in
    *" $root") "$venv/bin/python" -m pip --version >/dev/null 2>&1 && reusable=yes ;;
esac
rm -f "$stamp"
[ $reusable = yes ] || make_venv
install_lock "$kind"
link_sources
stamp_line "$kind" >"$venv/stamp.new"
mv "$venv/stamp.new" "$stamp"
