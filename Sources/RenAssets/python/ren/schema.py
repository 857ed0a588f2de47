"""Type hints → JSON Schema, and the way from plain JSON to what the hint promises.

Only keywords that the engine's schema check knows are written. A hint that means nothing in JSON
gives `{}`: everything is allowed, nothing is converted.
"""

from __future__ import annotations

import collections.abc
import typing
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Tuple

from .errors import BadArguments, BadResult
from .items import Items
from .values import encode

Convert = Callable[[Any], Any]

_SIMPLE: Dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    None: "null",
}
_SIMPLE_HINTS = list(_SIMPLE)  # compared, not looked up: a hint need not be hashable
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_LISTS = (list, collections.abc.MutableSequence)
_SEQUENCES = (collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class Shape:
    """What a hint means: its schema, the conversion of a value, and of a list's elements."""

    def __init__(
        self,
        schema: Dict[str, Any],
        convert: Optional[Convert] = None,
        *,
        is_list: bool = False,
        element: Optional[Convert] = None,
    ) -> None:
        self.schema = schema
        self.convert = convert
        self.is_list = is_list
        self.element = element


def hints(target: Any) -> Dict[str, Any]:
    """The type hints of a function or class; what cannot be resolved is left out."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # one bad hint spoils them all, so each is tried alone
        import types

        found: Dict[str, Any] = {}
        scope = getattr(target, "__globals__", None)
        for name, hint in getattr(target, "__annotations__", {}).items():
            holder = types.SimpleNamespace(__annotations__={name: hint})
            try:
                found.update(typing.get_type_hints(holder, scope, include_extras=True))
            except Exception:
                continue  # for example `X | None` on Python 3.9: unknown, so everything is allowed
        return found


class Builder:
    """Shapes of one function's hints. A class that contains itself becomes a `$ref`."""

    def __init__(self) -> None:
        self._definitions: Dict[str, Any] = {}
        self._open: Dict[Any, bool] = {}
        self._converters: Dict[Any, Convert] = {}

    def parameters(
        self, shapes: Mapping[str, Shape], required: FrozenSet[str], defaults: Mapping[str, Any], takes_any: bool
    ) -> Dict[str, Any]:
        """The schema of an argument object."""
        properties = {}
        for name, shape in shapes.items():
            schema = shape.schema
            if name in defaults:
                schema = _with_default(schema, defaults[name])
            properties[name] = schema
        found: Dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "required": [name for name in shapes if name in required],
            "additionalProperties": takes_any,
        }
        if self._definitions:
            found["$defs"] = self._definitions
        return found

    def shape(self, hint: Any) -> Shape:
        """What a hint means; no hint at all is `None` from a missing key, and means everything."""
        if hint is None:
            return Shape({})
        return self._shape(hint)

    def _shape(self, hint: Any) -> Shape:
        if hint in _SIMPLE_HINTS:
            return Shape({"type": _SIMPLE[hint]})
        origin = typing.get_origin(hint) or hint
        arguments = typing.get_args(hint)
        if hasattr(hint, "__metadata__"):  # Annotated
            return self._shape(arguments[0])
        if hasattr(hint, "__supertype__"):  # NewType
            return self._shape(hint.__supertype__)
        if origin is typing.Union or type(hint).__name__ == "UnionType":
            return self._union(arguments)
        if origin is typing.Literal:
            return Shape({"enum": list(arguments)}) if _are_scalars(arguments) else Shape({})
        if not isinstance(origin, type):
            return Shape({})
        if issubclass(origin, Items):
            return self._array(arguments, lambda values: Items(values), is_list=False)
        if issubclass(origin, tuple) and not hasattr(origin, "_fields"):
            return self._tuple(arguments)
        if origin in _LISTS:
            return self._array(arguments, None, is_list=True)
        if origin in _SETS:
            return self._array(arguments, frozenset if origin is frozenset else set, is_list=True)
        if origin in _SEQUENCES:
            return self._array(arguments, None, is_list=False)
        if origin in _DICTS:
            return self._dict(arguments)
        if hasattr(origin, "__members__"):
            return self._enum(origin)
        if hasattr(origin, "__dataclass_fields__") or hasattr(origin, "__required_keys__"):
            return self._class(origin)
        return Shape({})

    # Containers ----------------------------------------------------------------------------------

    def _array(self, arguments: Tuple[Any, ...], make: Optional[Convert], *, is_list: bool) -> Shape:
        element = self._shape(arguments[0]) if arguments else Shape({})
        schema: Dict[str, Any] = {"type": "array"}
        if element.schema:
            schema["items"] = element.schema
        each = element.convert

        def convert(value: Any) -> Any:
            if not isinstance(value, list):
                raise BadArguments(": a list is wanted, not {}".format(_kind(value)))
            if each is not None:
                value = [_at("[{}]".format(place), each, child) for place, child in enumerate(value)]
            return make(value) if make is not None else value

        needed = make is not None or each is not None
        return Shape(schema, convert if needed else None, is_list=is_list, element=each)

    def _tuple(self, arguments: Tuple[Any, ...]) -> Shape:
        if not arguments or arguments[-1] is Ellipsis:
            return self._array(arguments[:1], tuple, is_list=True)
        if arguments == ((),):  # how Python 3.9 and 3.10 write the empty tuple
            arguments = ()
        shapes = [self._shape(argument) for argument in arguments]
        schema: Dict[str, Any] = {"type": "array", "minItems": len(shapes), "maxItems": len(shapes)}
        kinds = _distinct([shape.schema for shape in shapes])
        if all(kinds):
            schema["items"] = _any_of(kinds)

        def convert(value: Any) -> Any:
            if not isinstance(value, list) or len(value) != len(shapes):
                raise BadArguments(": a list of {} is wanted, not {}".format(len(shapes), _kind(value)))
            return tuple(
                _at("[{}]".format(place), shape.convert, child) if shape.convert else child
                for place, (shape, child) in enumerate(zip(shapes, value))
            )

        return Shape(schema, convert, is_list=True)

    def _dict(self, arguments: Tuple[Any, ...]) -> Shape:
        element = self._shape(arguments[1]) if len(arguments) == 2 else Shape({})
        schema: Dict[str, Any] = {"type": "object"}
        if element.schema:
            schema["additionalProperties"] = element.schema
        each = element.convert
        if each is None:
            return Shape(schema)

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                raise BadArguments(": an object is wanted, not {}".format(_kind(value)))
            return {name: _at("[{!r}]".format(name), each, child) for name, child in value.items()}

        return Shape(schema, convert)

    def _union(self, arguments: Tuple[Any, ...]) -> Shape:
        shapes = [self._shape(argument) for argument in arguments]
        kinds = _distinct([shape.schema for shape in shapes])
        schema = _any_of(kinds) if all(kinds) else {}
        converters = [shape.convert for shape in shapes if shape.convert]
        is_list = any(shape.is_list for shape in shapes) and Items not in map(_origin, arguments)
        elements = [shape.element for shape in shapes if shape.element]
        element = elements[0] if elements else None
        if not converters:
            return Shape(schema, is_list=is_list)
        may_be_plain = any(shape.convert is None and shape.schema != {"type": "null"} for shape in shapes)

        def convert(value: Any) -> Any:
            problem: Optional[BadArguments] = None
            for one in converters if value is not None else []:
                try:
                    return one(value)
                except BadArguments as error:
                    problem = problem or error
            if problem is not None and not may_be_plain:
                raise problem
            return value

        return Shape(schema, convert, is_list=is_list, element=element)

    # Classes -------------------------------------------------------------------------------------

    def _enum(self, kind: Any) -> Shape:
        values = [member.value for member in kind]

        def convert(value: Any) -> Any:
            try:
                return kind(value)
            except ValueError as error:
                raise BadArguments(": {}".format(error)) from error

        return Shape({"enum": values}, convert) if _are_scalars(values) else Shape({})

    def _class(self, kind: Any) -> Shape:
        """A dataclass (an instance is made) or a TypedDict (stays a dict)."""
        reference = {"$ref": "#/$defs/" + self._name(kind)}
        if kind in self._open:
            self._open[kind] = True
            # The converter is not made yet: it is looked up when a value comes.
            return Shape(reference, lambda value: self._converters[kind](value))
        self._open[kind] = False
        made = self._dataclass(kind) if hasattr(kind, "__dataclass_fields__") else self._typed_dict(kind)
        self._converters[kind] = made.convert or (lambda value: value)
        if self._open.pop(kind) or self._name(kind) in self._definitions:
            self._definitions[self._name(kind)] = made.schema
            return Shape(reference, made.convert)
        return made

    @staticmethod
    def _name(kind: Any) -> str:
        return "{}.{}".format(kind.__module__, kind.__qualname__).replace("<locals>", "local")

    def _dataclass(self, kind: Any) -> Shape:
        import dataclasses

        fields = [field for field in dataclasses.fields(kind) if field.init]
        known = hints(kind)
        shapes = {field.name: self.shape(known.get(field.name)) for field in fields}
        missing = dataclasses.MISSING
        required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
        schema = _object(shapes, required)
        schema["additionalProperties"] = False

        def convert(value: Any) -> Any:
            if isinstance(value, kind):
                return value
            values = _fields(shapes, value)
            try:
                return kind(**values)
            except (TypeError, ValueError) as error:
                raise BadArguments(": {}".format(error)) from error

        return Shape(schema, convert)

    def _typed_dict(self, kind: Any) -> Shape:
        shapes = {}
        required = []
        for name, hint in hints(kind).items():
            wrapper = str(typing.get_origin(hint)).rsplit(".", 1)[-1]  # also of typing_extensions
            is_required = name in kind.__required_keys__
            if wrapper in ("Required", "NotRequired"):
                is_required = wrapper == "Required"
                hint = typing.get_args(hint)[0]
            shapes[name] = self._shape(hint)
            if is_required:
                required.append(name)
        converting = any(shape.convert for shape in shapes.values())
        return Shape(_object(shapes, required), (lambda value: _fields(shapes, value)) if converting else None)


# Helpers -----------------------------------------------------------------------------------------


def _object(shapes: Mapping[str, Shape], required: List[str]) -> Dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: shape.schema for name, shape in shapes.items()},
        "required": required,
    }


def _fields(shapes: Mapping[str, Shape], value: Any) -> Dict[str, Any]:
    """An object whose known members are converted."""
    if not isinstance(value, dict):
        raise BadArguments(": an object is wanted, not {}".format(_kind(value)))
    found = dict(value)
    for name, shape in shapes.items():
        if shape.convert is not None and name in found:
            found[name] = _at("." + name, shape.convert, found[name])
    return found


def _at(place: str, convert: Convert, value: Any) -> Any:
    """Converts, and puts the place in front of what goes wrong."""
    try:
        return convert(value)
    except BadArguments as error:
        raise BadArguments("{}{}".format(place, error)) from error.__cause__


def _any_of(schemas: List[Dict[str, Any]]) -> Dict[str, Any]:
    if len(schemas) == 1:
        return schemas[0]
    if all(list(schema) == ["type"] for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def _distinct(schemas: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    for schema in schemas:
        if schema not in found:
            found.append(schema)
    return found


def _with_default(schema: Dict[str, Any], default: Any) -> Dict[str, Any]:
    """The schema of a parameter that has a default: shown if it is short JSON, and always allowed."""
    if default is None and schema and not _allows_null(schema):
        schema = _any_of([schema, {"type": "null"}])
    try:
        text = encode(default)
    except BadResult:
        return schema  # a default that is not JSON stays Python's business
    import json

    return {**schema, "default": json.loads(text)} if len(text) <= 1024 and "$ref" not in schema else schema


def _allows_null(schema: Dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    options = schema.get("anyOf", [])
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or {"type": "null"} in options


def _are_scalars(values: Any) -> bool:
    return all(type(value) in (str, int, bool, float, type(None)) for value in values)


def _origin(hint: Any) -> Any:
    return typing.get_origin(hint) or hint


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list of {}".format(len(value))
    return {dict: "an object", str: "text", type(None): "null"}.get(type(value), type(value).__name__)
