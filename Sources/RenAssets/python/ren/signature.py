"""The parameters of a registered function: which there are, what they take, how a call fills them.

Read from the code object instead of `inspect`, whose import costs as much as all the rest.
"""

from __future__ import annotations

from .context import QUIET, Context
from .errors import BadArguments
from .items import Items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional

    from .schema import Shape

_VARARGS, _VARKEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x80, 0x200


class Signature:
    """Parameters, checked at registration; type hints, understood at the first need.

    Hints wait because they may name what stands further down in the file.
    """

    def __init__(self, target: Any, code: CodeType, refuse: Callable[..., NoReturn]) -> None:
        self._target = target
        self._inner = target
        while hasattr(self._inner, "__wrapped__"):
            self._inner = self._inner.__wrapped__
        self._refuse = refuse
        self.is_async = bool(code.co_flags & _COROUTINE)
        self.takes_any = bool(code.co_flags & _VARKEYWORDS)
        positional = code.co_varnames[: code.co_argcount]
        self.names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self._check_kinds(code)
        defaults = self._inner.__defaults__ or ()
        self.defaults: Dict[str, Any] = dict(zip(positional[len(positional) - len(defaults) :], defaults))
        self.defaults.update(self._inner.__kwdefaults__ or {})
        self.context = self._find_context()
        self._arguments = frozenset(name for name in self.names if name != self.context)
        self._required = frozenset(name for name in self._arguments if name not in self.defaults)
        self._shapes: Optional[Dict[str, Shape]] = None
        self._schema: Dict[str, Any] = {}
        self._converting: Dict[str, Callable[[Any], Any]] = {}

    def _check_kinds(self, code: CodeType) -> None:
        if code.co_flags & (_GENERATOR | _ASYNC_GENERATOR):
            self._refuse("it is a generator: collect the values and return ren.Items(values)")
        if code.co_posonlyargcount:
            self._refuse(
                "positional only: arguments come by name, take the '/' away",
                code.co_varnames[code.co_posonlyargcount - 1],
            )
        if code.co_flags & _VARARGS:
            name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
            self._refuse("*{} cannot be filled: arguments come by name, take a list instead".format(name), name)
        if self.names[:1] in (("self",), ("cls",)):
            self._refuse("a method: register a function of the module that calls it", self.names[0])

    def _find_context(self) -> Optional[str]:
        """The parameter annotated `ren.Context`, else the one named `ctx`."""
        annotations = _annotations(self._inner)
        found = [name for name in self.names if self._is_context(annotations.get(name))]
        if len(found) > 1:
            self._refuse("a second ren.Context beside {!r}".format(found[0]), found[1])
        if found:
            return found[0]
        return "ctx" if "ctx" in self.names else None

    def _is_context(self, hint: Any) -> bool:
        if isinstance(hint, str):
            if "Context" not in hint:
                return False
            try:
                hint = eval(hint, self._inner.__globals__)  # the file's own text, as typing does it
            except Exception:
                # `Context | None` on Python 3.9, or a name under TYPE_CHECKING: go by the words.
                return hint.split("|")[0].strip() in ("ren.Context", "Context")
        choices = (hint,) + tuple(getattr(hint, "__args__", None) or ())
        return any(isinstance(choice, type) and issubclass(choice, Context) for choice in choices)

    def add_quiet_context(self) -> None:
        """Lets a direct call leave the context out, where Python allows a default there."""
        inner, name = self._inner, self.context
        if inner is not self._target or name is None or name in self.defaults:
            return
        count = inner.__code__.co_argcount
        if name in self.names[count:]:
            inner.__kwdefaults__ = {**(inner.__kwdefaults__ or {}), name: QUIET}
        elif self.names.index(name) == count - len(inner.__defaults__ or ()) - 1:
            inner.__defaults__ = (QUIET,) + (inner.__defaults__ or ())

    # Hints ---------------------------------------------------------------------------------------

    @property
    def schema(self) -> Dict[str, Any]:
        """The JSON Schema of the arguments, an object."""
        self._understand()
        return self._schema

    @property
    def lists(self) -> List[str]:
        """Parameters that want a whole list, also when the engine offers pages."""
        return [name for name, shape in self._understand().items() if shape.is_list]

    def _understand(self) -> Dict[str, Shape]:
        if self._shapes is None:
            from . import schema

            hints = schema.hints(self._inner)
            builder = schema.Builder()
            shapes = {name: builder.shape(hints.get(name)) for name in self.names if name in self._arguments}
            self._schema = builder.parameters(shapes, self._required, self.defaults, self.takes_any)
            self._shapes = shapes
            self._converting = {name: shape.convert for name, shape in shapes.items() if shape.convert}
        return self._shapes

    # Calls ---------------------------------------------------------------------------------------

    def check_names(self, given: Mapping[str, Any], lazy: Mapping[str, int]) -> None:
        """Refuses a call whose arguments do not fit. Raises `BadArguments`."""
        names = given.keys() | lazy.keys() if lazy else given.keys()
        if self._required <= names and (names <= self._arguments or (self.takes_any and self.context not in names)):
            return
        problems = []
        missing = sorted(self._required - names)
        if missing:
            problems.append("missing {}".format(", ".join(map(repr, missing))))
        for name in sorted(names - self._arguments):
            if name == self.context or not self.takes_any:
                problems.append(_unknown(name, sorted(self._arguments)))
        raise BadArguments("arguments do not fit: " + "; ".join(problems))

    def convert(self, arguments: Dict[str, Any]) -> Dict[str, Any]:
        """Turns plain JSON into dataclasses, tuples, enums and `ren.Items`, where hints ask for it."""
        self._understand()
        if self._converting:
            for name, convert in self._converting.items():
                if name in arguments and not isinstance(arguments[name], Items):
                    try:
                        arguments[name] = convert(arguments[name])
                    except BadArguments as error:
                        raise BadArguments("argument {!r}{}".format(name, error)) from error.__cause__
        return arguments

    def element_converter(self, name: str) -> Optional[Callable[[Any], Any]]:
        """What to do with each element of a lazy argument."""
        shape = self._understand().get(name)
        return shape.element if shape else None


def _annotations(target: Any) -> Mapping[str, Any]:
    """The raw annotations. From Python 3.14 on, reading them may fail for names not yet defined."""
    try:
        return target.__annotations__ or {}
    except NameError:
        import annotationlib  # type: ignore[import-not-found]

        return annotationlib.get_annotations(target, format=annotationlib.Format.STRING)  # type: ignore


def _unknown(name: str, known: List[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    hint = (
        "did you mean {!r}?".format(near[0]) if near else "known are {}".format(", ".join(map(repr, known)) or "none")
    )
    return "unknown {!r} ({})".format(name, hint)
