import RenJSON
import Testing

@Suite("JSON Schema")
struct SchemaTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var schema: JSON
        var fits: [JSON]
        var refused: [(value: JSON, message: String)]
        var testDescription: String { schema.text }

        init(_ schema: JSON, fits: [JSON], refused: [(value: JSON, message: String)]) {
            self.schema = schema
            self.fits = fits
            self.refused = refused
        }
    }

    @Test(
        "Each keyword takes and refuses",
        arguments: [
            Row(true, fits: [1, nil], refused: []),
            Row([:], fits: [1, nil, [:]], refused: []),
            Row(false, fits: [], refused: [(1, "no value is allowed here")]),
            Row(
                ["type": "integer"], fits: [1, -5, 2.0, 1e300],
                refused: [
                    (1.5, "1.5 is not of type integer"), ("1", "\"1\" is not of type integer"),
                    (nil, "null is not of type integer"),
                ]),
            Row(["type": "number"], fits: [1, 1.5], refused: [(true, "true is not of type number")]),
            Row(["type": ["string", "null"]], fits: ["x", nil], refused: [(1, "1 is not of type string or null")]),
            Row(["type": "boolean"], fits: [true, false], refused: [(0, "0 is not of type boolean")]),
            Row(["type": "array"], fits: [[], [1]], refused: [([:], "{} is not of type array")]),
            Row(["type": "object"], fits: [[:]], refused: [([], "[] is not of type object")]),
            Row(
                ["enum": ["red", "green", 1, ["a": 1]]], fits: ["red", 1.0, ["a": 1.0]],
                refused: [
                    ("gren", #""gren" is none of ["red","green",1,{"a":1}]; did you mean "green"?"#),
                    (2, #"2 is none of ["red","green",1,{"a":1}]"#),
                ]),
            Row(["const": nil], fits: [nil], refused: [(false, "false is not null")]),
            Row(["const": ["a": [1]]], fits: [["a": [1.0]]], refused: [(["a": [2]], #"{"a":[2]} is not {"a":[1]}"#)]),
            Row(
                ["minimum": 1], fits: [1, 1.0, "x", nil],
                refused: [(0, "0 is less than the minimum 1"), (0.5, "0.5 is less than the minimum 1")]),
            Row(["maximum": 1.5], fits: [1, 1.5], refused: [(2, "2 is greater than the maximum 1.5")]),
            Row(["exclusiveMinimum": 0], fits: [1, 0.1], refused: [(0, "0 is not greater than 0")]),
            Row(["exclusiveMaximum": 10], fits: [9], refused: [(10.0, "10.0 is not less than 10")]),
            Row(
                ["maximum": .double(0x1p53)], fits: [.integer(1 << 53)],
                refused: [
                    (.integer(1 << 53 + 1), "9007199254740993 is greater than the maximum 9007199254740992.0")
                ]),
            Row(
                ["multipleOf": 3], fits: [9, 0, -3, 6.0],
                refused: [(10, "10 is not a multiple of 3"), (1.5, "1.5 is not a multiple of 3")]),
            Row(["multipleOf": 0.1], fits: [0.3, 1, 4.4], refused: [(0.35, "0.35 is not a multiple of 0.1")]),
            Row(["minLength": 2], fits: ["ab", "é😀", 1], refused: [("😀", "\"😀\" has 1 character, fewer than 2")]),
            Row(["maxLength": 2], fits: ["", "é😀"], refused: [("abc", "\"abc\" has 3 characters, more than 2")]),
            Row(["minItems": 1], fits: [[1], "x"], refused: [([], "the list has 0 elements, fewer than 1")]),
            Row(["maxItems": 1.0], fits: [[1]], refused: [([1, 2], "the list has 2 elements, more than 1")]),
            Row(
                ["uniqueItems": true], fits: [[1, 2, "1"]], refused: [([1, 2, 1.0], "the elements 0 and 2 are equal")]),
            Row(["uniqueItems": false], fits: [[1, 1]], refused: []),
            Row(
                ["pattern": "^a+b"], fits: ["aab!", 3], refused: [("xab", #""xab" does not match the pattern "^a+b""#)]),
            Row(
                ["required": ["a", "b"]], fits: [["b": nil, "a": 1], 3],
                refused: [(["a": 1], "the member \"b\" is missing")]),
            Row(
                ["properties": ["limit": ["minimum": 1]]], fits: [["limit": 1], [:], ["x": 0]],
                refused: [
                    (["limit": 0], "/limit: 0 is less than the minimum 1")
                ]),
            Row(
                ["properties": ["name": true], "additionalProperties": false], fits: [["name": 1], [:]],
                refused: [
                    (["nmae": 1], #"the member "nmae" is not allowed; did you mean "name"?"#),
                    (["zzzzz": 1], #"the member "zzzzz" is not allowed"#),
                ]),
            Row(
                ["additionalProperties": ["type": "string"], "properties": ["n": ["type": "integer"]]],
                fits: [["n": 1, "x": "y"]],
                refused: [
                    (["x": 1], "/x: 1 is not of type string")
                ]),
            Row(
                ["items": ["type": "integer"]], fits: [[], [1, 2]],
                refused: [([1, "a~/b"], "/1: \"a~/b\" is not of type integer")]),
            Row(
                ["items": ["properties": ["a/b": ["items": ["type": "null"]]]]], fits: [[["a/b": [nil]]]],
                refused: [
                    ([[:], ["a/b": [nil, 1]]], "/1/a~1b/1: 1 is not of type null")
                ]),
            Row(
                ["anyOf": [["type": "string"], ["type": "integer", "minimum": 5]]], fits: ["x", 5],
                refused: [
                    (1, "fits none of 2 alternatives: 1 is not of type string; or 1 is less than the minimum 5")
                ]),
            Row(
                ["oneOf": [["multipleOf": 2], ["multipleOf": 3]]], fits: [2, 3],
                refused: [
                    (6, "6 fits more than one of the alternatives of oneOf"),
                    (5, "fits none of 2 alternatives: 5 is not a multiple of 2; or 5 is not a multiple of 3"),
                ]),
            Row(
                ["allOf": [["minimum": 1], ["maximum": 3]]], fits: [2],
                refused: [(4, "4 is greater than the maximum 3")]),
            Row(
                ["$ref": "#/$defs/a~1b", "$defs": ["a/b": ["type": "integer"]]], fits: [1],
                refused: [("x", "\"x\" is not of type integer")]),
            Row(
                ["properties": ["child": ["$ref": "#"], "v": ["type": "integer"]]],
                fits: [["child": ["child": ["v": 1]]]],
                refused: [
                    (["child": ["child": ["v": "x"]]], "/child/child/v: \"x\" is not of type integer")
                ]),
            Row(
                ["properties": ["a": ["type": "null"], "b": ["$ref": "#/properties/a"]]], fits: [["b": nil]],
                refused: [
                    (["b": 1], "/b: 1 is not of type null")
                ]),
            Row(
                [
                    "title": "T", "description": "D", "examples": [1], "format": "uri", "$schema": "x", "$id": "y",
                    "$comment": "z",
                ], fits: [1], refused: []),
        ])
    func eachKeywordTakesAndRefuses(_ row: Row) throws {
        let schema = try JSONSchema(compiling: row.schema)
        for value in row.fits { #expect(schema.validate(value) == [], "\(value)") }
        for (value, message) in row.refused {
            #expect(schema.validate(value).map(\.description) == [message], "\(value)")
        }
    }

    @Test("Tells all that does not fit at once") func tellsAll() throws {
        let schema = try JSONSchema(compiling: [
            "type": "object", "required": ["name"],
            "properties": ["limit": ["type": "integer", "minimum": 1], "tags": ["items": ["type": "string"]]],
            "additionalProperties": false,
        ])
        let violations = schema.validate(["limit": 0, "tags": ["a", 1, nil], "x": 1])
        #expect(
            violations.map(\.description) == [
                "the member \"name\" is missing", "/limit: 0 is less than the minimum 1",
                "/tags/1: 1 is not of type string",
                "/tags/2: null is not of type string", "the member \"x\" is not allowed",
            ])
        #expect(violations[1].pointer.tokens == ["limit"])
    }

    @Test("Tells at most a hundred") func tellsAtMostAHundred() throws {
        let schema = try JSONSchema(compiling: ["items": ["type": "string"]])
        #expect(schema.validate(.array(Array(repeating: 1, count: 5_000))).count == 100)
    }

    @Test(
        "A wrong schema is refused with place and hint",
        arguments: [
            ("{\"type\": \"objekt\"}", "1:10 /type: unknown type \"objekt\"; did you mean \"object\"?"),
            ("{\"type\": []}", "1:10 /type: must name at least one type"),
            ("{\"requird\": [\"a\"]}", "1:2 /requird: unknown keyword \"requird\"; did you mean \"required\"?"),
            ("{\"zzz\": 1}", "1:2 /zzz: unknown keyword \"zzz\""),
            (
                "{\"patternProperties\": {}}",
                "1:2 /patternProperties: the keyword \"patternProperties\" is not supported"
            ),
            ("{\"definitions\": {}}", "1:2 /definitions: the keyword \"definitions\" is not supported; write $defs"),
            ("{\"properties\": {\"a\": 1}}", "1:22 /properties/a: a schema must be an object, true or false"),
            ("{\"properties\": []}", "1:16 /properties: must be an object of schemas"),
            ("{\"required\": [\"a\", \"a\"]}", "1:14 /required: must be a list of different strings"),
            ("{\"required\": true}", "1:14 /required: must be a list of different strings"),
            ("{\"minimum\": \"1\"}", "1:13 /minimum: must be a number"),
            ("{\"multipleOf\": 0}", "1:16 /multipleOf: must be greater than 0"),
            ("{\"minLength\": -1}", "1:15 /minLength: must be an integer of at least 0"),
            ("{\"enum\": []}", "1:10 /enum: must be a list of at least one of the values"),
            ("{\"anyOf\": {}}", "1:11 /anyOf: must be a list of at least one of the schemas"),
            ("{\"uniqueItems\": 1}", "1:17 /uniqueItems: must be true or false"),
            ("{\"pattern\": \"(\"}", "1:13 /pattern: the pattern cannot be used: a '(' is not closed (at character 2)"),
            ("{\"pattern\": 1}", "1:13 /pattern: must be a string"),
            (
                "{\"$ref\": \"#/$defs/adress\", \"$defs\": {\"address\": true}}",
                "1:10 /$ref: no schema stands at \"#/$defs/adress\"; did you mean \"#/$defs/address\"?"
            ),
            ("{\"$ref\": \"https://x/y\"}", "1:10 /$ref: \"https://x/y\" leads out of the document; start with #"),
            ("{\"$ref\": \"#\"}", "1:10 /$ref: leads back to itself without going into the value"),
            (
                "{\"type\": \"integer\", \"default\": \"x\"}",
                "1:32 /default: the default does not fit: \"x\" is not of type integer"
            ),
            (
                "{\"maximum\": 3,\n \"properties\": {\"a\": {\"default\": 0, \"minimum\": 1}}}",
                "2:34 /properties/a/default: the default does not fit: 0 is less than the minimum 1"
            ),
        ])
    func aWrongSchemaIsRefused(_ text: String, _ expected: String) throws {
        let located = try Located(parsing: text)
        let errors = schemaErrors { _ = try JSONSchema(compiling: located) }
        #expect(errors.map { "\($0.place!) \($0)" } == [expected])
        #expect(schemaErrors { _ = try JSONSchema(compiling: located.json) }.map(\.place) == [nil])
    }

    @Test("All errors of a schema come at once") func allErrorsComeAtOnce() {
        let errors = schemaErrors {
            _ = try JSONSchema(compiling: [
                "typ": "x", "minimum": nil, "items": ["$ref": "#/nowhere"], "anyOf": [1, ["a": 1]],
            ])
        }
        #expect(
            errors.map(\.pointer.description).sorted() == ["/anyOf/0", "/anyOf/1/a", "/items/$ref", "/minimum", "/typ"])
    }

    @Test(
        "References in a ring are refused",
        arguments: [
            [
                "$ref": "#/$defs/a",
                "$defs": ["a": ["allOf": [["$ref": "#/$defs/b"]]], "b": ["anyOf": [true, ["$ref": "#/$defs/a"]]]],
            ],
            ["properties": ["x": ["oneOf": [["$ref": "#/properties/x"]]]]],
        ] as [JSON])
    func referencesInARingAreRefused(_ schema: JSON) {
        #expect(schemaErrors { _ = try JSONSchema(compiling: schema) }.allSatisfy { $0.message.contains("leads back") })
        #expect(!schemaErrors { _ = try JSONSchema(compiling: schema) }.isEmpty)
    }

    @Test("A schema that multiplies is stopped") func aSchemaThatMultipliesIsStopped() throws {
        // Every level looks at the next one twice: 2^60 steps without the limit.
        let schema = try JSONSchema(compiling: [
            "allOf": [["properties": ["x": ["$ref": "#"]]], ["properties": ["x": ["$ref": "#"]]]]
        ])
        var value: JSON = 1
        for _ in 0..<60 { value = ["x": value] }
        #expect(schema.validate(value).map(\.message) == ["the schema takes over 10000000 steps to check"])
        #expect(schema.fillingDefaults(in: value) == value)
    }

    @Test(
        "Defaults are filled where members are missing",
        arguments: [
            (
                ["properties": ["a": ["default": 1], "b": ["default": [:]], "c": [:]]], ["c": 0],
                ["c": 0, "a": 1, "b": [:]]
            ),
            (["properties": ["a": ["default": 1]]], ["a": nil], ["a": nil]),
            (["properties": ["o": ["properties": ["p": ["default": "x"]]]]], ["o": [:]], ["o": ["p": "x"]]),
            (["properties": ["o": ["properties": ["p": ["default": "x"]]]]], [:], [:]),
            (
                ["items": ["$ref": "#/$defs/i"], "$defs": ["i": ["properties": ["k": ["default": 2]]]]],
                [[:], ["k": 3], 4], [["k": 2], ["k": 3], 4]
            ),
            (["properties": ["a": ["$ref": "#/$defs/d"]], "$defs": ["d": ["default": 7]]], [:], ["a": 7]),
            (
                ["allOf": [["properties": ["a": ["default": 1]]], ["properties": ["b": ["default": 2]]]]], [:],
                ["a": 1, "b": 2]
            ),
            (["additionalProperties": ["properties": ["k": ["default": 2]]]], ["x": [:]], ["x": ["k": 2]]),
            (["properties": ["n": ["default": ["n": [:]], "$ref": "#"]]], ["n": [:]], ["n": ["n": ["n": [:]]]]),
            (["default": 3], nil, nil),
        ] as [(JSON, JSON, JSON)])
    func defaultsAreFilled(_ schema: JSON, _ value: JSON, _ expected: JSON) throws {
        let filled = try JSONSchema(compiling: schema).fillingDefaults(in: value)
        #expect(filled.text == expected.text)
    }

    private func schemaErrors(_ body: () throws -> Void) -> [SchemaError] {
        do {
            try body()
            return []
        } catch {
            return (error as? SchemaErrors)?.all ?? []
        }
    }
}
