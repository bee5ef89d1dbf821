"""Waits for events that an app under test has sent to a Tributary of its own (docs/debugger.md). Needs nothing but Python.

With pytest, in conftest.py:

    @pytest.fixture
    def collector():
        collector = Collector('http://localhost:3001')
        collector.clear()
        return collector

    def test_checkout(collector, shop):
        shop.pay()
        [order] = collector.expect_events('Order Completed')
        assert order['properties']['currency'] == 'EUR'
        collector.expect_nothing_rejected()
"""

import base64
import json
import urllib.parse
import urllib.request
from decimal import Decimal

GRACE_SECONDS = 10


class Collector:
    def __init__(self, admin_url, password=None):
        self._api = f'{admin_url}/api'
        token = base64.b64encode(f'admin:{password}'.encode()).decode()
        self._headers = {} if password is None else {'authorization': f'Basic {token}'}

    def clear(self):
        """Forgets what came before: nothing that is stored is touched."""
        self._open('events', 'DELETE', 0)

    def expect_events(self, name, count=1, timeout=10.0):
        """Waits until so many events of that name (* stands for anything) have been taken; numbers are Decimal or int."""
        found = self._ask(
            timeout, event=name, outcome='accepted', detail='true', order='asc', count=count, wait=f'{int(timeout * 1000)}ms'
        )
        if len(found) >= count:
            return [row['payload'] for row in found]
        came = [f'{row["type"]} "{row["name"]}" {row["code"] or row["outcome"]}' for row in self._ask(0, limit=20)]
        refused = self._refused_requests()
        raise AssertionError(
            f'{len(found)} of {count} "{name}" within {timeout} s; came: {", ".join(came) or "nothing"}'
            + (f'; {refused}' if refused else '')
        )

    def expect_nothing_rejected(self):
        """Fails for an event that was refused, and for a whole request: for a wrong key or origin, for example."""
        for row in self._ask(0, outcome='rejected', limit=1):
            raise AssertionError(f'{row["type"]} "{row["name"]}" was rejected: {row["code"]}')
        if refused := self._refused_requests():
            raise AssertionError(refused)

    def _refused_requests(self):
        """The refused requests that clients do not send again; '' if there are none."""
        groups = self._open('rejections', 'GET', 0)['requests']
        lost = [f'{group["code"]} ({group["count"]})' for group in groups if not group['retryable']]
        return f'requests refused before they became events: {", ".join(lost)}' if lost else ''

    def _ask(self, timeout, **query):
        return self._open(f'events?{urllib.parse.urlencode(query)}', 'GET', timeout)['events']

    def _open(self, path, method, timeout):
        request = urllib.request.Request(f'{self._api}/{path}', method=method, headers=self._headers)
        with urllib.request.urlopen(request, timeout=timeout + GRACE_SECONDS) as response:
            return json.load(response, parse_float=Decimal)
