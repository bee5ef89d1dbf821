"""Sends one call of each type with the Python SDK: python calls.py host writeKey marker [gzip]"""

import sys

import segment.analytics as analytics

host, write_key, marker = sys.argv[1:4]
lost = []
analytics.write_key = write_key
analytics.host = host
analytics.gzip = "gzip" in sys.argv[4:]
analytics.on_error = lambda error, events: lost.append(error)

user = "python-user-ü"
analytics.identify(user, {"marker": f"{marker}-identify"})
analytics.track(user, "Signed Up", {"marker": f"{marker}-track"})
analytics.page(user, "Docs", "Home", {"marker": f"{marker}-page"})
analytics.screen(user, "Docs", "Start", {"marker": f"{marker}-screen"})
analytics.group(user, "group-1", {"marker": f"{marker}-group"})
analytics.alias(f"{marker}-alias", user)
analytics.flush()
analytics.shutdown()
if lost:
    sys.exit(f"lost: {lost}")
