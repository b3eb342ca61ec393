#!/bin/sh
# Every lane: lint, then pytest (its own summary says which of its lanes ran, which did not and why).
# Arguments go to pytest: with some, only what they select runs, in one process. Without, JOBS processes share the files
# (default 3: whole flows wait more than they work). REQUIRE_ALL_LANES=1: a lane that cannot run fails.
set -u
cd "$(dirname "$0")/.."
lint=not-run
if [ $# = 0 ]; then
    if sh scripts/check.sh; then lint=passed; else lint=FAILED; fi
    set -- -n "${JOBS:-3}" --dist loadfile
fi
"${VENV:-.venv}/bin/python" -m pytest "$@"
tests=$?
case $tests in
    0) result=passed ;;
    5) result="FAILED (no test ran)" ;;
    *) result="FAILED (pytest's exit code $tests)" ;;
esac
echo
echo "lane lint: $lint"
echo "lanes of pytest: $result"
[ $tests = 0 ] && [ "$lint" != FAILED ]
