import RenCore
import RenJSON
import Testing

@Suite("Flow decoding")
struct FlowDecoderTests {
    @Test("Every word arrives in the model")
    func everyWordArrives() throws {
        let flow = try #require(try FlowFixtures.check("valid/every-word.yaml").flow)
        let plan = Plan(flow)
        func node(_ name: String) throws -> Node { flow.nodes[try #require(plan.number(of: name)).index] }
        #expect(flow.name == "every-word.v1")
        #expect(flow.timeout == .seconds(5400))
        #expect(
            flow.defaults.retry
                == RetryPolicy(
                    attempts: 3, every: .milliseconds(500), factor: 1.5, longest: .seconds(30), jitter: 0,
                    total: .seconds(600)))
        #expect(flow.defaults.heartbeat == .seconds(60))
        let list = try node("list")
        #expect(list.policy.retry == RetryPolicy(attempts: 2))
        guard case .fixed(.seconds(90))? = list.policy.timeout else { return unexpected("timeout of list") }
        let scrape = try node("scrape")
        #expect(scrape.after == [Node.After(node: NodeNumber(0), way: .success)])
        #expect(scrape.when != nil)
        let each = try #require(scrape.each)
        #expect(each.tolerate == .percent(2.5))
        #expect(each.key != nil)
        guard case .computed? = each.concurrency else { return unexpected("concurrency of scrape") }
        guard case .reference(let source) = each.source else { return unexpected("each of scrape") }
        #expect(source == Template.Reference(root: .node(NodeNumber(0), .output), path: []))
        guard case .value(.object) = scrape.onError else { return unexpected("on_error of scrape") }
        let enough = try node("enough")
        #expect(enough.join == .settled)
        guard case .condition = enough.kind else { return unexpected("kind of enough") }
        guard case .pause(let review) = try node("review").kind else { return unexpected("kind of review") }
        guard case .expression = review.signal else { return unexpected("signal of review") }
        guard case .pause(let bare) = try node("bare").kind else { return unexpected("kind of bare") }
        guard case .literal("bare") = bare.signal else { return unexpected("signal of bare") }
        #expect(plan.pauses.map(\.signal) == [nil, "bare"])
        let export = try node("export")
        #expect(export.join == .all)
        #expect(export.once == true)
        #expect(export.after.map(\.way) == [.success, .taken("then")])
        #expect(try node("repair").after.map(\.way) == [.failed, .failed])
        guard case .end(.failed, .expression) = try node("too-few").kind else { return unexpected("too-few") }
        guard case .end(.succeeded, .object) = try node("done").kind else { return unexpected("done") }
        guard case .object(let output)? = flow.output else { return unexpected("output") }
        #expect(output.map(\.key) == ["exported", "failures"])
    }

    @Test("A flow has at most 1,000 nodes", arguments: [(1000, 0), (1001, 1), (10_001, 1)])
    func nodesAreLimited(count: Int, errors: Int) {
        let nodes = (0..<count).map { JSONObject.Member(key: "n\($0)", value: ["function": "f"]) }
        let json: JSON = ["flow": "many", "nodes": .object(JSONObject(members: nodes))]
        let check = FlowDecoder.check([Located(json: json, at: Place(line: 1, column: 1, offset: 0))])
        #expect(check.errors.map(\.code.rawValue) == Array(repeating: "flow.too_many_nodes", count: errors))
    }

    @Test("A chain of 1,000 nodes knows its first one")
    func longChains() throws {
        let nodes = (0..<1000).map { index -> JSONObject.Member in
            let after: JSON = index == 0 ? [] : .array([.string("n\(index - 1)")])
            return JSONObject.Member(
                key: "n\(index)",
                value: [
                    "function": "f", "after": after, "with": ["a": ["var": index == 0 ? "input" : "nodes.n0.output"]],
                ])
        }
        let json: JSON = ["flow": "chain", "nodes": .object(JSONObject(members: nodes))]
        let plan = Plan(try FlowDecoder.decode([Located(json: json, at: Place(line: 1, column: 1, offset: 0))]))
        #expect(plan.layers.count == 1000)
        #expect(plan.isUpstream(NodeNumber(0), of: NodeNumber(999)))
        #expect(!plan.isUpstream(NodeNumber(999), of: NodeNumber(0)))
    }

    @Test("Nothing at all is no flow")
    func noDocument() {
        #expect(FlowDecoder.check([]).errors.map(\.code.rawValue) == ["flow.missing_key"])
    }

    @Test("Damaged stored text is refused with a place")
    func damagedText() {
        let error = #expect(throws: FlowErrors.self) { try FlowDecoder.decode(stored: Array("{\"flow\": ".utf8)) }
        #expect(error?.errors.map(\.code.rawValue) == ["json.syntax"])
    }

    struct Warning: Sendable, CustomTestStringConvertible {
        var node: String
        var expected: [String]
        var testDescription: String { node }
    }

    @Test(
        "What surprises is warned of, and only that",
        arguments: [
            Warning(node: "condition: {\"<\": [{var: input.a}, 3]}", expected: ["logic.quirk 6:18"]),
            Warning(node: "condition: {\"<\": [{var: input.limit}, 3]}", expected: []),
            Warning(node: "condition: {\"<\": [{var: input.name}, 3]}", expected: []),
            Warning(node: "condition: {\"===\": [{var: input.a}, 3]}", expected: []),
            Warning(node: "condition: {\"==\": [1, 1]}", expected: ["flow.constant_expression 6:18"]),
            Warning(node: "condition: true", expected: ["flow.constant_expression 6:18"]),
            Warning(node: "condition: {all: [{var: input.a}, true]}", expected: ["logic.quirk 6:18"]),
            Warning(node: "{function: f, when: {\">\": [{var: input.a}, 3]}}", expected: ["logic.quirk 6:26"]),
            Warning(node: "{function: f, with: {a: {if: [{\">\": [{var: input.a}, 3]}, 1, 2]}}}", expected: []),
            Warning(
                node: "{function: f, once: true, retry: {attempts: 2}}", expected: ["flow.retry_once 6:32"]),
            Warning(node: "{function: f, once: false, retry: {attempts: 2}}", expected: []),
            Warning(node: "{function: f, with: {a: {var: input.limitt}}}", expected: ["flow.undeclared_input 6:30"]),
        ])
    func warnings(_ warning: Warning) throws {
        let body = warning.node.hasPrefix("{") ? "  n: \(warning.node)" : "  n: {\(warning.node)}"
        let text = """
            flow: w
            input:
              properties: {limit: {type: integer, default: 3}, name: {}, a: {}}
              required: [name]
            nodes:
            \(body)

            """
        let check = try FlowFixtures.check(yaml: text)
        #expect(check.errors == [])
        #expect(check.warnings.map(\.mark) == warning.expected)
    }

    @Test(
        "Hints name what was probably meant",
        arguments: [
            ("nodes: {a: {function: f, retries: 3}}", "did you mean \"retry\"?"),
            ("nodes: {a: {function: f, depends_on: []}}", "did you mean \"after\"?"),
            ("nodes: {abc: {function: f}, b: {function: f, after: [abd]}}", "did you mean \"abc\"?"),
            ("nodes: {a: {function: f, with: {x: {var: inptu.a}}}}", "did you mean \"input\"?"),
            ("nodes: {a: {function: f}}\noutput: {var: a.output}", "write nodes.a.output"),
            ("nodes: {a: {function: f}}\noutput: {var: nodes.a.outptu}", "did you mean \"output\"?"),
            ("nodes: {a: {function: f, timeout: 30}}", "write 30s for seconds"),
        ])
    func hints(text: String, hint: String) throws {
        #expect(try FlowFixtures.check(yaml: "flow: h\n" + text).errors.map(\.hint) == [hint])
    }
}

@Suite("Flow input")
struct FlowInputTests {
    private func flow() throws -> Flow { try #require(try FlowFixtures.check("valid/products-shaped.yaml").flow) }

    @Test("Defaults are filled in")
    func defaults() throws {
        #expect(try flow().accept(input: ["shop": "s"]) == ["shop": "s", "limit": 10_000])
    }

    @Test("All violations come at once, with their places")
    func violations() throws {
        let flow = try flow()
        let error = #expect(throws: RenError.self) { try flow.accept(input: ["limit": 0]) }
        #expect(error?.code == .inputInvalid)
        #expect(error?.message.contains("shop") == true)
        #expect(error?.message.contains("/limit") == true)
    }

    @Test("Without a schema anything is taken")
    func noSchema() throws {
        let flow = try #require(try FlowFixtures.check("valid/smallest.yaml").flow)
        #expect(try flow.accept(input: [1]) == [1])
    }
}

@Suite("Hostile flows")
struct HostileFlowTests {
    private func check(_ json: JSON) -> FlowCheck {
        FlowDecoder.check([Located(json: json, at: Place(line: 1, column: 1, offset: 0))])
    }

    @Test("However much is wrong, a hundred errors are enough", .timeLimit(.minutes(1)))
    func errorsAreLimited() {
        let keys = (0..<30_000).map { JSONObject.Member(key: "kei\($0)", value: 1) }
        #expect(check(.object(JSONObject(members: keys))).errors.count == 100)
        let unknown = JSON.array((0..<30_000).map { .string("node\($0)") })
        var nodes = (0..<500).map { JSONObject.Member(key: "nodf\($0)", value: ["function": "f"]) }
        nodes.append(JSONObject.Member(key: "last", value: ["function": "f", "after": unknown]))
        #expect(check(["flow": "x", "nodes": .object(JSONObject(members: nodes))]).errors.count == 100)
        let reads = JSON.array((0..<20_000).map { ["var": .string("inputt.\($0)")] })
        #expect(check(["flow": "x", "nodes": ["a": ["function": "f"]], "output": reads]).errors.count == 100)
    }

    @Test("Much data with one key each is read in time", .timeLimit(.minutes(1)))
    func manySmallObjects() {
        let objects = JSON.array((0..<30_000).map { ["name": .integer(Int64($0))] })
        #expect(check(["flow": "x", "nodes": ["a": ["function": "f"]], "output": objects]).errors.isEmpty)
    }

    @Test("A ring of a thousand nodes is one error")
    func longRing() {
        let nodes = (0..<1000).map {
            JSONObject.Member(key: "n\($0)", value: ["function": "f", "after": [.string("n\(($0 + 1) % 1000)")]])
        }
        let errors = check(["flow": "x", "nodes": .object(JSONObject(members: nodes))]).errors
        #expect(errors.map(\.code.rawValue) == ["flow.cycle"])
    }
}
