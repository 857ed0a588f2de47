"""Imports the function files of a worker."""

from __future__ import annotations

import os
import sys

from .errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Sequence


def folders(paths: Sequence[str]) -> List[str]:
    """The folders of the files, each once, in order."""
    return list(dict.fromkeys(os.path.dirname(os.path.abspath(path)) for path in paths))


def prepare_path(paths: Sequence[str]) -> None:
    """Lets files import their neighbours, first of all.

    The working directory comes last: a file that happens to lie there must not hide a package.
    """
    sys.path[:] = folders(paths) + sys.path + [os.getcwd()]


def load(path: str) -> Dict[str, Any]:
    """Imports a file as the module of its name; its path and the hash of the bytes that run.

    A file that another one has imported already is not run twice. Raises what the file raises.
    """
    import hashlib
    import importlib.util

    path = os.path.abspath(path)
    with open(path, "rb") as file:
        source = file.read()
    name = os.path.splitext(os.path.basename(path))[0]
    loaded = sys.modules.get(name)
    if loaded is None and name not in getattr(sys, "stdlib_module_names", sys.builtin_module_names):
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None:
            raise RegistrationError("{}: not a Python file: its name must end in .py".format(path))
        module = importlib.util.module_from_spec(spec)
        code = compile(source, path, "exec", dont_inherit=True)
        sys.modules[name] = module
        try:
            exec(code, module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    elif not _is_file(loaded, path):
        taken = getattr(loaded, "__file__", None) or "Python's own module"
        raise RegistrationError(
            "{}: the module name {!r} is taken by {}: give the file another name".format(path, name, taken)
        )
    return {"path": path, "sha256": hashlib.sha256(source).hexdigest()}


def _is_file(module: Any, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and os.path.realpath(file) == os.path.realpath(path)
