"""Sends one call of each type with an SDK of the family of Segment's for Python.

python calls.py host writeKey marker [gzip] [module=NAME] [few]
"""

import importlib
import sys

host, write_key, marker = sys.argv[1:4]
options = dict(option.partition("=")[::2] for option in sys.argv[4:])
analytics = importlib.import_module(options.get("module", "segment.analytics"))
lost = []
analytics.write_key = write_key
analytics.host = host
analytics.gzip = "gzip" in options
analytics.on_error = lambda error, events: lost.append(error)

user = "python-user-ü"
analytics.identify(user, {"marker": f"{marker}-identify"})
analytics.track(user, "Signed Up", {"marker": f"{marker}-track"})
analytics.page(user, "Docs", "Home", {"marker": f"{marker}-page"})
analytics.group(user, "group-1", {"marker": f"{marker}-group"})
# Not every fork has these.
if "few" not in options:
    analytics.screen(user, "Docs", "Start", {"marker": f"{marker}-screen"})
    analytics.alias(f"{marker}-alias", user)
analytics.flush()
analytics.shutdown()
if lost:
    sys.exit(f"lost: {lost}")
