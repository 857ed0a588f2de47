import Ren
import RenCore
import RenJSON
import RenJournal
import RenTestKit
import RenYAML
import Testing

@Suite("Diff")
struct DiffTests {
    private static let nodes = "m: {function: f, each: {var: input}, tolerate: 1}\nx: {function: f, after: [m]}"

    /// Items by index: an output, an error, or nothing yet.
    private static func run(
        _ story: Story, _ id: String, _ items: [String?], x: String = "1", flow: Digest? = nil
    ) throws -> RunRow {
        var history = story.begin(id, input: "{\"id\":\"same\",\"n\":\(items.count)}", flow: flow)
        history.open(story.node("m"), items.count)
        for (index, output) in items.enumerated() {
            history.start(story.item("m", index))
            guard let output else { continue }
            if output == "fail" {
                history.fail(story.item("m", index))
            } else {
                history.succeed(story.item("m", index), Array(output.utf8))
            }
        }
        history.add(.mapClosed(MapCounts()), story.node("m"))
        history.add(.succeeded(instead: nil), story.node("m"))
        history.start(story.node("x"))
        history.succeed(story.node("x"), Array(x.utf8))
        history.add(.runSucceeded, payload: Array(x.utf8))
        return try story.write(history)
    }

    @Test("The same twice is the same, but for times")
    func same() throws {
        let story = try Story(Self.nodes)
        let diff = try DiffView(
            try Self.run(story, "a", ["1", "fail"]), try Self.run(story, "b", ["1", "fail"]), in: story.journal)
        // The inputs of these attempts are made up from the run's id.
        #expect(diff.isSame && diff.shared == .none, "\(diff.json)")
        #expect(diff.divergence?.left?.event.type == .itemStarted)
    }

    @Test("Items are matched by key: those that are gone, new, or came to something else")
    func items() throws {
        let story = try Story(Self.nodes)
        let left = try Self.run(story, "a", ["1", "2", "fail", "4", "5"])
        let right = try Self.run(story, "b", ["1", "3", "3", "fail"])
        let diff = try DiffView(left, right, in: story.journal)
        #expect(!diff.isSame && diff.items.count == 1)
        let items = diff.items[0]
        #expect(items.matched == 4 && items.counts == [.output: 1, .outcome: 2, .gone: 1])
        #expect(items.examples.map(\.key) == ["1", "2", "3", "4"])
        let other = try DiffView(right, left, in: story.journal, examples: 1).items[0]
        #expect(other.counts == [.output: 1, .outcome: 2, .added: 1] && other.examples.count == 1)
        #expect(diff.inputChanges.map(\.pointer) == ["/n"])
        #expect(diff.divergence?.version == RunVersion(1))
    }

    @Test("Flows differ node by node, and outputs where they are asked for")
    func flows() throws {
        let story = try Story(Self.nodes)
        let text = """
            flow: told
            nodes:
              m: {function: f, each: {var: input}, tolerate: 2}
              x: {function: f, after: [m]}
              new: {function: f, after: [x]}
            """
        let flow = try FlowDecoder.decode(YAML.parse(Array(text.utf8)))
        try story.register(flow)
        let left = try Self.run(story, "a", ["1"], x: #"{"price":1,"tags":["a"]}"#)
        let right = try Self.run(
            story, "b", ["1"], x: #"{"price":2,"tags":["a","b"]}"#, flow: Digest(hashing: flow.source.compact))
        let diff = try DiffView(left, right, in: story.journal, detail: .node("x"))
        #expect(diff.flowChanges.map(\.node) == ["m", "new"] && diff.flowChanges.map(\.kind) == [.changed, .added])
        #expect(
            diff.flowChanges[0].lines.filter { !$0.hasPrefix(" ") } == [#"-  "tolerate": 1"#, #"+  "tolerate": 2"#])
        #expect(diff.values?.changes.map(\.pointer) == ["/price", "/tags/1"])
        #expect(diff.nodes.filter { !$0.isSame }.map(\.node) == ["x", "new"])
        let result = try DiffView(left, right, in: story.journal, detail: .output)
        #expect(result.values?.count == 2 && result.left.output != result.right.output)
    }
}
