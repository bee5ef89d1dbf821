"""Sends events with the OAuth settings of Segment's SDK for Python.

python oauth.py host writeKey clientId keyId keyFile

Each line of standard input is a number: so many events are sent, and a line of output says how many were lost until then.
"""

import sys

import segment.analytics as analytics

host, write_key, client_id, key_id, key_file = sys.argv[1:6]
lost = []
analytics.write_key = write_key
analytics.host = host
analytics.on_error = lambda error, events: lost.extend(events)
analytics.oauth_client_id = client_id
analytics.oauth_key_id = key_id
analytics.oauth_auth_server = host
with open(key_file) as file:
    analytics.oauth_client_key = file.read()

for line in sys.stdin:
    for _ in range(int(line)):
        analytics.track("python-user", "Signed Up")
    analytics.flush()
    print(len(lost), flush=True)
