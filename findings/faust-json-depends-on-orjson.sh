#!/bin/sh
# The same Faust program reads the same JSON in two ways. Without the package orjson, which Faust does not install, it uses Python's json:
# integers are exact, and half of a surrogate pair passes. If any other package brings orjson, integers beyond 64 bits become
# doubles, and an event with such a half or with 1e400 is an error of the deserializer, at which Faust skips the event and commits it.
# faust-streaming 0.15.3, orjson 3.13.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_python faust-streaming==0.15.3
python/bin/pip install --quiet --no-compile --disable-pip-version-check --only-binary :all: --target with-orjson orjson==3.13.0
measure_python <<'PROGRAM'
import os
import subprocess
import sys

READ = r"""
from faust.serializers import codecs

for name, line in {
    '19 digits': b'{"id":1234567890123456789}',
    '21 digits': b'{"id":123456789012345678901}',
    'half of a pair': rb'{"messageId":"a","text":"\ud83d"}',
    '1e400': b'{"messageId":"b","price":1e400}',
}.items():
    try:
        print(f'  {name}: {ascii(codecs.loads("json", line))}')
    except Exception as error:
        print(f'  {name}: {type(error).__name__}')
"""

for path in ["", "with-orjson"]:
    print("with orjson installed too:" if path else "with json alone:", flush=True)
    subprocess.run([sys.executable, "-c", READ], env={**os.environ, "PYTHONPATH": path}, check=True)
PROGRAM
expect <<'SEEN'
with json alone:
  19 digits: {'id': 1234567890123456789}
  21 digits: {'id': 123456789012345678901}
  half of a pair: {'messageId': 'a', 'text': '\ud83d'}
  1e400: {'messageId': 'b', 'price': inf}
with orjson installed too:
  19 digits: {'id': 1234567890123456789}
  21 digits: {'id': 1.2345678901234568e+20}
  half of a pair: JSONDecodeError
  1e400: JSONDecodeError
SEEN
