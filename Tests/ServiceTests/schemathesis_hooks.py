"""Lets the fuzzer name runs, flows and nodes that are there, in three of four requests."""

import itertools
import json
import os

import schemathesis

#: Values of path parameters that belong together.
PLACES = json.loads(os.environ["REN_PLACES"])
turns = itertools.count()


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: object) -> object:
    """Rules that prune nothing: the runs are needed for all other requests."""
    if context.operation.path != "/api/v1/journal:prune" or not isinstance(body, dict):
        return body
    if not isinstance(body.get("retention"), dict):
        return body
    ages = {"older_than": "3650d", "payloads_older_than": "3650d"}
    return body | {"retention": ages | body["retention"]}


@schemathesis.hook
def map_path_parameters(_: object, path_parameters: dict | None) -> dict | None:
    turn = next(turns)
    if not path_parameters or turn % 4 == 3:
        return path_parameters
    place = PLACES[turn // 4 % len(PLACES)]
    return {name: place.get(name, value) for name, value in path_parameters.items()}
