"""`ren.main()`: tries one function from the shell, without an engine.

python shop.py                                  # which functions there are
python shop.py shop.scrape '{"url": "…"}'       # calls one, prints its result as JSON
"""

from __future__ import annotations

import sys

from .context import Context
from .function import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Sequence

    from .function import Function


class ShellContext(Context):
    """A `ctx` that shows on stderr what the function does with it."""

    def progress(self, done: float, total: Optional[float] = None, text: str = "") -> None:
        of = "" if total is None else "/{}".format(total)
        sys.stderr.write("progress {}{} {}\n".format(done, of, text))

    def checkpoint(self, value: Any, wait: bool = False) -> None:
        from .values import encode_checkpoint

        sys.stderr.write("checkpoint {}\n".format(encode_checkpoint(value).decode()))
        self.last_checkpoint = value

    def artifact(self, name: str, data: Any) -> Dict[str, Any]:
        from . import artifacts

        reference = artifacts.store(name, data)
        sys.stderr.write("artifact {} in {}\n".format(name, artifacts.folder()))
        return reference

    def _write_log(self, level: str, text: str, fields: Dict[str, Any]) -> None:
        shown = "".join(" {}={!r}".format(name, value) for name, value in fields.items())
        sys.stderr.write("{} {}{}\n".format(level, text, shown))


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Calls the function named on the command line; exits 0, 1 (it raised) or 2 (called wrongly)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        _list()
        return
    function = _find(given[0])
    values = _values(given[1:])
    import json

    from .errors import BadArguments

    try:
        result = function.call(values, ShellContext(node=function.name))
    except BadArguments as error:
        sys.exit(_usage("{}: {}".format(function.name, error)))
    print(json.dumps(result, indent=2, ensure_ascii=False))


def _list() -> None:
    print("Functions:")
    for name in sorted(registry):
        schema = registry[name].signature.schema
        names = [one + "" if one in schema["required"] else one + "?" for one in schema["properties"]]
        print("  {}({})  {}".format(name, ", ".join(names), registry[name].doc).rstrip())
    print("To try one: python {} NAME '{{\"argument\": …}}'".format(sys.argv[0]))


def _find(name: str) -> Function:
    """By its whole name, or by what follows the last dot if that fits one only."""
    found = [registry[known] for known in sorted(registry) if name in (known, known.rsplit(".", 1)[-1])]
    exact = [function for function in found if function.name == name]
    if len(exact or found) != 1:
        known = ", ".join(sorted(registry)) or "none"
        sys.exit(_usage("{} function {!r}: there are {}".format("more than one" if found else "no", name, known)))
    return (exact or found)[0]


def _values(given: Sequence[str]) -> Dict[str, Any]:
    import json

    if len(given) > 1:
        sys.exit(_usage("arguments are one JSON object"))
    try:
        values = json.loads(given[0]) if given else {}
    except ValueError as error:
        sys.exit(_usage("the arguments are not JSON: {}".format(error)))
    if not isinstance(values, dict):
        sys.exit(_usage("the arguments are not a JSON object"))
    return values


def _usage(message: str) -> int:
    sys.stderr.write(message + "\n")
    return 2
