#!/usr/bin/env bash
# Says where the action is installed in this job, whether it is already, and by which key its packages are cached.
set -euo pipefail

# Python is isolated (-I) here and in the other steps: it would run a pip.py or json.py of the workspace.

if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error::reconciler needs python3 3.11 or newer on the runner; actions/setup-python brings it"
  exit 1
fi

code=$(cd "$(dirname "$0")/.." && pwd)
# One environment for each version of the action: a job may use two, and may use one of them often.
place=$RUNNER_TEMP/reconciler-$(printf '%s' "$code" | cksum | cut -d ' ' -f 1)
# Two versions with the same pinned requirements share their wheels.
packages=$(sha256sum < "$code/requirements/command.txt" | cut -d ' ' -f 1)
system=$(python3 -I -c 'import sys, sysconfig; print(f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}")')
complete=false
if [ -e "$place/complete" ]; then
  complete=true
fi
{
  echo "complete=$complete"
  echo "place=$place"
  echo "wheels=$RUNNER_TEMP/reconciler-wheels-$packages"
  echo "key=reconciler-$system-$packages"
} >> "$GITHUB_OUTPUT"
