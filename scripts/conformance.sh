#!/bin/sh
# The vendor's own SDK suites against the local Tablestore, where clones of the SDKs and the rig are at hand.
# PYTHON_SDK, JAVA_SDK, GO_SDK, NODE_SDK: paths of the repositories. CONFORMANCE_RIG: folder of the scripts that run them.
# Needs git, Java with Maven, Go, Node with npm. See tests/emulator/conformance.py and emulator/README.md.
set -eu
cd "$(dirname "$0")/.."
exec "${VENV:-.venv}/bin/python" -m tests.emulator.conformance
