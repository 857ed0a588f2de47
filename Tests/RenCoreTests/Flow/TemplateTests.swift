import RenCore
import RenJSON
import Testing

@Suite("Templates")
struct TemplateTests {
    /// The template of argument `x` of a node with `each` that follows `list`.
    private func template(_ yaml: String) throws -> Template {
        let flow = try FlowFixtures.flow(
            """
            flow: t
            nodes:
              list: {function: f}
              n: {after: [list], each: {var: nodes.list.output}, function: f, with: {x: \(yaml)}}

            """)
        return try #require(flow.nodes[1].call?.with?.first?.value)
    }

    @Test(
        "A var or val that stands alone is a reference",
        arguments: [
            ("{var: item}", Template.Reference(root: .item, path: [])),
            ("{var: item.url}", .init(root: .item, path: ["url"])),
            ("{var: item.a.0.b}", .init(root: .item, path: ["a", "0", "b"])),
            ("{val: [item, \"a.b\"]}", .init(root: .item, path: ["a.b"])),
            ("{var: [input.limit, 5]}", .init(root: .input, path: ["limit"], fallback: 5)),
            ("{var: [input.limit]}", .init(root: .input, path: ["limit"])),
            ("{var: nodes.list.output}", .init(root: .node(NodeNumber(0), .output), path: [])),
            ("{var: nodes.list.error.name}", .init(root: .node(NodeNumber(0), .error), path: ["name"])),
            ("{var: index}", .init(root: .index, path: [])),
            ("{var: key}", .init(root: .key, path: [])),
            ("{var: run.id}", .init(root: .run, path: ["id"])),
        ])
    func references(yaml: String, reference: Template.Reference) throws {
        guard case .reference(let found) = try template(yaml) else { return unexpected("no reference") }
        #expect(found == reference)
    }

    @Test(
        "What has no expression in it is literal, as a whole",
        arguments: [
            ("[1, {a: {b: c}}]", "[1,{\"a\":{\"b\":\"c\"}}]"), ("{preserve: {cat: [1]}}", "{\"cat\":[1]}"),
            ("[{preserve: {var: a}}]", "[{\"var\":\"a\"}]"), ("{}", "{}"), ("null", "null"),
            ("{name: x}", "{\"name\":\"x\"}"),
            ("{max: 1, min: 2}", "{\"max\":1,\"min\":2}"),
        ])
    func literals(yaml: String, text: String) throws {
        #expect(try Evaluator().render(template(yaml), in: Values()) == Array(text.utf8))
    }

    @Test("A default that computes makes an expression")
    func computedDefault() throws {
        guard case .expression(let expression) = try template("{var: [input.a, {var: input.b}]}") else {
            return unexpected("no expression")
        }
        #expect(Set(expression.reads.map(\.path)) == [["input", "a"], ["input", "b"]])
    }

    @Test("Of paths that begin alike only the shortest is loaded")
    func readsAreReduced() throws {
        let text = "{cat: [{var: input.a.b}, {var: input.a}, {var: input.a.c}, {var: input.a}, {var: input.b}]}"
        guard case .expression(let expression) = try template(text) else { return unexpected("no expression") }
        #expect(expression.reads.map(\.path) == [["input", "a"], ["input", "b"]])
    }

    private static let nearly = [
        "{vra: input.shop}", "{va: input.shop}", "{vars: [input.shop, 1]}", "{car: item.url}", "{VAR: input.shop}",
        "{Val: [input]}", "{eachkey: {a: 1}}", "{each-key: {a: 1}}", "{missing some: [1, [a]]}",
        "{fliter: [[1], true]}",
        "{filtr: [[1], true]}", "{reduec: []}", "{lenght: {var: item}}", "{substrr: [a, 1]}", "{exist: item.a}",
        "{presrve: {a: 1}}", "{throww: x}", "{\"=\": [1, 2]}", "{\"=>\": [1, 2]}", "{\"&&\": [1, 2]}",
        "{\"====\": [1, 2]}",
        "{\"||\": [1, 2]}", "{mapp: [[1], 2]}", "{smoe: [[1], 2]}", "{nad: [true, {var: item}]}",
    ]
    private static let own = [
        "{name: {var: item.name}}", "{id: {var: item.id}}", "{home: 1}", "{tax: 0.19}", "{vat: 0.19}", "{any: [1]}",
        "{node: a}", "{call: {var: item}}", "{filters: [a]}", "{maximum: 3}", "{values: [1, 2]}", "{value: 1}",
        "{category: x}", "{lists: [1]}", "{listing: 1}", "{day: 3}", "{end: 1}", "{add: [1, 2]}", "{url: x}", "{is: x}",
        "{of: x}", "{same: x}", "{one: 1}", "{reserve: 2}", "{merged: true}", "{\"$\": 1}", "{\"@id\": 1}", "{_: 1}",
        "{\"\": 1}", "{sum: 1}", "{key: {var: key}}", "{ifs: 1}", "{orders: [1]}", "{vra: 1, b: 2}", "{result: 1}",
    ]

    @Test("A key that is nearly an operator is refused", arguments: nearly)
    func nearOperators(_ yaml: String) {
        let errors = #expect(throws: FlowErrors.self) { try template(yaml) }
        #expect(errors?.errors.map(\.code.rawValue) == ["flow.near_operator"])
    }

    @Test("A word of its own is data", arguments: own)
    func ownWords(_ yaml: String) throws {
        switch try template(yaml) {
        case .literal(.object), .object: break
        default: Issue.record("not data")
        }
    }

    @Test("preserve is the way out for every refused key")
    func wayOut() throws {
        guard case .literal(["vra": "input.shop"]) = try template("{preserve: {vra: input.shop}}") else {
            return unexpected("not data")
        }
    }

    @Test(
        "Inside iterators val reaches the run",
        arguments: [
            "{map: [{var: item.l}, {val: [[2], input, a]}]}",
            "{map: [{var: item.l}, {map: [[1], {val: [[4], input, a]}]}]}",
        ])
    func jumps(_ yaml: String) throws {
        guard case .expression(let expression) = try template(yaml) else { return unexpected("no expression") }
        #expect(expression.reads.map(\.path).contains(["input", "a"]))
    }
}
