#!/usr/bin/env bash
# Runs one command, shows what it printed, and has report.py write outputs, summary and annotations.
#
#   BIN                           where install.sh put the programs
#   INPUT_COMMAND, INPUT_PATHS …  the inputs of the action
#
# Ends with 0 whatever the command ended with: that is an output, and a later step fails by it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "$RUNNER_TEMP/reconciler-run.XXXXXX")
plan=$work/plan.json
code=0
: > "$work/output.txt"
: > "$work/messages.txt"

run() {
  code=0
  "$BIN/reconciler" "$@" >> "$work/output.txt" 2>> "$work/messages.txt" || code=$?
}

refuse() {
  code=64
  echo "Error: $1" >> "$work/messages.txt"
}

# Whose configuration and kinds count.
sources=(--trust "$INPUT_TRUST")
if [ -n "$INPUT_BASE" ]; then
  # Where the two parted: what the branch got since is no change of this pull request. Git is not asked here,
  # where the token is in its environment.
  sources+=(--base "$INPUT_BASE...")
fi

make_plan() {
  run plan --detailed-exitcode --format text --out "$plan" "${sources[@]}" -- "${paths[@]}"
}

apply_plan() {
  local words=(apply --plan "$plan" --auto-approve "$@")
  if [ "$INPUT_TRUST" = base ]; then
    words+=("${sources[@]}")
  fi
  if [ -n "$INPUT_EXPECT" ]; then
    words+=(--expect "$INPUT_EXPECT")
  fi
  run "${words[@]}"
}

# Events are for programs; the summary is made from what people read.
unset RECONCILER_APPLY_EVENTS

paths=()
while IFS= read -r line; do
  line=${line%$'\r'}
  if [ -n "$line" ]; then
    paths+=("$line")
  fi
done <<< "$INPUT_PATHS"

# The name goes into the hidden first line of the comment, which is how the comment is found again.
case $INPUT_NAME in
  *--* | *[!A-Za-z0-9._/\ -]*)
    refuse "the input name takes letters, digits, spaces and . _ / -, and no two hyphens in a row"
    INPUT_NAME=
    ;;
esac
if [ ${#INPUT_NAME} -gt 100 ]; then
  refuse "the input name takes 100 characters"
  INPUT_NAME=
fi
if [ ${#paths[@]} = 0 ] && [ -z "$INPUT_PLAN" ]; then
  refuse "the input paths names no path"
fi

if [ "$code" = 0 ]; then
  case $INPUT_COMMAND in
    plan) make_plan ;;
    validate) run validate -- "${paths[@]}" ;;
    drift) run drift --format text --trust "$INPUT_TRUST" -- "${paths[@]}" ;;
    apply)
      case ${GITHUB_EVENT_NAME:-} in
        pull_request | pull_request_target)
          refuse "apply does not run on a pull request, before it is approved"
          ;;
        *)
          if [ -n "$INPUT_PLAN" ] && [ -z "$INPUT_EXPECT" ]; then
            refuse "the input plan needs expect, the fingerprint of the plan that was approved"
          elif [ -n "$INPUT_PLAN" ]; then
            plan=$INPUT_PLAN
            apply_plan
          else
            # What one apply may do is asked of the plan that it makes.
            for option in MAX_REVOKED MAX_CHANGES TARGET; do
              given=RECONCILER_APPLY_$option
              if [ -n "${!given:-}" ]; then
                export "RECONCILER_PLAN_$option=${!given}"
              fi
            done
            unset RECONCILER_APPLY_TARGET
            make_plan
            case $code in
              0 | 2) apply_plan --quiet ;;   # exactly what was planned, which is shown already
            esac
          fi
          ;;
      esac
      ;;
    *) refuse "the input command is plan, apply, drift or validate" ;;
  esac
fi

# What was found is shown as it is: a text in it must not act as a command to the runner.
stop=$("$BIN/python" -I -c 'import os; print(os.urandom(16).hex())')
echo "::stop-commands::$stop"
cat "$work/output.txt" "$work/messages.txt"
printf '\n::%s::\n' "$stop"

if [ "$INPUT_COMMAND" = plan ] && [ -e "$plan" ]; then
  # These two are made for the runner and for the comment: whatever is in the plan is escaped in them.
  "$BIN/reconciler" show "$plan" "${sources[@]}" --format github 2> /dev/null
  "$BIN/reconciler" show "$plan" "${sources[@]}" --format markdown --name "$INPUT_NAME" > "$work/plan.md" 2> /dev/null
fi
"$BIN/python" -I "$here/report.py" "$INPUT_COMMAND" "$code" "$INPUT_NAME" "$plan" "$work"
