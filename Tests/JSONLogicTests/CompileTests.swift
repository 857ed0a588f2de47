import JSONLogic
import RenJSON
import Testing

@Suite("Compiling")
struct CompileTests {
    @Test("All errors at once, each with its pointer and a way out")
    func allErrors() throws {
        let rule = try JSON(
            parsing:
                #"{"if": [{"fiter": [[], 1]}, {"a": 1, "b": 2}, {"map": [[1], {"/": [{"log": 1}, {"x~/y": 1}]}]}]}"#)
        let errors = #expect(throws: LogicErrors.self) { try Rule(compiling: rule) }?.errors ?? []
        #expect(errors.map(\.pointer) == ["/if/0", "/if/1", "/if/2/map/1/~1/0", "/if/2/map/1/~1/1"])
        #expect(errors.map(\.code) == [.operatorUnknown, .operatorUnknown, .operatorUnknown, .operatorUnknown])
        #expect(errors[0].hint == "did you mean \"filter\"?")
        #expect(errors[1].hint?.contains("eachKey") == true)
        #expect(errors[1].message.contains("\"a\", \"b\""))
        #expect(errors[2].hint?.contains("trace") == true)
        #expect(errors[3].hint?.contains("preserve") == true)
        #expect("\(errors[0])" == "logic.operator at /if/0: there is no operator \"fiter\"; did you mean \"filter\"?")
    }

    @Test(
        "Errors are found in arguments of a wrong shape too",
        arguments: [
            #"{"if": {"nope": 1}}"#, #"{"<": [{"nope": 1}]}"#, #"{"eachKey": {"a": {"nope": 1}}}"#,
            #"{"map": [{"nope": 1}]}"#,
            #"{"var": [{"nope": 1}]}"#, #"{"val": ["a", {"nope": 1}]}"#, #"{"try": [1, {"nope": 1}]}"#,
            #"{"var": ["a", {"nope": 1}]}"#,
            #"{"missing_some": [1, {"nope": 1}]}"#, #"{"reduce": [[], 1, {"nope": 1}]}"#,
            #"{"eachKey": [{"nope": 1}]}"#,
        ])
    func errorsInside(_ rule: String) throws {
        let rule = try JSON(parsing: rule)
        let errors = #expect(throws: LogicErrors.self) { try Rule(compiling: rule) }?.errors ?? []
        #expect(errors.map(\.code) == [.operatorUnknown])
    }

    @Test("32 operators inside each other are taken, 33 are not")
    func depth() throws {
        func nested(_ count: Int, _ wrap: (JSON) -> JSON) -> JSON { (0..<count).reduce(1) { json, _ in wrap(json) } }
        #expect(try Rule(compiling: nested(32) { ["!": [$0]] }).depth == 32)
        #expect(try Rule(compiling: nested(32) { [$0] }).depth == 32)
        let maps = try Rule(compiling: nested(31) { ["map": [[1], $0]] })
        #expect(try maps.evaluate(.null) == nested(31) { [$0] })
        #expect(maps.trace(.null).steps.count == 31)
        for rule in [
            nested(33) { ["!": [$0]] }, nested(33) { ["!": $0] }, nested(33) { [$0] }, nested(5_000) { ["!": $0] },
        ] {
            let errors = #expect(throws: LogicErrors.self) { try Rule(compiling: rule) }?.errors ?? []
            #expect(errors.map(\.code) == [.tooLarge])
            #expect(errors[0].pointer.split(separator: "/").count >= 32)
        }
        // What `preserve` holds is no part of the rule.
        #expect(try Rule(compiling: ["preserve": nested(60) { ["fubar": $0] }]).depth == 1)
    }

    @Test("500 nodes are taken, 501 are not")
    func nodes() throws {
        func sum(_ count: Int) -> JSON { ["+": .array(Array(repeating: 1, count: count))] }
        #expect(try Rule(compiling: sum(499)).nodeCount == 500)
        for count in [500, 50_000] {
            let errors = #expect(throws: LogicErrors.self) { try Rule(compiling: sum(count)) }?.errors ?? []
            #expect(errors.map(\.code) == [.tooLarge])
            #expect(errors[0].pointer == "/+/499")
        }
        #expect(try Rule(compiling: ["preserve": .array(Array(repeating: 1, count: 600))]).nodeCount == 1)
    }

    @Test("Names of operators, and near misses")
    func names() {
        for name in ["var", "missing_some", "?:", "!==", "eachKey", "preserve"] { #expect(Operators.isOperator(name)) }
        for name in ["log", "Var", "", "constructor", "toString"] { #expect(!Operators.isOperator(name)) }
        #expect(Operators.names.count == 42)
        #expect(Operators.nearest(to: "eachkey") == "eachKey")
        #expect(Operators.nearest(to: "missing_sone") == "missing_some")
        #expect(Operators.nearest(to: "var") == nil)
        #expect(Operators.nearest(to: "sku_of_the_item") == nil)
    }

    @Test(
        "What a rule reads, and whose data",
        arguments: [
            ReadRow(#"{"<": [{"var": "a.b"}, {"var": ["c", 1]}]}"#, "root var a.b /</0", "root var c default /</1"),
            ReadRow(#"{"var": ""}"#, "root var  "), ReadRow(#"{"val": ["a", 1]}"#, "root val a.1 "),
            ReadRow(#"{"var": {"cat": ["a.", {"var": "k"}]}}"#, "root var k /var/cat/1", "root var …"),
            ReadRow(#"{"val": ["nodes", {"var": "k"}, "output"]}"#, "root var k /val/1", "root val nodes.… "),
            ReadRow(
                #"{"filter": [{"var": "l"}, {">": [{"var": "n"}, {"val": [[2], "least"]}]}]}"#,
                "root var l /filter/0", "element var n /filter/1/>/0", "root val least /filter/1/>/1"),
            ReadRow(#"{"map": [{"var": "l"}, {"val": [[1], "index"]}]}"#, "root var l /map/0"),
            ReadRow(#"{"map": [[1], {"val": [[3], "x"]}]}"#),
            ReadRow(
                #"{"map": [[1], {"map": [{"var": "x"}, {"val": [[4], "y"]}]}]}"#, "element var x /map/1/map/0",
                "root val y /map/1/map/1"),
            ReadRow(
                #"{"reduce": [{"var": "l"}, {"var": "current"}, {"var": "start"}]}"#,
                "root var l /reduce/0", "element var current /reduce/1", "root var start /reduce/2"),
            ReadRow(
                #"{"try": [{"var": "a"}, {"val": "type"}, {"val": [[2], "b"]}]}"#,
                "root var a /try/0", "element val type /try/1", "root val b /try/2"),
            ReadRow(#"{"try": {"var": "a"}}"#, "root var a /try"),
            ReadRow(#"{"exists": ["a", "b"]}"#, "root exists a.b "),
            ReadRow(
                #"{"missing": ["a.b", {"var": "k"}]}"#, "root var k /missing/1", "root missing a.b ", "root missing …"),
            ReadRow(#"{"missing": [["a", "b"]]}"#, "root missing a ", "root missing b "),
            ReadRow(#"{"missing_some": [1, ["a", "b"]]}"#, "root missing a ", "root missing b "),
            ReadRow(#"{"missing_some": [1, {"var": "l"}]}"#, "root var l /missing_some/1", "root missing …"),
            ReadRow(#"{"preserve": {"var": "a"}}"#),
            ReadRow(#"{"eachKey": {"x": {"var": "a"}}}"#, "root var a /eachKey/x"),
        ])
    func reads(_ row: ReadRow) throws {
        let rule = try Rule(compiling: JSON(parsing: row.rule))
        #expect(rule.reads.map(ReadRow.text) == row.wanted)
        #expect(rule.isConstant == !row.wanted.contains { $0.hasPrefix("root") })
    }

    @Test(
        "A var or val of a constant path alone is a reference",
        arguments: [
            (#"{"var": "nodes.x.items"}"#, ["nodes", "x", "items"]), (#"{"val": ["input", 0]}"#, ["input", "0"]),
            (#"{"var": ""}"#, []),
            (#"{"var": ["a"]}"#, ["a"]), (#"{"var": ["a", 1]}"#, nil), (#"{"var": {"cat": "a"}}"#, nil),
            (#"{"!": {"var": "a"}}"#, nil),
            (#"{"val": [[1], "a"]}"#, nil), (#"{"exists": "a"}"#, nil), ("1", nil),
        ] as [(String, [String]?)])
    func references(_ rule: String, _ path: [String]?) throws {
        #expect(try Rule(compiling: JSON(parsing: rule)).reference == path)
    }

    @Test(
        "Quirks that may decide a way",
        arguments: [
            (#"{"<": [{"var": "a"}, 3]}"#, "", "counts as 0"),
            (#"{"and": [true, {">=": [5, {"val": "a"}]}]}"#, "/and/1", "counts as 0"),
            (#"{"==": [{"var": "a"}, 0]}"#, "", "write `===`"), (#"{"!=": [{"var": "a"}, null]}"#, "", "write `!==`"),
            (#"{"all": [{"var": "l"}, true]}"#, "", "empty list"), (#"{"<": 5}"#, "", "always fails"),
            (#"{"if": "x"}"#, "", "always fails"),
            (#"{"val": [[9], "x"]}"#, "", "climbs out"),
        ])
    func quirks(_ rule: String, _ pointer: String, _ part: String) throws {
        let quirks = try Rule(compiling: JSON(parsing: rule)).quirks
        #expect(quirks.map(\.pointer) == [pointer])
        #expect(quirks[0].message.contains(part))
    }

    @Test(
        "No quirk where nothing surprises",
        arguments: [
            #"{"<": [{"var": ["a", 0]}, 3]}"#, #"{"===": [{"var": "a"}, 0]}"#, #"{"==": [{"var": "a"}, "x"]}"#,
            #"{"<": [1, 2]}"#,
            #"{"some": [{"var": "l"}, true]}"#,
        ])
    func noQuirks(_ rule: String) throws {
        #expect(try Rule(compiling: JSON(parsing: rule)).quirks.isEmpty)
    }
}

/// A rule and its reads as text: scope, operator, path (`…` where it is computed), `default`, pointer.
struct ReadRow: Sendable, CustomTestStringConvertible {
    var rule: String
    var wanted: [String]

    init(_ rule: String, _ wanted: String...) {
        self.rule = rule
        self.wanted = wanted.map { $0.hasSuffix("…") ? $0 + " " : $0 }
    }

    var testDescription: String { rule }

    static func text(_ read: Read) -> String {
        let path = (read.path + (read.isDynamic ? ["…"] : [])).joined(separator: ".")
        let fallback = read.hasDefault ? " default" : ""
        return "\(read.scope) \(read.kind.rawValue) \(path)\(fallback) \(read.pointer)"
    }
}
