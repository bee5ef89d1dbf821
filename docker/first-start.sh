#!/bin/sh
# Runs a command that starts the server until the server is ready, and ends it as an orchestrator does: afterwards Node has kept the
# compiled code. A slow builder only takes longer, and a start that fails costs no build: the first start of a container then compiles.
set -u

cd "$(dirname "$0")/.." || exit
# What must not hang a build: at most so long until it is ready, and 30 s until it has ended.
timeout --signal=TERM --kill-after=30 "${FIRST_START_SECONDS:-300}" "$@" &
start=$!
ready=no
while kill -0 "$start" 2>/dev/null; do
  if node docker/healthcheck.ts >/dev/null 2>&1; then
    ready=yes
    kill -TERM "$start"
    break
  fi
  sleep 1
done
wait "$start"
[ "$ready" = yes ] || echo "first-start.sh: the server was not ready: its compiled code may not be kept" >&2
exit 0
