#!/bin/sh
# Prints the path of a Python that this project runs on: CPython 3.12, else 3.11, else 3.10. Explains itself on stderr where there is none.
#
# Every candidate is really started and asked: a name on PATH proves nothing (pyenv leaves "python3.12" shims
# that fail), and neither does a version (Debian's Python may come without venv). PYTHON=... is checked likewise.
set -u

probe='
import sys
if sys.implementation.name != "cpython":
    raise SystemExit("%s.%s %s" % (sys.version_info[0], sys.version_info[1], sys.implementation.name))
try:
    import ensurepip, venv
    fit = "fit"
except ImportError:
    fit = "no-venv"
print("%d.%d %s %s" % (sys.version_info[0], sys.version_info[1], fit, sys.executable))
'

# ask COMMAND: "VERSION fit|no-venv PATH", or nothing where it is no usable CPython.
ask() {
    "$1" -c "$probe" 2>/dev/null </dev/null
}

candidates() {
    for version in 3.12 3.11 3.10; do
        echo "python$version"
        if command -v pyenv >/dev/null 2>&1; then
            for path in "$(pyenv root 2>/dev/null)/versions/$version."*/bin/python; do echo "$path"; done
        fi
        for path in "${HOME:-}/.local/share/uv/python/cpython-$version."*/bin/python3; do echo "$path"; done
    done
    echo python3
    echo python
}

remedy() {
    cat >&2 <<END
Install CPython 3.12 (3.11 and 3.10 work too; Bytewax has no wheels for 3.13 yet), for example
    Debian, Ubuntu:  apt install python3.12-venv, or python3-venv where python3 is 3.10 to 3.12
    macOS:           brew install python@3.12
    anywhere:        pyenv install 3.12, or uv python install 3.12
or name one that is not on PATH by adding PYTHON=/path/to/python3.12 to the make command.
END
}

# explain "VERSION fit|no-venv PATH" COMMAND: why this one cannot be taken.
explain() {
    # shellcheck disable=SC2086
    set -- "$2" $1
    case ${2-} in
        3.10 | 3.11 | 3.12)
            echo "Python $2 ($4) has no venv module to make an environment with. On Debian and Ubuntu:  apt install python$2-venv" >&2 ;;
        "") echo "$1 cannot be started, or is no CPython." >&2 ;;
        *) echo "$1 is Python $2; needed is 3.10, 3.11 or 3.12." >&2 ;;
    esac
}

if [ -n "${PYTHON:-}" ]; then
    answer=$(ask "$PYTHON")
    case $answer in
        3.1[012]" fit "*) echo "${answer#* fit }"; exit 0 ;;
    esac
    echo "PYTHON=$PYTHON cannot be used:" >&2
    explain "$answer" "$PYTHON"
    remedy
    exit 1
fi

answers=$(candidates | while IFS= read -r candidate; do
    answer=$(ask "$candidate") && printf '%s\n' "$answer"
done)
for version in 3.12 3.11 3.10; do
    found=$(printf '%s\n' "$answers" | sed -n "s/^$version fit //p" | head -n 1)
    if [ -n "$found" ]; then echo "$found"; exit 0; fi
done

echo "No Python that this project runs on was found." >&2
if [ -z "$answers" ]; then echo "There is no Python on PATH at all." >&2; fi
printf '%s\n' "$answers" | sort -u | while IFS= read -r answer; do
    [ -z "$answer" ] || explain "$answer" "${answer#* * }"
done
remedy
exit 1
