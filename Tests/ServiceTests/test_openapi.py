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
EXAMPLES = os.environ.get("REN_EXAMPLES", "20")


def test_the_description_is_valid(service: Service) -> None:
    document = service.read("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_link_of_the_index_is_described(service: Service) -> None:
    paths = service.read("/openapi.json")["paths"]
    for link in service.read("/api/v1")["links"].values():
        assert link in paths


def places(service: Service) -> list[dict[str, str]]:
    """What path parameters may be, so that the fuzzer also finds something."""
    fan = service.begin("fan", {"count": 30})
    service.finish(fan)
    said = service.begin("say", {"text": "hello"})
    service.finish(said)
    mixed = service.begin("mixed")
    service.until_node(mixed, "asked", "waiting")
    artifact = service.read(f"/api/v1/runs/{mixed}/artifacts")["items"][0]["hash"]
    last = str(service.events(fan)[-1]["sequence"])
    common = {"attempt": "1", "sequence": last, "function": "service.echo", "code": "run.not_found"}
    return [
        common | {"run": fan, "flow": "fan", "node": "double", "key": "7"},
        common | {"run": said, "flow": "echo", "node": "say", "hash": "0" * 64},
        common | {"run": mixed, "flow": "mixed", "node": "thirds", "key": "n-3", "hash": artifact},
    ]


@pytest.mark.parametrize("phase", ["examples,coverage", "fuzzing"])
def test_the_service_does_as_described(quiet: Service, tmp_path: Path, phase: str) -> None:
    known = places(quiet)
    settings = (HERE / "schemathesis.toml").read_text()
    if "coverage" in phase:  # It does not ask the hooks.
        settings += "\n[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in known[-1].items())
    (tmp_path / "settings.toml").write_text(settings)
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        *("--config-file", "settings.toml", "run"),
        f"{quiet.address}/openapi.json",
        *("-H", f"Authorization: Bearer {quiet.token}"),
        *("--phases", phase, "--checks", "all"),
        *("--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"),
        *("--continue-on-failure", "--no-color", "--request-timeout", "20"),
        # Live streams have no end; test_websocket and test_event_stream are theirs.
        *("--exclude-path", "/api/v1/stream", "--exclude-path", "/api/v1/events"),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)}
    environment["REN_PLACES"] = json.dumps(known)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    (tmp_path / "report.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert quiet.get("/health/ready").status == 200
