"""`/openapi.json` says what is true: a validator reads it, and a fuzzer of others compares it with the live service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from service import HERE, Service

SEED = "20261123"
EXAMPLES = os.environ.get("REN_EXAMPLES", "12")


def test_the_description_is_valid(service: Service) -> None:
    document = service.read("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_link_of_the_index_is_described(service: Service) -> None:
    paths = service.read("/openapi.json")["paths"]
    for link in service.read("/api/v1")["links"].values():
        assert link in paths


def places(service: Service) -> dict[str, list[str]]:
    """What path parameters may be, so that the fuzzer also finds something."""
    ended = service.begin("fan", {"count": 30})
    service.finish(ended)
    said = service.begin("say", {"text": "hello"})
    service.finish(said)
    waiting = service.begin("approval")
    service.until_node(waiting, "first", "waiting")
    return {
        "run": [ended, said, waiting],
        "flow": ["echo", "fan", "say"],
        "node": ["double", "numbers", "first"],
        "key": ["7"],
        "attempt": ["1"],
        "sequence": [str(service.events(ended)[-1]["sequence"])],
        "name": ["service.echo"],
        "function": ["service.echo"],
        "code": ["run.not_found"],
    }


@pytest.mark.parametrize("phase", ["examples,coverage", "fuzzing"])
def test_the_service_does_as_described(quiet: Service, tmp_path: Path, phase: str) -> None:
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{quiet.address}/openapi.json",
        *("-H", f"Authorization: Bearer {quiet.token}"),
        *("--phases", phase, "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"),
        *("--continue-on-failure", "--no-color", "--request-timeout", "20"),
        # Live streams have no end; test_websocket and test_event_stream are theirs.
        *("--exclude-path", "/api/v1/stream", "--exclude-path", "/api/v1/events"),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)}
    environment["REN_PLACES"] = json.dumps(places(quiet))
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert quiet.get("/health/ready").status == 200
