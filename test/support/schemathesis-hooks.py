"""What openapi.yml cannot say as a schema: keys that poison objects are refused at every level."""

import schemathesis


def _is_poisoned(value):
    if isinstance(value, list):
        return any(map(_is_poisoned, value))
    if not isinstance(value, dict):
        return False
    made = value.get("constructor")
    if "__proto__" in value or (isinstance(made, dict) and "prototype" in made):
        return True
    return any(map(_is_poisoned, value.values()))


@schemathesis.hook
def filter_body(context, body):
    return not _is_poisoned(body)
