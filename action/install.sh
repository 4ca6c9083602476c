#!/usr/bin/env bash
# Installs the code of the action into a separate environment, and passes the paths of its programs to the next steps.
#
# Nothing is looked for by this project's name: the code is the commit that the workflow names, and its packages are
# held to their hashes.
set -euo pipefail

# Python is isolated (-I) here and in the other steps: it would run a pip.py or json.py of the workspace.

if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error::reconciler needs python3 3.11 or newer on the runner; actions/setup-python brings it"
  exit 1
fi

code=$(cd "$(dirname "$0")/.." && pwd)
# One for each version of the action: a job may use two, and may use one of them often.
place=$RUNNER_TEMP/reconciler-$(printf '%s' "$code" | cksum | cut -d ' ' -f 1)
if [ ! -e "$place/complete" ]; then
  python3 -I -m venv "$place"
  install() { "$place/bin/python" -I -m pip install --quiet --disable-pip-version-check "$@"; }
  # The smallest of the pinned sets that holds what builds the package, too.
  install --require-hashes -r "$code/requirements/demo.txt"
  install --no-deps --no-build-isolation "$code"
  touch "$place/complete"
fi
echo "bin=$place/bin" >> "$GITHUB_OUTPUT"
