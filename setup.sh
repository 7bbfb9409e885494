#!/bin/sh
# Make the environment: core and first plugin from this checkout, everything else as constraints.txt pins it.
#   VENV    where to (default .venv)
#   EXTRAS  extras of the core, for example "dev" (default none)
#   PYTHON  which interpreter (default: the first of python3.11, 3.12, 3.10, python3 that fits)
set -eu
cd "$(dirname "$0")"
VENV=${VENV:-.venv}

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

if [ -z "${PYTHON:-}" ]; then
    for candidate in python3.11 python3.12 python3.10 python3 python; do
        if fits "$candidate"; then PYTHON=$candidate; break; fi
    done
fi
if [ -z "${PYTHON:-}" ] || ! fits "$PYTHON"; then
    echo "setup: Python 3.10, 3.11 or 3.12 is needed (MindSpore has wheels for these); name one with PYTHON=..." >&2
    exit 2
fi

echo "== setting up $VENV with $("$PYTHON" --version) (MindSpore is an 800 MB download; some minutes)"
"$PYTHON" -m venv "$VENV"
# One command for core and plugins: each satisfies the other, and none is looked for on an index.
PLUGINS="-e ./plugins/modnet"
if [ -n "${EXTRAS:-}" ]; then
    for each in p3mnet mindcv pymatting; do PLUGINS="$PLUGINS -e ./plugins/$each"; done
fi
# shellcheck disable=SC2086 - words are wanted
"$VENV/bin/python" -m pip install -c constraints.txt -e ".${EXTRAS:+[$EXTRAS]}" $PLUGINS

# opencv-python needs the system's libGL, which servers often lack; the headless build of the same version does not.
if ! "$VENV/bin/python" -c 'import cv2' 2>/dev/null; then
    version=$("$VENV/bin/python" -c 'from importlib.metadata import version; print(version("opencv-python"))')
    echo "== this machine has no libGL: taking opencv-python-headless $version instead"
    "$VENV/bin/python" -m pip uninstall -y opencv-python
    "$VENV/bin/python" -m pip install --force-reinstall --no-deps "opencv-python-headless==$version"
    "$VENV/bin/python" -c 'import cv2'
fi
