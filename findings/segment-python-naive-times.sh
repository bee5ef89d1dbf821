#!/bin/sh
# segment-analytics-python takes a datetime without a zone for local time where it is less than some seconds old, and for UTC
# where it is older: an hour east of UTC, events of one program are an hour apart by nothing but their age. rudder-sdk-python does too.
# segment-analytics-python 2.4.0, rudder-sdk-python 2.1.9, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install_python segment-analytics-python==2.4.0 rudder-sdk-python==2.1.9
measure_python <<'PROGRAM'
import datetime, gzip, http.server, json, os, threading, time
os.environ["TZ"] = "CET-1"
time.tzset()

events = []

class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        body = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
        events.extend(json.loads(body)["batch"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"success":true}')
    def log_message(self, *line):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"http://127.0.0.1:{server.server_port}"

import rudderstack.analytics as rudder
import segment.analytics as segment
segment.write_key, segment.host = "key", host
rudder.write_key, rudder.dataPlaneUrl = "key", host

hour = datetime.timedelta(hours=1)
for name, sdk in (("segment", segment), ("rudderstack", rudder)):
    for age in (0, 60):
        events.clear()
        local = datetime.datetime.now() - datetime.timedelta(seconds=age)
        meant = local.astimezone(datetime.timezone.utc)
        sdk.track("u", "E", timestamp=local)
        sdk.flush()
        sent = datetime.datetime.fromisoformat(events[0]["timestamp"])
        print(f"{name}, {age} s old: sent {round((sent - meant) / hour)} h late, {sent.strftime('%z')}")
PROGRAM
expect <<'SEEN'
segment, 0 s old: sent 0 h late, +0100
segment, 60 s old: sent 1 h late, +0000
rudderstack, 0 s old: sent 0 h late, +0100
rudderstack, 60 s old: sent 1 h late, +0000
SEEN
