"""Which packages function files need, read without importing them: `python -m ren.requires FILE.py…`

A file that begins with `import httpx` cannot say what it requires before httpx is there. So the
text is read: literals in `@ren.function(requires=[…])`, and the script block of PEP 723. Prints one
JSON object: `{"requires": [in order, each once], "errors": [{"file", "message"}]}`. A file that is
no Python is left to the import, which explains it better.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from typing import Any, Dict, Iterator, List, Sequence

# The reference expression of PEP 723.
_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_DEPENDENCIES = re.compile(r"(?ms)^dependencies\s*=\s*(\[.*?\])[ \t]*(?:#[^\n]*)?$")
_TABLE = re.compile(r"(?m)^\[")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OURS = ("ren", "ren-sdk")  # the engine brings it along


class NotLiteral(Exception):
    """Requirements that only running the file would tell."""


def requirements(source: str) -> List[str]:
    """The requirements that a file's text states. Raises `NotLiteral` and `SyntaxError`."""
    found = [*_script_block(source), *_decorators(ast.parse(source))]
    return [entry for entry in dict.fromkeys(found) if not _is_ours(entry)]


def _script_block(source: str) -> Iterator[str]:
    for block in _BLOCK.finditer(source):
        if block["type"] != "script":
            continue
        text = "".join(line[2:] if line.startswith("# ") else line[1:] for line in block["content"].splitlines(True))
        match = _DEPENDENCIES.search(_TABLE.split(text)[0])
        if match:
            try:  # a TOML list of plain strings is a Python list too, comments included
                value = ast.parse(match[1], mode="eval").body
            except SyntaxError as error:
                raise NotLiteral("dependencies in the script block: {}".format(error.msg)) from error
            yield from _texts(value, "dependencies in the script block")


def _decorators(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _last_name(decorator.func) == "function":
                    for keyword in decorator.keywords:
                        if keyword.arg == "requires":
                            yield from _texts(keyword.value, "requires of {}".format(node.name))


def _last_name(node: ast.AST) -> str:
    """`function` of `ren.function`, or of a bare `function`."""
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _texts(node: ast.expr, what: str) -> List[str]:
    try:
        values = ast.literal_eval(node)
    except ValueError:
        values = None
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise NotLiteral("line {}: {}: write a literal list of text".format(node.lineno, what))
    return [value.strip() for value in values]


def _is_ours(requirement: str) -> bool:
    name = _NAME.match(requirement)
    return name is not None and re.sub(r"[-_.]+", "-", name[0]).lower() in _OURS


def report(paths: Sequence[str]) -> Dict[str, Any]:
    """What `python -m ren.requires` prints."""
    found: List[str] = []
    errors: List[Dict[str, str]] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                found += requirements(file.read())
        except SyntaxError:
            continue
        except (NotLiteral, OSError, ValueError) as error:
            errors.append({"file": path, "message": str(error)})
    return {"requires": list(dict.fromkeys(found)), "errors": errors}


if __name__ == "__main__":
    print(json.dumps(report(sys.argv[1:])))
