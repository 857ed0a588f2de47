import JSONLogic
import RenJSON
import Testing

/// What the operators do beyond the public sets in `../shared`: the refused side, conversions, chains, exactness.
@Suite("Operators")
struct OperatorTests {
    @Test(
        "Literals, lists and operators",
        arguments: [
            Row("{}", "{}"), Row("[{}, {}]", "[{},{}]"), Row("[]", "[]"), Row("1.5", "1.5"),
            Row(#"{"UnknownOperator": true}"#, "!Unknown Operator"),
            Row(#"{"+": 1, "-": 1}"#, "!Unknown Operator"), Row(#"{"+": true, "x": 1}"#, "!Unknown Operator"),
            Row(#"{"log": "apple"}"#, "!Unknown Operator"), Row(#"{"constructor": []}"#, "!Unknown Operator"),
            Row(#"{"try": [{"fubar": []}, 1]}"#, "!Unknown Operator"),
            Row(#"{"preserve": {"fubar": [], "x": 1}}"#, #"{"fubar":[],"x":1}"#),
            Row(#"{"eachKey": {"a": {"+": [1, 2]}, "b": [{"var": "x"}]}}"#, #"{"a":3,"b":[7]}"#, data: #"{"x": 7}"#),
            Row(#"{"eachKey": {"+": {"+": [1, 2]}}}"#, #"{"+":3}"#), Row(#"{"eachKey": {}}"#, "{}"),
            Row(#"{"eachKey": [1]}"#, "!Invalid Arguments"),
        ])
    func literals(_ row: Row) throws { try row.check() }

    @Test(
        "Data is plain data: no members of a host language",
        arguments: [
            Row(#"{"var": "__proto__"}"#, "null", data: "{}"), Row(#"{"var": "constructor"}"#, "null", data: "{}"),
            Row(#"{"var": "constructor.name"}"#, "null", data: #"{"a": 1}"#),
            Row(#"{"var": "__proto__"}"#, "5", data: #"{"__proto__": 5}"#),
            Row(#"{"val": ["constructor", "x"]}"#, "1", data: #"{"constructor": {"x": 1}}"#),
            Row(#"{"var": "name.length"}"#, "null", data: #"{"name": "ren"}"#),
            Row(#"{"var": "list.length"}"#, "null", data: #"{"list": [1]}"#),
            Row(#"{"var": "name.0"}"#, "null", data: #"{"name": "ren"}"#),
            Row(#"{"var": "a.b.0.c"}"#, "3", data: #"{"a": {"b": [{"c": 3}]}}"#),
            Row(#"{"var": "a.01"}"#, "null", data: #"{"a": [1, 2]}"#),
            Row(#"{"var": "a.-1"}"#, "null", data: #"{"a": [1]}"#),
            Row(#"{"var": "a.99999999999999999999"}"#, "null", data: #"{"a": [1]}"#),
            Row(#"{"var": 1}"#, "2", data: "[1, 2]"), Row(#"{"var": 1.1}"#, "3", data: "[1, [2, 3]]"),
            Row(#"{"var": "1"}"#, "2", data: #"{"1": 2}"#),
            Row(#"{"var": ""}"#, #"{"a":1}"#, data: #"{"a": 1}"#), Row(#"{"var": [""]}"#, "4", data: "4"),
            Row(#"{"var": ["a", 9]}"#, "null", data: #"{"a": null}"#),
            Row(#"{"var": ["b", 9]}"#, "9", data: #"{"a": null}"#),
            Row(#"{"var": ["a.b", {"var": "c"}]}"#, "2", data: #"{"c": 2}"#),
            Row(#"{"var": ["flag", true]}"#, "false", data: #"{"flag": false}"#),
            Row(#"{"var": [["a"]]}"#, "!Invalid Arguments"),
            Row(#"{"var": {"var": "x"}}"#, "!Invalid Arguments", data: #"{"x": []}"#),
            Row(#"{"var": {"var": "x"}}"#, "2", data: #"{"x": "y.z", "y": {"z": 2}}"#),
            Row(#"{"var": "."}"#, "1", data: #"{"": 1}"#), Row(#"{"var": ".."}"#, "2", data: #"{"": {"": 2}}"#),
            Row(#"{"var": "a\\.b"}"#, "5", data: #"{"a.b": 5}"#),
            Row(#"{"var": "..\\.k."}"#, "7", data: #"{"": {"": {".k": {"": 7}}}}"#),
            Row(#"{"var": "a\\b"}"#, "6", data: #"{"a\\b": 6}"#),
            Row(#"{"var": "\u00e9"}"#, "null", data: #"{"e\u0301": 6}"#),
        ])
    func plainData(_ row: Row) throws { try row.check() }

    @Test(
        "val, exists and scopes",
        arguments: [
            Row(#"{"val": {"cat": ["te", "st"]}}"#, "1", data: #"{"test": 1}"#),
            Row(#"{"val": {"if": [true, ["a", "b"], []]}}"#, "1", data: #"{"a": {"b": 1}}"#),
            Row(#"{"val": ["a", {"var": "k"}]}"#, "1", data: #"{"a": {"b": 1}, "k": "b"}"#),
            Row(#"{"val": ["a", ["b"]]}"#, "!Invalid Arguments"), Row(#"{"val": {}}"#, "!Invalid Arguments"),
            Row(#"{"val": ["a.b"]}"#, "1", data: #"{"a.b": 1}"#),
            Row(#"{"exists": "a.b"}"#, "false", data: #"{"a": {"b": 1}}"#), Row(#"{"exists": []}"#, "true", data: "{}"),
            Row(#"{"exists": [{"cat": "a"}, 1]}"#, "true", data: #"{"a": [1, null]}"#),
            Row(#"{"map": [[1, 2], {"+": [{"val": []}, {"val": [[-2], "by"]}]}]}"#, "[11,12]", data: #"{"by": 10}"#),
            Row(
                #"{"map": [["x"], {"map": [[1, 2], {"+": [{"val": []}, {"val": [[4], "by"]}]}]}]}"#, "[[11,12]]",
                data: #"{"by": 10}"#),
            Row(#"{"map": [["x"], {"map": [[1, 2], {"val": [[3], "index"]}]}]}"#, "[[0,0]]"),
            Row(#"{"map": [["x"], {"val": [[1]]}]}"#, #"[{"index":0}]"#),
            Row(#"{"val": [[1], "a"]}"#, "null", data: #"{"a": 1}"#),
            Row(#"{"val": [[0], "a"]}"#, "1", data: #"{"a": 1}"#),
            Row(#"{"val": [[1, 2], "a"]}"#, "!Invalid Arguments"),
            Row(
                #"{"reduce": [[5, 6], {"+": [{"val": "accumulator"}, {"val": [[2], "by"]}]}, 0]}"#, "20",
                data: #"{"by": 10}"#),
            Row(
                #"{"try": [{"throw": "x"}, {"val": [[2], "else"]}]}"#, #""Hello""#, data: #"{"else": "Hello"}"#),
            Row(#"{"try": [{"throw": "x"}, {"val": [[1], "index"]}]}"#, "null"),
            Row(#"{"try": [{"map": [[1], {"throw": "x"}]}, {"var": "type"}]}"#, #""x""#),
        ])
    func scopes(_ row: Row) throws { try row.check() }

    @Test(
        "Conditions and truthiness",
        arguments: [
            Row(#"{"!!": {}}"#, "false"), Row(#"{"!!": [{}]}"#, "false"), Row(#"{"!!": "0"}"#, "true"),
            Row(#"{"!!": {"var": "o"}}"#, "true", data: #"{"o": {"": 0}}"#),
            Row(#"{"!!": {"var": "l"}}"#, "true", data: #"{"l": [0]}"#),
            Row(#"{"!": {"var": "l"}}"#, "true", data: #"{"l": []}"#), Row(#"{"!": []}"#, "true"),
            Row(#"{"!!": []}"#, "false"),
            Row(#"{"!!": 0.0}"#, "false"), Row(#"{"!!": -1}"#, "true"),
            Row(#"{"if": [{}, 1, 2]}"#, "2"), Row(#"{"if": [null, 1, 0, 2, 7, 3, 4]}"#, "3"),
            Row(#"{"if": "apple"}"#, "!Invalid Arguments"),
            Row(#"{"if": {"preserve": [true, 1, 2]}}"#, "!Invalid Arguments"),
            Row(#"{"if": [false, {"throw": "x"}, true, 1, {"throw": "x"}, {"throw": "x"}]}"#, "1"),
            Row(#"{"?:": [false, {"throw": "x"}, 2]}"#, "2"),
            Row(#"{"and": []}"#, "null"), Row(#"{"or": []}"#, "null"), Row(#"{"and": [true, 1, {}]}"#, "{}"),
            Row(#"{"and": true}"#, "!Invalid Arguments"), Row(#"{"or": {"preserve": [true]}}"#, "!Invalid Arguments"),
            Row(#"{"and": [0, {"throw": "x"}]}"#, "0"), Row(#"{"or": [false, [], 4, {"throw": "x"}]}"#, "4"),
            Row(#"{"??": [null, {"var": "x"}, false, {"throw": "x"}]}"#, "false"),
            Row(#"{"??": {"var": "l"}}"#, "2", data: #"{"l": [null, 2]}"#),
            Row(#"{"try": []}"#, "!Invalid Arguments"),
            Row(#"{"try": [{"<": 5}, {"var": "type"}]}"#, #""Invalid Arguments""#),
            Row(#"{"try": [{"throw": {"preserve": {"type": "T", "n": 3}}}, {"var": "n"}]}"#, "3"),
            Row(#"{"throw": ["a"]}"#, "!a"), Row(#"{"throw": {"preserve": {"n": 3}}}"#, "!Error"),
            Row(#"{"throw": 4}"#, "!4"),
        ])
    func conditions(_ row: Row) throws { try row.check() }

    @Test(
        "Arithmetic: conversions, chains, errors",
        arguments: [
            Row(#"{"+": [1, "2", 3, "4", "", true, false, null]}"#, "11"), Row(#"{"+": []}"#, "0"),
            Row(#"{"+": "1e2"}"#, "100"),
            Row(#"{"+": " -1.5 "}"#, "-1.5"), Row(#"{"+": ".5"}"#, "0.5"), Row(#"{"+": "5."}"#, "5"),
            Row(#"{"+": null}"#, "0"),
            Row(#"{"+": "Hello"}"#, "!NaN"), Row(#"{"+": "1x"}"#, "!NaN"), Row(#"{"+": "0x10"}"#, "!NaN"),
            Row(#"{"+": "nan"}"#, "!NaN"),
            Row(#"{"+": "Infinity"}"#, "!NaN"), Row(#"{"+": "1e999"}"#, "!NaN"), Row(#"{"+": "."}"#, "!NaN"),
            Row(#"{"+": "e5"}"#, "!NaN"),
            Row(#"{"+": [[1]]}"#, "!NaN"), Row(#"{"+": {}}"#, "!NaN"),
            Row(#"{"+": [{"var": "x"}, 1]}"#, "!NaN", data: #"{"x": {}}"#),
            Row(#"{"+": {"var": "l"}}"#, "6", data: #"{"l": [1, 2, 3]}"#), Row(#"{"+": {"preserve": []}}"#, "0"),
            Row(#"{"*": []}"#, "1"), Row(#"{"*": ["1", null]}"#, "0"), Row(#"{"*": "-1"}"#, "-1"),
            Row(#"{"*": ["Hey"]}"#, "!NaN"),
            Row(#"{"*": [10000, 0.9]}"#, "9000"), Row(#"{"+": [0.1, 0.2]}"#, "0.30000000000000004"),
            Row(#"{"-": []}"#, "!Invalid Arguments"), Row(#"{"-": 0}"#, "0"), Row(#"{"-": "x"}"#, "!NaN"),
            Row(#"{"-": [1, "2", true, null]}"#, "-2"),
            Row(#"{"-": {"preserve": [7]}}"#, "-7"), Row(#"{"-": [[1], 1]}"#, "!NaN"),
            Row(#"{"/": []}"#, "!Invalid Arguments"), Row(#"{"/": 2}"#, "0.5"), Row(#"{"/": [8, 2, 2]}"#, "2"),
            Row(#"{"/": [1, 3]}"#, "0.3333333333333333"),
            Row(#"{"/": 0}"#, "!NaN"), Row(#"{"/": [1, 0]}"#, "!NaN"), Row(#"{"/": [0, 0]}"#, "!NaN"),
            Row(#"{"/": [8, 2, 0.0]}"#, "!NaN"),
            Row(#"{"/": ""}"#, "!NaN"), Row(#"{"/": [1, null]}"#, "!NaN"), Row(#"{"/": [1, "a"]}"#, "!NaN"),
            Row(#"{"/": [1e308, 1e-308]}"#, "!NaN"),
            Row(#"{"%": [8, 6, 3]}"#, "2"), Row(#"{"%": [-8, 3]}"#, "-2"), Row(#"{"%": [8, -3]}"#, "2"),
            Row(#"{"%": [1, 0.5]}"#, "0"),
            Row(#"{"%": [1]}"#, "!Invalid Arguments"), Row(#"{"%": "1"}"#, "!Invalid Arguments"),
            Row(#"{"%": [1, 0]}"#, "!NaN"), Row(#"{"%": [5.5, 0]}"#, "!NaN"),
            Row(#"{"*": [1e200, 1e200]}"#, "!NaN"), Row(#"{"+": [1e308, 1e308]}"#, "!NaN"),
            Row(#"{"max": []}"#, "!Invalid Arguments"), Row(#"{"max": "2"}"#, "!Invalid Arguments"),
            Row(#"{"min": [1, null]}"#, "!Invalid Arguments"),
            Row(#"{"max": [[1, 2]]}"#, "!Invalid Arguments"), Row(#"{"min": [true, 2]}"#, "!Invalid Arguments"),
            Row(#"{"max": {}}"#, "!Invalid Arguments"),
            Row(#"{"max": {"merge": [[1, 2], 3]}}"#, "3"), Row(#"{"min": [2.0, 3, 1.5]}"#, "1.5"),
            Row(#"{"max": 7}"#, "7"),
        ])
    func arithmetic(_ row: Row) throws { try row.check() }

    @Test(
        "Integers are exact over 64 bits, and become doubles beyond",
        arguments: [
            Row(#"{"+": [9007199254740993, 2]}"#, "9007199254740995"),
            Row(#"{"+": "9007199254740993"}"#, "9007199254740993"),
            Row(#"{"*": [3037000499, 3037000499]}"#, "9223372030926249001"),
            Row(#"{"-": [9007199254740993, 9007199254740992]}"#, "1"),
            Row(#"{"/": [9007199254740993, 3]}"#, "3002399751580331"), Row(#"{"%": [9223372036854775807, 10]}"#, "7"),
            Row(#"{"+": [9223372036854775807, 1]}"#, "9.223372036854776e+18"),
            Row(#"{"-": [-9223372036854775808]}"#, "9.223372036854776e+18"),
            Row(#"{"*": [9223372036854775807, 2]}"#, "1.8446744073709552e+19"),
            Row(#"{"%": [-9223372036854775808, -1]}"#, "0"),
            Row(#"{"/": [-9223372036854775808, -1]}"#, "9.223372036854776e+18"),
            Row(#"{"<": [9007199254740992, 9007199254740993]}"#, "true"),
            Row(#"{"==": [9007199254740992.0, 9007199254740993]}"#, "false"),
            Row(#"{"<": [9007199254740992.0, 9007199254740993]}"#, "true"),
            Row(#"{">": [9223372036854775807, 9223372036854775808.0]}"#, "false"),
            Row(#"{"<": [9223372036854775807, 9223372036854775808.0]}"#, "true"),
            Row(#"{">": [-9223372036854775808, -1e300]}"#, "true"),
            Row(#"{"max": [9007199254740993, 9007199254740992.0]}"#, "9007199254740993"),
            Row(#"{"===": [1, 1.0]}"#, "true"), Row(#"{"<": [0, 0.5, 1]}"#, "true"),
        ])
    func exactIntegers(_ row: Row) throws { try row.check() }

    @Test(
        "Comparisons",
        arguments: [
            Row(#"{"==": 1}"#, "!Invalid Arguments"), Row(#"{"===": [1]}"#, "!Invalid Arguments"),
            Row(#"{"<": []}"#, "!Invalid Arguments"),
            Row(#"{"<": {"preserve": [1, 2, 3]}}"#, "!Invalid Arguments"),
            Row(#"{"!=": {"preserve": [1, 2]}}"#, "!Invalid Arguments"),
            Row(#"{"==": [3, 2, {"throw": "x"}]}"#, "false"), Row(#"{"!=": [3, 3, {"throw": "x"}]}"#, "false"),
            Row(#"{">": [2, 3, {"throw": "x"}]}"#, "false"),
            Row(#"{">": [3, 2, 1]}"#, "true"), Row(#"{">=": [3, 3, 4]}"#, "false"), Row(#"{"<=": [1, 1, 2]}"#, "true"),
            Row(#"{"!==": [1, 2, 1]}"#, "true"),
            Row(#"{"==": ["3", 3]}"#, "true"), Row(#"{"==": [1, "A"]}"#, "!NaN"),
            Row(#"{"<": [2023, "2024-01-01"]}"#, "!NaN"), Row(#"{"<": ["2023", "2024-01-01"]}"#, "true"),
            Row(#"{"<": ["a", "b"]}"#, "true"), Row(#"{">": ["a", "B"]}"#, "true"), Row(#"{"<=": ["a", "a"]}"#, "true"),
            Row(#"{"<": ["10", "9"]}"#, "true"), Row(#"{"<": [10, "9"]}"#, "false"),
            Row(#"{"==": [null, 0]}"#, "true"), Row(#"{"==": [null, false]}"#, "true"),
            Row(#"{"==": [null, 1]}"#, "false"), Row(#"{"==": [null, ""]}"#, "false"),
            Row(#"{"==": ["text", null]}"#, "false"),
            Row(#"{"!=": [null, 0]}"#, "false"), Row(#"{"===": [null, 0]}"#, "false"),
            Row(#"{"===": [null, null, "A"]}"#, "false"),
            Row(#"{"<": [null, 1]}"#, "true"), Row(#"{"<": [null, "A"]}"#, "false"),
            Row(#"{">=": [null, "A"]}"#, "false"), Row(#"{">=": [null, 0]}"#, "true"),
            Row(#"{"<": [null, "1"]}"#, "true"),
            Row(#"{"==": [1, true]}"#, "true"), Row(#"{"<": [false, true]}"#, "true"),
            Row(#"{"==": [true, "1"]}"#, "true"), Row(#"{"===": [1, true]}"#, "false"),
            Row(#"{"==": [[], [1]]}"#, "!NaN"), Row(#"{"<": [[1], 5]}"#, "!NaN"), Row(#"{"!=": [1, {}]}"#, "!NaN"),
            Row(#"{"==": [null, []]}"#, "false"), Row(#"{"<": [null, []]}"#, "!NaN"),
            Row(
                #"{"===": [{"var": "a"}, {"var": "b"}]}"#, "true",
                data: #"{"a": {"x": [1], "y": 2}, "b": {"y": 2.0, "x": [1]}}"#),
            Row(#"{"===": [{"var": "a"}, {"var": "b"}]}"#, "false", data: #"{"a": {"x": [1]}, "b": {"z": [1]}}"#),
            Row(#"{"===": ["\u00e9", "e\u0301"]}"#, "false"),
        ])
    func comparisons(_ row: Row) throws { try row.check() }

    @Test(
        "Lists",
        arguments: [
            Row(#"{"map": 5}"#, "!Invalid Arguments"), Row(#"{"map": {"preserve": [[1], 2]}}"#, "!Invalid Arguments"),
            Row(#"{"reduce": 5}"#, "!Invalid Arguments"),
            Row(#"{"map": [null, {"var": ""}]}"#, "!Invalid Arguments"),
            Row(#"{"filter": [[1], null]}"#, "!Invalid Arguments"), Row(#"{"map": [[1]]}"#, "!Invalid Arguments"),
            Row(#"{"map": [{"var": "x"}, 1]}"#, "[]"), Row(#"{"filter": [{"var": "x"}, 1]}"#, "[]"),
            Row(#"{"map": [{"var": "x"}, 1]}"#, "!Invalid Arguments", data: #"{"x": 5}"#),
            Row(#"{"all": [{"var": "x"}, true]}"#, "!Invalid Arguments"),
            Row(#"{"some": [null, true]}"#, "!Invalid Arguments"),
            Row(#"{"none": [{"var": "x"}, true]}"#, "!Invalid Arguments", data: "{}"),
            Row(#"{"all": [[1], null]}"#, "false"), Row(#"{"some": [[1], null]}"#, "false"),
            Row(#"{"none": [[1], null]}"#, "true"), Row(#"{"all": [[], true]}"#, "false"),
            Row(#"{"reduce": [[1, 2, 3], {"+": [{"var": "current"}, {"var": "accumulator"}]}]}"#, "6"),
            Row(#"{"reduce": [[], 1]}"#, "null"), Row(#"{"reduce": [{"var": "x"}, 1, 42]}"#, "42"),
            Row(
                #"{"reduce": [["a", "b"], {"cat": [{"var": "accumulator"}, " ", {"var": "current"}]}, ""]}"#, #"" a b""#
            ),
            Row(#"{"reduce": [[1, 2], {"merge": [{"var": "accumulator"}, {"var": "current"}]}, []]}"#, "[1,2]"),
            Row(#"{"merge": [[1, 2], null, [3]]}"#, "[1,2,null,3]"), Row(#"{"merge": {"var": "x"}}"#, "[null]"),
            Row(#"{"merge": [[[1]], 2]}"#, "[[1],2]"),
            Row(#"{"in": [{"preserve": {"a": 1}}, {"var": "l"}]}"#, "true", data: #"{"l": [{"a": 1.0}]}"#),
            Row(#"{"in": [1, ["1"]]}"#, "false"), Row(#"{"in": ["x", null]}"#, "false"),
            Row(#"{"in": ["x"]}"#, "!Invalid Arguments"), Row(#"{"in": ["x", 5]}"#, "false"),
            Row(#"{"missing": [["a", "b"]]}"#, #"["b"]"#, data: #"{"a": 1}"#),
            Row(#"{"missing": ["a"]}"#, #"["a"]"#, data: #"{"a": ""}"#),
            Row(#"{"missing": "a"}"#, "[]", data: #"{"a": 0}"#),
            Row(#"{"missing_some": [1, "a"]}"#, "!Invalid Arguments"),
            Row(#"{"missing_some": [1]}"#, "!Invalid Arguments"), Row(#"{"missing": [[["a"]]]}"#, "!Invalid Arguments"),
        ])
    func lists(_ row: Row) throws { try row.check() }

    @Test(
        "Text",
        arguments: [
            Row(#"{"cat": []}"#, #""""#), Row(#"{"cat": [null, "test", true, 1.0, 2.5]}"#, #""testtrue12.5""#),
            Row(#"{"cat": {"var": "t"}}"#, #""ab""#, data: #"{"t": ["a", "b"]}"#),
            Row(#"{"cat": ["a", [1, [2, null]]]}"#, #""a1,2,""#), Row(#"{"cat": [{}]}"#, "!Invalid Arguments"),
            Row(#"{"cat": [1e21]}"#, #""1e+21""#), Row(#"{"cat": [1e20]}"#, #""100000000000000000000""#),
            Row(#"{"cat": [1.5e300]}"#, #""1.5e+300""#), Row(#"{"cat": [0.000001]}"#, #""0.000001""#),
            Row(#"{"cat": [1e-7]}"#, #""1e-7""#), Row(#"{"cat": [-1.25e-9]}"#, #""-1.25e-9""#),
            Row(#"{"cat": [123456.789]}"#, #""123456.789""#), Row(#"{"cat": [0.00012]}"#, #""0.00012""#),
            Row(#"{"cat": [-0.5]}"#, #""-0.5""#), Row(#"{"cat": [9223372036854775807]}"#, #""9223372036854775807""#),
            Row(#"{"cat": [1.2345678901234567e17]}"#, #""123456789012345660""#),
            Row(#"{"substr": [42, 0, 1]}"#, #""4""#), Row(#"{"substr": ["test", 10, 1]}"#, #""""#),
            Row(#"{"substr": ["test", -10, 1]}"#, #""t""#), Row(#"{"substr": ["test", 1, -9]}"#, #""""#),
            Row(#"{"substr": ["a👋b", 1, 1]}"#, #""👋""#), Row(#"{"substr": ["test", "x"]}"#, "!NaN"),
            Row(#"{"substr": ["test"]}"#, "!Invalid Arguments"), Row(#"{"substr": ["test", 1e300]}"#, #""""#),
            Row(#"{"length": "a👋"}"#, "2"), Row(#"{"length": [[1, 2]]}"#, "2"),
            Row(#"{"length": {"var": ""}}"#, "1", data: #"{"a": 1}"#), Row(#"{"length": []}"#, "!Invalid Arguments"),
            Row(#"{"in": ["", "test"]}"#, "true"), Row(#"{"in": ["aab", "aaab"]}"#, "true"),
            Row(#"{"in": [2, "12"]}"#, "true"), Row(#"{"in": ["test", ""]}"#, "false"),
            Row(#"{"in": [null, "null"]}"#, "false"),
        ])
    func text(_ row: Row) throws { try row.check() }
}
