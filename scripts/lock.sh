#!/bin/sh
# Pins what pyproject.toml asks for, with hashes, for Python 3.10 to 3.12 on every platform: requirements.lock (run time
# and demo), requirements-dev.lock (all) and requirements-docs.lock (the site).
# Needs uv on PATH, or named by UV. Arguments go to uv, e.g. --upgrade-package msgspec.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}

# compile OUTPUT ARGUMENTS...: nothing in the output may name an index, so that every mirror serves it.
compile() {
    output=$1
    shift
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.10 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file "$output" "$@"
    if grep -nE 'https?://|--(extra-)?index-url|--find-links' "$output"; then
        echo "$output names a host: see the lines above" >&2
        exit 1
    fi
}

compile requirements.lock --extra demo "$@"
compile requirements-dev.lock --extra dev --constraints requirements.lock "$@"
compile requirements-docs.lock --extra docs --constraints requirements-dev.lock "$@"
