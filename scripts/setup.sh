#!/bin/sh
# setup.sh LOCK...: an environment in $VENV (default .venv) with exactly the packages of the lock file, hash-checked.
# Does nothing, quickly, when it was done for these locks and this interpreter; adopts an environment made by other means.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
lock=$1
python=$venv/bin/python

identity='import sys; print("%d.%d" % sys.version_info[:2], sys.version.split()[0], sys.base_prefix)'

checksum() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d " " -f 1
}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

if [ ! -e "$venv/bin/python" ]; then
    if [ -d "$venv" ] && [ -n "$(ls -A "$venv")" ] && [ ! -f "$venv/pyvenv.cfg" ]; then
        fail "$venv exists and is no Python environment. Move it away, or choose another folder: make VENV=some/folder"
    fi
    found=$(sh scripts/python.sh)
    echo "Making $venv with Python $("$found" -c 'import platform; print(platform.python_version())') ($found)"
    "$found" -m venv --clear "$venv" || fail "Python could not make the environment $venv: see above."
fi

who=$("$python" -c "$identity" 2>/dev/null) ||
    fail "$venv is there, but its Python does not start. Remove it and try again:  rm -rf $venv"
case $who in
    3.10\ * | 3.11\ * | 3.12\ *) ;;
    *) fail "$venv holds Python ${who%% *}; needed is 3.10, 3.11 or 3.12." \
              "Remove it (rm -rf $venv), or choose another folder: make VENV=some/folder" ;;
esac
if [ -n "${PYTHON:-}" ]; then
    wanted=$("$(sh scripts/python.sh)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ "$wanted" = "${who%% *}" ] ||
        fail "PYTHON=$PYTHON is Python $wanted, but $venv holds ${who%% *}." \
               "Remove it (rm -rf $venv), or choose another folder: make VENV=some/folder"
fi

# The commands of the wheel, for this checkout.
root=$(pwd)
launcher() {
    case $venv in /*) bin=$venv/bin ;; *) bin=$root/$venv/bin ;; esac
    text="#!/bin/sh
# Written by scripts/setup.sh.
PYTHONPATH=\"$root\${PYTHONPATH:+:\$PYTHONPATH}\" exec \"$bin/python\" -m $2 \"\$@\""
    if [ "$(cat "$bin/$1" 2>/dev/null)" != "$text" ]; then
        printf '%s\n' "$text" >"$bin/$1"
        chmod +x "$bin/$1"
    fi
}
launcher tablestore-sync connectors.cli
launcher local-tablestore emulator

# One stamp a lock file. What requirements-dev.lock installs includes requirements.lock, at the same versions.
current() {
    [ -f "$venv/.installed-$1" ] && [ "$(cat "$venv/.installed-$1")" = "$(checksum "$1") $who" ]
}
# The compiled encoder of rows, where this machine can build it.
accelerator() {
    "$python" -m scripts.accelerator
}
if current "$lock" || { [ "$lock" = requirements.lock ] && current requirements-dev.lock; }; then
    accelerator
    exit 0
fi

"$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --default-pip >/dev/null 2>&1 ||
    fail "$venv has no pip, and Python's ensurepip is missing. Remove it and try again:  rm -rf $venv"
echo "Installing the pinned packages of $lock into $venv (about half a minute)"
rm -f "$venv/.installed-$lock"
if ! "$python" -m pip install --require-hashes --requirement "$lock" --disable-pip-version-check --no-input \
    >"$venv/install.log" 2>&1; then
    tail -n 30 "$venv/install.log" >&2
    fail "" "The packages could not be installed: see above, and $venv/install.log for the whole."
fi
echo "$(checksum "$lock") $who" >"$venv/.installed-$lock"
accelerator
