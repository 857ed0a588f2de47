import RenCore
import RenJSON
import RenYAML
import Testing

@Suite("Functions")
struct FunctionTests {
    private static let entry: JSON = [
        "name": "shop.scrape", "file": "/a/shop.py", "line": 12, "async": true, "doc": "Reads a page.",
        "parameters": [
            "type": "object", "properties": ["url": ["type": "string"], "max": ["type": "integer"]],
            "required": ["url"],
            "additionalProperties": false,
        ],
        "lists": ["pages"], "takes_context": true, "retry": ["attempts": 3, "every": "2s"], "timeout": "2m",
        "heartbeat": "30s", "once": true, "requires": ["pillow>=10"],
    ]

    @Test("An entry of a worker's hello is read")
    func signature() throws {
        let signature = try FunctionSignature(entry: Self.entry)
        #expect(signature.name == "shop.scrape")
        #expect(signature.language == .python)
        #expect(signature.isAsync && signature.takesContext && signature.once)
        #expect(signature.policy.retry == RetryPolicy(attempts: 3, every: .seconds(2)))
        #expect(signature.policy.heartbeat == .seconds(30))
        #expect(signature.lists == ["pages"])
        #expect(signature.requires == ["pillow>=10"])
    }

    @Test(
        "A decorator that says nonsense is refused",
        arguments: [
            ["name": ""], ["nam": "x"], ["name": "x", "retry": 0],
            ["name": "x", "retry": ["attempts": 2, "evry": "1s"]],
            ["name": "x", "timeout": 30], ["name": "x", "heartbeat": "-1s"], ["name": "x", "heartbeat": "1.9s"],
        ] as [JSON])
    func badDecorators(_ entry: JSON) {
        let error = #expect(throws: RenError.self) { try FunctionSignature(entry: entry) }
        #expect(error?.code == .functionInvalid)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var properties: [String]
        var required: [String] = []
        var isOpen = false
        var value: String
        /// Nil: refused.
        var result: String?
        var testDescription: String { "\(properties) \(required) of \(value)" }
    }

    @Test(
        "One value becomes named arguments",
        arguments: [
            Row(properties: ["p"], required: ["p"], value: "5", result: #"{"p":5}"#),
            Row(properties: ["p"], required: ["p"], value: #"{"p":5}"#, result: #"{"p":{"p":5}}"#),
            Row(properties: ["p"], value: "null", result: #"{"p":null}"#),
            Row(properties: ["p"], required: ["p"], isOpen: true, value: #"{"p":5,"q":6}"#, result: #"{"p":5,"q":6}"#),
            Row(properties: ["p"], required: ["p"], isOpen: true, value: #"{"q":6}"#, result: #"{"p":{"q":6}}"#),
            Row(properties: ["a", "b"], required: ["a", "b"], value: #"{"b":1,"a":2}"#, result: #"{"b":1,"a":2}"#),
            Row(properties: ["a", "b"], required: ["a"], value: #"{"a":2}"#, result: #"{"a":2}"#),
            Row(properties: ["a", "b"], required: ["a"], value: #"{"b":2}"#, result: #"{"a":{"b":2}}"#),
            Row(properties: ["a", "b"], required: ["a"], value: "[1]", result: #"{"a":[1]}"#),
            Row(properties: ["a", "b"], required: ["a", "b"], value: #"{"a":1}"#, result: nil),
            Row(properties: ["a", "b"], required: ["a", "b"], value: "[1,2]", result: nil),
            Row(properties: ["a", "b"], value: "null", result: "{}"),
            Row(properties: ["a", "b"], value: "3", result: nil),
            Row(properties: [], value: "[1]", result: "{}"), Row(properties: [], value: "null", result: "{}"),
            Row(properties: [], isOpen: true, value: #"{"a":1}"#, result: #"{"a":1}"#),
            Row(properties: [], isOpen: true, value: "3", result: nil),
        ])
    func shapes(_ row: Row) throws {
        let properties = row.properties.map { JSONObject.Member(key: $0, value: [:]) }
        var signature = FunctionSignature(name: "f")
        signature.parameters = [
            "type": "object", "properties": .object(JSONObject(members: properties)),
            "required": .array(row.required.map { .string($0) }), "additionalProperties": .bool(row.isOpen),
        ]
        let shape = ArgumentShape(signature)
        guard let result = row.result else {
            let failure = #expect(throws: Failure.self) { try shape.arguments(forValue: Array(row.value.utf8)) }
            #expect(failure?.name == "BadExpression")
            return
        }
        #expect(try String(decoding: shape.arguments(forValue: Array(row.value.utf8)), as: UTF8.self) == result)
    }

    @Test("A function that takes any value gets it as it is")
    func wholeValues() throws {
        let shape = ArgumentShape(FunctionSignature(name: "swift"))
        #expect(try shape.arguments(forValue: Array("[1]".utf8)) == Array("[1]".utf8))
    }

    @Test("Functions are checked in a flow with other errors too, as far as its nodes can be read")
    func checkOfDraft() throws {
        let text = """
            flow: c
            timeout: never
            nodes:
              arguments: {function: shop.scrape, with: {ulr: x}, retry: {attempts: 0}}
              unknown: {function: shop.scrap, with: 5}
              text: shop.scrape
              when: {function: zzz, when: {var: nodes.nobody.output}}

            """
        let check = try FlowFixtures.check(yaml: text)
        #expect(check.flow == nil)
        #expect(
            check.errors.map(\.mark) == [
                "duration.syntax 2:10", "retry.attempts 4:72", "flow.shape 5:41", "flow.shape 6:9",
                "flow.unresolved_var 7:31",
            ])
        let draft = try #require(check.draft)
        let signatures = ["shop.scrape": try FunctionSignature(entry: Self.entry)]
        let errors = FunctionCheck.errors(of: draft, in: check.document, signatures: signatures)
        #expect(
            errors.map(\.mark) == [
                "function.missing_argument 4:44", "function.unknown_argument 4:45", "function.unknown 5:23",
                "function.unknown 7:20",
            ])
    }

    struct Concurrency: Sendable, CustomTestStringConvertible {
        var node: String
        var isAsync = false
        var once = false
        var language = FunctionSignature.Language.python
        /// What the warning's message names as the most; nil without a warning.
        var most: String?
        var testDescription: String { "\(node) \(isAsync) \(once) \(language)" }
    }

    @Test(
        "Concurrency above what the pool can give is warned of, and only that",
        arguments: [
            Concurrency(node: "concurrency: 8", most: nil),
            Concurrency(node: "concurrency: 9", most: "2 processes × 4"),
            Concurrency(node: "concurrency: 128", isAsync: true, most: nil),
            Concurrency(node: "concurrency: 129", isAsync: true, most: "2 processes × 64"),
            Concurrency(node: "concurrency: 2, once: true", isAsync: true, most: nil),
            Concurrency(node: "concurrency: 3, once: true", isAsync: true, most: "2 processes × 1"),
            Concurrency(node: "concurrency: 3", once: true, most: "2 processes × 1"),
            Concurrency(node: "concurrency: 3, once: false", once: true, most: nil),
            Concurrency(node: "concurrency: 1000", language: .swift, most: nil),
            Concurrency(node: "concurrency: {var: input.wide}", most: nil),
            Concurrency(node: "key: {var: item}", most: nil),
        ])
    func concurrency(_ row: Concurrency) throws {
        let text = "flow: c\nnodes:\n  n: {each: [1], function: f, \(row.node)}\n"
        let documents = try YAML.parse(Array(text.utf8))
        var signature = FunctionSignature(name: "f", language: row.language, once: row.once)
        signature.isAsync = row.isAsync
        let warnings = FunctionCheck.warnings(
            of: try FlowDecoder.decode(documents), in: documents[0], signatures: ["f": signature],
            pool: FunctionCheck.Pool(processes: 2, blocking: 4, async: 64))
        #expect(warnings.map(\.mark) == (row.most == nil ? [] : ["flow.over_pool 3:44"]))
        #expect(warnings.allSatisfy { $0.message.contains(row.most ?? "") && $0.hint != nil })
    }

    @Test("Functions and their arguments are checked, with places and near names")
    func check() throws {
        let text = """
            flow: c
            nodes:
              good: {function: shop.scrape, with: {url: x, max: 3}}
              unknown: {function: shop.scrap}
              far: {function: other.scrape}
              nobody: {function: zzz}
              arguments: {function: shop.scrape, with: {ulr: x, limit: 2}}
              not-an-expression: {function: shop.scrape, with: {var: input.url}}
              ambiguous: {function: shop.scrape, with: {url: [{max: {var: input.a}}, {preserve: {max: 1}}]}}
              free: {function: shop.scrape}

            """
        let documents = try YAML.parse(Array(text.utf8))
        let flow = try FlowDecoder.decode(documents)
        let signatures = ["shop.scrape": try FunctionSignature(entry: Self.entry)]
        let errors = FunctionCheck.errors(of: flow, in: documents[0], signatures: signatures)
        #expect(
            errors.map(\.mark) == [
                "function.unknown 4:23", "function.unknown 5:19", "function.unknown 6:22",
                "function.missing_argument 7:44", "function.unknown_argument 7:45", "function.unknown_argument 7:53",
                "function.missing_argument 8:52", "function.unknown_argument 8:53", "flow.ambiguous_object 9:52",
            ])
        #expect(errors[0].hint == "did you mean \"shop.scrape\"?")
        #expect(errors[1].hint == "did you mean \"shop.scrape\"?")
        #expect(errors[2].hint == "known: shop.scrape")
        #expect(errors[4].hint == "did you mean \"url\"?")
        #expect(FunctionCheck.errors(of: flow, in: nil, signatures: signatures).count == errors.count - 1)
    }
}
