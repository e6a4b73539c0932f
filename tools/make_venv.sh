#!/usr/bin/env bash
# Make a virtual environment: make_venv.sh FOLDER [INTERPRETER]. Takes the newest Python the project is tested with.
set -euo pipefail
folder=$1
candidates=(python3.13 python3.12 python3.11 python3)
if [ "$#" -gt 1 ]; then
    candidates=("$2")
fi
for candidate in "${candidates[@]}"; do
    # A name on PATH is not enough: version managers put stand-ins there, and Debian ships python3 without venv.
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "Making $folder with $("$candidate" --version)"
        exec "$candidate" -m venv --clear "$folder"
    fi
done
echo "No Python >= 3.11 with the venv module was found (looked for: ${candidates[*]})." >&2
echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv) or name it: make install PYTHON=..." >&2
exit 2
