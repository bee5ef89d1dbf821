#!/bin/sh
# Starts the server, or runs what is given instead: `docker compose run --rm tributary tributary --help`.
set -eu

[ "$#" -eq 0 ] || exec "$@"

# Only the image's own place is filled: a CONFIG_FILE that was set and is missing is a mistake that the server reports.
if [ "$CONFIG_FILE" = /data/tributary.yml ] && [ ! -e "$CONFIG_FILE" ]; then
  key=$(tributary init)
  cat <<BANNER

  Write key  $key   (kept in $CONFIG_FILE; shown only now)

Send an event to the published port:

  curl -u $key: http://127.0.0.1:3000/v1/track -d '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}'

BANNER
fi

# In this process's place, so that a stop signal reaches the server.
exec node --min-semi-space-size=8 --max-semi-space-size=8 --no-allocation-site-pretenuring --no-parallel-scavenge src/start.js
