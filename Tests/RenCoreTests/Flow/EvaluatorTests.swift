import RenCore
import RenJSON
import Testing

@Suite("Evaluation")
struct EvaluatorTests {
    /// A flow with `list`, and `n` over its items, with the given keys of `n`.
    private func plan(_ keys: String, signatures: [String: FunctionSignature] = [:]) throws -> Plan {
        let text = """
            flow: e
            nodes:
              list: {function: f}
              m: {after: [list], each: {var: nodes.list.output}, function: f}
              go: {condition: {var: input.go}}
              n: {\(keys)}

            """
        return Plan(try FlowFixtures.flow(text), signatures: signatures)
    }

    private func arguments(
        _ keys: String, _ values: [Template.Root: String], items: Evaluator.Items = .inline, parameters: JSON? = nil
    ) throws -> String {
        var signature = FunctionSignature(name: "f")
        signature.parameters = parameters
        let plan = try plan(keys, signatures: ["f": signature])
        let bytes = try Evaluator().arguments(of: NodeNumber(3), in: plan, Values(values), items: items)
        return String(decoding: bytes, as: UTF8.self)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var with: String
        var result: String
        var testDescription: String { with }
    }

    @Test(
        "Arguments are rendered",
        arguments: [
            Row(with: "{u: {var: item.url}}", result: #"{"u":"http:\/\/x"}"#),
            Row(with: "{u: {var: item}}", result: #"{"u":{ "url": "http:\/\/x", "n" : 1.50 }}"#),
            Row(with: "{n: {var: item.n}}", result: #"{"n":1.50}"#),
            Row(with: "{n: {\"+\": [{var: item.n}, 1]}}", result: #"{"n":2.5}"#),
            Row(with: "{a: [{var: index}, {var: key}, x]}", result: #"{"a":[3,"k","x"]}"#),
            Row(with: "{a: {b: {var: input.deep.1.b}, c: 1}}", result: #"{"a":{"b":true,"c":1}}"#),
            Row(with: "{a: {var: input.none}}", result: #"{"a":null}"#),
            Row(with: "{a: {var: [input.none, 7]}}", result: #"{"a":7}"#),
            Row(with: "{a: {var: [input.null, 7]}}", result: #"{"a":null}"#),
            Row(with: "{a: {var: nodes.list.output}}", result: #"{"a":null}"#),
            Row(with: "{a: {cat: [{var: run.id}, {var: item.n}]}}", result: #"{"a":"r_11.5"}"#),
            Row(with: "{a: {missing: [input.none, input.deep]}}", result: #"{"a":["input.none"]}"#),
            Row(with: "{a: {exists: [input, \"null\"]}}", result: #"{"a":true}"#),
            Row(with: "{a: {exists: [input, none]}}", result: #"{"a":false}"#),
            Row(with: "{a: {eachKey: {x: {var: index}}}}", result: #"{"a":{"x":3}}"#),
            Row(with: "{a: {map: [{var: input.deep}, {val: [[2], index]}]}}", result: #"{"a":[3,3]}"#),
            Row(with: "{\"q\\\"\": 1}", result: #"{"q\"":1}"#),
            Row(with: "{}", result: "{}"),
        ])
    func rendered(_ row: Row) throws {
        let keys = "after: [list], each: {var: nodes.list.output}, function: f, with: \(row.with)"
        let values: [Template.Root: String] = [
            .item: #" { "url": "http:\/\/x", "n" : 1.50 }"#, .index: "3", .key: "\"k\"",
            .input: #"{"deep":[1,{"b":true}],"null":null}"#, .run: #"{"id":"r_1"}"#,
        ]
        let spaced = row.with == "{u: {var: item}}" ? #"{"u": { "url": "http:\/\/x", "n" : 1.50 }}"# : row.result
        #expect(try arguments(keys, values) == spaced)
    }

    @Test(
        "Without with: the item, the input, one output, all outputs",
        arguments: [
            Row(with: "after: [list], each: {var: nodes.list.output}, function: f", result: "\"item\""),
            Row(with: "function: f", result: "{\"go\":1}"), Row(with: "after: [list], function: f", result: "[1]"),
            Row(with: "after: [list, m], function: f", result: #"{"list":[1],"m":[2]}"#),
            Row(with: "after: [m, go.then, list.failed], function: f", result: #"{"m":[2],"list":[1]}"#),
            Row(with: "after: [go.then], function: f", result: "null"),
        ])
    func withoutWith(_ row: Row) throws {
        let values: [Template.Root: String] = [
            .item: "\"item\"", .input: "{\"go\":1}", .node(NodeNumber(0), .output): "[1]",
            .node(NodeNumber(1), .output): "[2]",
        ]
        #expect(try arguments(row.with, values) == row.result)
        let one: JSON = ["properties": ["p": [:]], "additionalProperties": false]
        #expect(try arguments(row.with, values, parameters: one) == "{\"p\":\(row.result)}")
    }

    @Test("Items of a node that are an argument by themselves can be left out")
    func lazyItems() throws {
        let keys = "after: [m], function: f, with: {a: 1, xs: {var: nodes.m.items}, first: {var: nodes.m.items.0}}"
        let values: [Template.Root: String] = [.node(NodeNumber(1), .items): "[5,6]"]
        #expect(try arguments(keys, values) == #"{"a":1,"xs":[5,6],"first":5}"#)
        #expect(try arguments(keys, values, items: .leftOut) == #"{"a":1,"first":5}"#)
        let lazy = try plan(keys).lazyArguments(of: NodeNumber(3))
        #expect(lazy.map(\.name) == ["xs"])
        #expect(lazy.map(\.source) == [NodeNumber(1)])
    }

    @Test(
        "What an expression cannot do is BadExpression",
        arguments: [
            "{throw: {var: input.word}}", "{\"/\": [{var: input.one}, 0]}",
            "{reduce: [{var: input.many}, {cat: [{var: accumulator}, {var: accumulator}]}, xxxxxxxxxxxxxxxx]}",
        ])
    func failures(_ expression: String) throws {
        let many = "[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]"
        let values = [Template.Root.input: "{\"word\":\"no\",\"one\":1,\"many\":\(many)}"]
        let failure = #expect(throws: Failure.self) {
            try arguments("function: f, with: {a: \(expression)}", values)
        }
        #expect(failure?.name == "BadExpression")
    }

    @Test("A decision keeps what it read; a large operand by length and hash")
    func decisions() throws {
        let plan = try plan("condition: {and: [{var: input.big}, {\">\": [{var: input.n}, 2]}, {var: input.none}]}")
        guard case .condition(let expression) = plan.flow.nodes[3].kind else { return unexpected("no condition") }
        let big = "\"" + String(repeating: "x", count: 2000) + "\""
        let values = Values([.input: "{\"big\":\(big),\"n\":3}"])
        let decision = try Evaluator().decide(expression, in: values, digest: fakeDigest)
        #expect(!decision.truth)
        let hash = fakeDigest(Array(big.utf8)).base64url
        #expect(
            decision.operands == [
                "input.big": ["length": 2002, "hash": .string(hash)], "input.n": 3, "input.none": nil,
            ])
    }

    @Test(
        "Truth is JSONLogic's",
        arguments: [
            ("1", true), ("0", false), ("\"\"", false), ("[]", false), ("[0]", true), ("\"0\"", true), ("null", false),
        ])
    func truth(value: String, truth: Bool) throws {
        let plan = try plan("condition: {var: input.a}")
        guard case .condition(let expression) = plan.flow.nodes[3].kind else { return unexpected("no condition") }
        let values = Values([.input: "{\"a\":\(value)}"])
        #expect(try Evaluator().decide(expression, in: values, digest: fakeDigest).truth == truth)
    }

    @Test(
        "Keys are text or integers of at most 200 bytes",
        arguments: [
            ("\"a\"", "a"), ("7", "7"), ("1.5", nil), ("null", nil), ("[]", nil), ("true", nil),
            ("\"\(String(repeating: "é", count: 101))\"", nil),
            ("\"\(String(repeating: "é", count: 100))\"", String(repeating: "é", count: 100)),
        ] as [(String, String?)])
    func keys(value: String, key: String?) throws {
        let template = Template.reference(Template.Reference(root: .item, path: []))
        guard let key else {
            let failure = #expect(throws: Failure.self) { try Evaluator().key(template, in: Values([.item: value])) }
            #expect(failure?.name == "BadExpression")
            return
        }
        #expect(try Evaluator().key(template, in: Values([.item: value])) == key)
    }

    @Test("Computed settings are checked when they are computed")
    func settings() throws {
        let template = Template.reference(Template.Reference(root: .input, path: []))
        func duration(_ text: String) throws -> Duration {
            try Evaluator().duration(.computed(template), in: Values([.input: text]))
        }
        func integer(_ text: String) throws -> Int {
            try Evaluator().integer(.computed(template), in: Values([.input: text]))
        }
        #expect(try duration("\"30s\"") == .seconds(30))
        #expect(try integer("16") == 16)
        #expect(try integer("2.0") == 2)
        for text in ["30", "\"0s\"", "\"soon\"", "null"] { #expect(throws: Failure.self) { try duration(text) } }
        for text in ["0", "100001", "1.5", "\"16\"", "-9223372036854775808"] {
            #expect(throws: Failure.self) { try integer(text) }
        }
    }

    @Test("Texts and signals")
    func texts() throws {
        let template = Template.reference(Template.Reference(root: .input, path: []))
        #expect(try Evaluator().text(template, in: Values([.input: "\"a\""])) == "a")
        #expect(try Evaluator().text(template, in: Values([.input: "[1, 2]"])) == "[1,2]")
        #expect(try Evaluator().signal(template, in: Values([.input: "\"approve-1\""])) == "approve-1")
        #expect(throws: Failure.self) { try Evaluator().signal(template, in: Values([.input: "\"a b\""])) }
    }
}
