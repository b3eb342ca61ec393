#!/bin/sh
# The lint lane: ruff's rules, ruff's layout, mypy --strict. All three run, whatever the first says.
set -u
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
# Each folder of Python there is; mypy takes them as arguments so that a new one cannot be forgotten silently.
folders=$(git ls-files --cached --others --exclude-standard '*.py' 2>/dev/null | sed -n 's|/.*||p' | sort -u)
[ -n "$folders" ] || folders=$(ls -d */ | while read -r f; do ls "$f"*.py >/dev/null 2>&1 && echo "${f%/}"; done)
failed=0
# lane NAME COMMAND...: its output only when it fails.
lane() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name: clean"
    else
        failed=1
        printf '%s\n' "$output"
        echo "lint: $name: FAILED"
    fi
}
lane "ruff check" "$bin/ruff" check --quiet --output-format concise .
lane "ruff format" "$bin/ruff" format --check --quiet --output-format concise .
# shellcheck disable=SC2086
lane "mypy --strict" "$bin/python" -m mypy --no-error-summary $folders
exit $failed
