"""Type hints → JSON Schema, and the way back from JSON to what the hint promises."""

import dataclasses
import enum
import sys
from typing import (
    Any,
    Dict,
    List,
    Literal,
    NewType,
    Optional,
    Sequence,
    Tuple,
    TypedDict,
    TypeVar,
    Union,
)

import pytest

import ren
from ren.errors import BadArguments
from ren.schema import Builder

try:
    from typing import Annotated
except ImportError:  # pragma: no cover
    Annotated = None


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Size:
    width: int
    height: Optional[int] = None


@dataclasses.dataclass
class Page:
    url: str
    size: Size
    tags: List[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Tree:
    name: str
    children: List["Tree"] = dataclasses.field(default_factory=list)


class Price(TypedDict):
    amount: float


class Offer(Price, total=False):
    note: str


Sku = NewType("Sku", str)
T = TypeVar("T")
SIZE = {
    "type": "object",
    "properties": {"width": {"type": "integer"}, "height": {"type": ["integer", "null"]}},
    "required": ["width"],
    "additionalProperties": False,
}

SCHEMAS = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (type(None), {"type": "null"}),
    (Any, {}),
    (object, {}),
    (T, {}),
    (bytes, {}),
    (Sku, {"type": "string"}),
    (Annotated[int, "metres"], {"type": "integer"}),
    (Optional[str], {"type": ["string", "null"]}),
    (Union[int, str, None], {"type": ["integer", "string", "null"]}),
    (Union[int, List[int]], {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
    (Union[int, Any], {}),
    (Literal["a", "b", 3], {"enum": ["a", "b", 3]}),
    (Colour, {"enum": ["red", "blue"]}),
    (list, {"type": "array"}),
    (List, {"type": "array"}),
    (List[Any], {"type": "array"}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (Sequence[str], {"type": "array", "items": {"type": "string"}}),
    (set[int], {"type": "array", "items": {"type": "integer"}}),
    (tuple, {"type": "array"}),
    (Tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
    (Tuple[int, int], {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}),
    (Tuple[int, str], {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": ["integer", "string"]}}),
    (Tuple[int, Any], {"type": "array", "minItems": 2, "maxItems": 2}),
    (dict, {"type": "object"}),
    (Dict[str, Any], {"type": "object"}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (dict[str, None], {"type": "object", "additionalProperties": {"type": "null"}}),
    (Size, SIZE),
    (List[Size], {"type": "array", "items": SIZE}),
    (ren.Items, {"type": "array"}),
    (ren.Items[dict], {"type": "array", "items": {"type": "object"}}),
    (
        Offer,
        {
            "type": "object",
            "properties": {"amount": {"type": "number"}, "note": {"type": "string"}},
            "required": ["amount"],
        },
    ),
]
if sys.version_info >= (3, 10):
    SCHEMAS.append((eval("int | None"), {"type": ["integer", "null"]}))
    SCHEMAS.append((eval("Size | None"), {"anyOf": [SIZE, {"type": "null"}]}))
if sys.version_info >= (3, 11):
    from typing import NotRequired

    class Late(TypedDict):
        a: int
        b: NotRequired[str]

    SCHEMAS.append(
        (
            Late,
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
                "required": ["a"],
            },
        )
    )


@pytest.mark.parametrize("hint, schema", SCHEMAS, ids=[str(row[0]) for row in SCHEMAS])
def test_hint_becomes_schema(hint, schema):
    assert Builder().shape(hint).schema == schema


CONVERSIONS = [
    (Size, {"width": 3}, Size(3)),
    (List[Size], [{"width": 3}], [Size(3)]),
    (Optional[Size], None, None),
    (Optional[Size], {"width": 3}, Size(3)),
    (Dict[str, Size], {"a": {"width": 3}}, {"a": Size(3)}),
    (Union[Size, str], "small", "small"),
    (Page, {"url": "u", "size": {"width": 1, "height": 2}}, Page("u", Size(1, 2))),
    (Tree, {"name": "a", "children": [{"name": "b"}]}, Tree("a", [Tree("b")])),
    (Tuple[int, Size], [1, {"width": 2}], (1, Size(2))),
    (Tuple[int, ...], [1, 2], (1, 2)),
    (set[int], [1, 2, 2], {1, 2}),
    (Colour, "red", Colour.RED),
]


@pytest.mark.parametrize("hint, value, wanted", CONVERSIONS, ids=[str(row[0]) for row in CONVERSIONS])
def test_json_becomes_what_the_hint_promises(hint, value, wanted):
    assert Builder().shape(hint).convert(value) == wanted


@pytest.mark.parametrize("hint", [str, int, dict, list[int], Dict[str, int], Price, Any])
def test_plain_hints_cost_no_conversion(hint):
    assert Builder().shape(hint).convert is None


REFUSED = [
    (Size, {}, "missing 1 required positional argument: 'width'"),
    (Size, {"width": 1, "depth": 2}, "unexpected keyword argument 'depth'"),
    (Size, [1], "an object is wanted, not a list of 1"),
    (Page, {"url": "u", "size": 3}, ".size: an object is wanted, not int"),
    (List[Size], [{"width": 1}, "x"], "[1]: an object is wanted, not text"),
    (Dict[str, Size], {"a": None}, "['a']: an object is wanted, not null"),
    (Tuple[int, int], [1], "a list of 2 is wanted, not a list of 1"),
    (Colour, "green", "'green' is not a valid"),
    (Optional[Size], "x", "an object is wanted, not text"),
]


@pytest.mark.parametrize("hint, value, message", REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_misfit_names_the_place(hint, value, message):
    with pytest.raises(BadArguments) as refusal:
        Builder().shape(hint).convert(value)
    assert message in str(refusal.value)


def test_class_that_contains_itself_becomes_a_reference(make):
    made = make(
        """
import dataclasses, ren
from typing import List, Optional

@dataclasses.dataclass
class Tree:
    name: str
    left: "Optional[Tree]" = None

@ren.function
def walk(tree: Tree): ...
"""
    )
    schema = made.walk.__ren__.describe()["parameters"]
    assert schema["properties"]["tree"] == {"$ref": "#/$defs/shop.Tree"}
    left = schema["$defs"]["shop.Tree"]["properties"]["left"]
    assert left == {"anyOf": [{"$ref": "#/$defs/shop.Tree"}, {"type": "null"}]}


def test_parameters_of_a_whole_function(make):
    made = make(
        '''
from __future__ import annotations
import ren
from typing import List, TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere import Thing

@ren.function
def fetch(url: str, deep: bool = False, tags: List[str] = (), limit: int = None, thing: Thing = None,
          where=object(), *, ctx: ren.Context) -> Later:
    """Fetches a page.

    And more.
    """

class Later: ...
'''
    )
    described = made.fetch.__ren__.describe()
    assert described["doc"] == "Fetches a page."
    assert described["lists"] == ["tags"]
    assert described["takes_context"] is True
    assert described["parameters"] == {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "deep": {"type": "boolean", "default": False},
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            "limit": {"type": ["integer", "null"], "default": None},
            "thing": {"default": None},
            "where": {},
        },
        "required": ["url"],
        "additionalProperties": False,
    }


def test_any_keyword_is_allowed_where_the_function_takes_it(make):
    made = make("import ren\n@ren.function\ndef fetch(a: int, **rest): ...")
    assert made.fetch.__ren__.describe()["parameters"]["additionalProperties"] is True


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`|` in hints came with Python 3.10")
def test_new_unions_are_understood_in_text(make):
    made = make(
        "from __future__ import annotations\nimport ren\n@ren.function\n"
        "def fetch(a: int | None, c: ren.Context | None): ..."
    )
    described = made.fetch.__ren__.describe()
    assert described["parameters"]["properties"] == {"a": {"type": ["integer", "null"]}}
    assert described["takes_context"] is True
