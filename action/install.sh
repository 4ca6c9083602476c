#!/usr/bin/env bash
# Installs the code of the action into an environment of its own, once in a job, and outputs where its programs are.
#
#   PLACE    the environment
#   WHEELS   what the cache restored, if anything
#
# Nothing is looked for by this project's name: the code is the commit that the workflow names, and its packages are
# held to their hashes, those of the cache too: whoever could write to it could only have them downloaded again.
set -euo pipefail

code=$(cd "$(dirname "$0")/.." && pwd)
echo "bin=$PLACE/bin" >> "$GITHUB_OUTPUT"
if [ -e "$PLACE/complete" ]; then
  exit
fi

# Only what the command needs, and what builds its package: no server, no page, no metrics.
requirements=$code/requirements/command.txt
rm -rf "$PLACE"
python3 -I -m venv "$PLACE"
pip() { "$PLACE/bin/python" -I -m pip --quiet --disable-pip-version-check "$@"; }
install_packages() {
  pip install --no-index --find-links "$WHEELS" --require-hashes -r "$requirements"
}

if [ ! -d "$WHEELS" ] || ! install_packages 2> /dev/null; then
  rm -rf "$WHEELS"
  pip download --only-binary=:all: --dest "$WHEELS" --require-hashes -r "$requirements"
  install_packages
fi
pip install --no-deps --no-build-isolation "$code"
touch "$PLACE/complete"
