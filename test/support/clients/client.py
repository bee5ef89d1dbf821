"""A program on the client that openapi-python-client makes of openapi.yml, in the package `made` beside it."""

import base64
import json
import sys

from made import AuthenticatedClient
from made.api.alias import alias
from made.api.batch import batch
from made.api.group import group
from made.api.identify import identify
from made.api.page import page
from made.api.screen import screen
from made.api.track import track
from made.models import (
    AliasCall,
    BatchCall,
    BatchCallBatchItem,
    BatchCallBatchItemType,
    ErrorResponse,
    GroupCall,
    IdentifyCall,
    IdentifyCallTraits,
    PageCall,
    ScreenCall,
    TrackCall,
    TrackCallProperties,
)

base_url, write_key = sys.argv[1:]
token = base64.b64encode(f"{write_key}:".encode()).decode()
client = AuthenticatedClient(base_url=base_url, token=token, prefix="Basic")

traits = IdentifyCallTraits.from_dict({"plan": "free"})
properties = TrackCallProperties.from_dict({"revenue": 49.9})
items = [
    BatchCallBatchItem(type_=BatchCallBatchItemType.TRACK, user_id="u", event="Order Completed"),
    BatchCallBatchItem(type_=BatchCallBatchItemType.GROUP, user_id="u", group_id="acme"),
]
no_group = [BatchCallBatchItem(type_=BatchCallBatchItemType.GROUP, user_id="u")]

answers = [
    identify.sync_detailed(client=client, body=IdentifyCall(user_id="u", traits=traits)),
    track.sync_detailed(client=client, body=TrackCall(anonymous_id="a", event="Order Completed", properties=properties)),
    page.sync_detailed(client=client, body=PageCall(anonymous_id="a", name="Pricing")),
    screen.sync_detailed(client=client, body=ScreenCall(anonymous_id="a", name="Checkout")),
    group.sync_detailed(client=client, body=GroupCall(user_id="u", group_id="acme")),
    alias.sync_detailed(client=client, body=AliasCall(user_id="u", previous_id="a")),
    batch.sync_detailed(client=client, body=BatchCall(batch=items)),
    track.sync_detailed(client=client, body=TrackCall(event="Order Completed")),
    track.sync_detailed(client=client, body=TrackCall.from_dict({"userId": "u", "event": ""})),
    batch.sync_detailed(client=client, body=BatchCall(batch=no_group)),
]
print(json.dumps([[a.status_code, a.parsed.code if isinstance(a.parsed, ErrorResponse) else None] for a in answers]))
