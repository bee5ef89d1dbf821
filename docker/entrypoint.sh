#!/bin/sh
# Starts the server, or runs what is given instead: `docker compose run --rm tributary tributary --help`.
set -eu

[ "$#" -eq 0 ] || exec "$@"

# A folder of the host that is mounted here keeps its owner.
if [ -d "$DATA_DIR" ] && [ ! -w "$DATA_DIR" ]; then
  owner=$(stat -c %u:%g "$DATA_DIR")
  me=$(id -u):$(id -g)
  if [ "$owner" = "$me" ]; then
    echo "tributary: $DATA_DIR cannot be written: it is mounted read-only, or its mode forbids it. Mount it without :ro." >&2
  else
    cat >&2 <<WORDS
tributary: $DATA_DIR belongs to $owner, and $me, who runs the server, cannot write there. Either
  run it as the owner of the folder:    docker run --user $owner ...
  or give the folder to this user:      chown -R $me FOLDER    (on the host)
WORDS
  fi
  exit 1
fi

# Only the image's own place is filled: a CONFIG_FILE that was set and is missing is a mistake that the server reports.
if [ "$CONFIG_FILE" = /data/tributary.yml ] && [ ! -e "$CONFIG_FILE" ]; then
  key=$(tributary init)
  # A log that keeps standard output must not keep a key.
  if [ ! -t 1 ] && [ "${SHOW_FIRST_KEY:-terminal}" != always ]; then
    printf '\n  Write key  not printed, because this is no terminal; "docker exec CONTAINER tributary keys list --show" shows it (SHOW_FIRST_KEY)\n\n'
  else
    cat <<BANNER

  Write key  $key   (kept in $CONFIG_FILE, where "tributary keys list --show" reads it)

Send an event to the published port:

  curl -u $key: http://127.0.0.1:3000/v1/track -d '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}'

BANNER
  fi
fi

# In this process's place, so that a stop signal reaches the server.
exec node --min-semi-space-size=8 --max-semi-space-size=8 --no-allocation-site-pretenuring --no-parallel-scavenge src/start.js
