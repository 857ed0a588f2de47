import Foundation
import RenCore
import RenJSON
import RenYAML
import Testing

/// The flow files under `fixtures/flows`.
enum FlowFixtures {
    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/flows")

    static let valid = files("valid")
    static let invalid = files("invalid")

    private static func files(_ name: String) -> [String] {
        let folder = folder.appending(path: name)
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { "\(name)/\($0)" }
        } catch {
            fatalError("\(folder.path) belongs to the sources: \(error)")
        }
    }

    static func text(_ file: String) throws -> String {
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    }

    static func check(_ file: String) throws -> FlowCheck { try check(yaml: text(file)) }

    static func check(yaml text: String) throws -> FlowCheck { FlowDecoder.check(try YAML.parse(Array(text.utf8))) }

    static func flow(_ yaml: String) throws -> Flow {
        try FlowDecoder.decode(try YAML.parse(Array(yaml.utf8)))
    }
}

extension RenError {
    /// `flow.cycle 4:3`
    var mark: String { "\(code.rawValue) \(place.map(\.description) ?? "-")" }
}

@Suite("Flow files")
struct FlowFixtureTests {
    @Test("A valid file has no errors and no warnings", arguments: FlowFixtures.valid)
    func validFilesAreAccepted(_ file: String) throws {
        let check = try FlowFixtures.check(file)
        #expect(check.errors == [])
        #expect(check.warnings == [])
        #expect(check.flow != nil)
    }

    @Test("A valid file decodes from its stored JSON to the same plan", arguments: FlowFixtures.valid)
    func storedFlowsDecode(_ file: String) throws {
        let flow = try #require(try FlowFixtures.check(file).flow)
        let again = try FlowDecoder.decode(stored: flow.source.compact)
        #expect(again.source.compact == flow.source.compact)
        #expect(Plan(again).layout == Plan(flow).layout)
        #expect(again.nodes.map(\.name) == flow.nodes.map(\.name))
    }

    @Test("An invalid file has exactly the errors that its first line expects", arguments: FlowFixtures.invalid)
    func invalidFilesAreRefused(_ file: String) throws {
        let line = try #require(try FlowFixtures.text(file).split(separator: "\n").first)
        let expected = try #require(line.split(separator: "expect: ").last).split(separator: ", ").map(String.init)
        let check = try FlowFixtures.check(file)
        #expect(check.errors.map(\.mark) == expected)
        #expect(check.flow == nil)
        #expect(check.errors.allSatisfy { !$0.message.isEmpty })
    }

    /// SplitMix64, so that a failing seed gives the same mutation again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    @Test("Whatever is changed in a flow, it decodes or is refused", arguments: 0..<60 as Range<UInt64>)
    func mutationsNeverTrap(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let sources = try FlowFixtures.valid.map { try #require(try FlowFixtures.check($0).flow).source }
        let strange: [JSON] = [
            nil, true, 0, -1, 1e300, "", "x", "nodes.list.output", "a.then", [], [[]], [:], ["var": "item"],
            ["var": ["input.a", [:]]], ["preserve": nil], ["if": [["var": ""], 1]], ["function": "f"], "5%", "-1d",
            ["val": [[9], "x"]], ["map": [["var": "input.l"], ["var": "nodes.list.output"]]], .integer(.max),
            .integer(.min), "\u{0}", "e\u{301}", ["$ref": "#"], ["flow": "b"], ["after": ["a", "a.failed"]],
        ]
        for round in 0..<50 {
            var json = sources.randomElement(using: &generator)!
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                json = mutated(json, strange, &generator)
            }
            let check = FlowDecoder.check([Located(json: json, at: Place(line: 1, column: 1, offset: 0))])
            #expect((check.flow == nil) == !check.errors.isEmpty, "seed \(seed), round \(round)")
            guard let flow = check.flow else { continue }
            #expect(Plan(flow).order.count == flow.nodes.count, "seed \(seed), round \(round)")
        }
    }

    private func mutated(_ json: JSON, _ strange: [JSON], _ generator: inout Generator) -> JSON {
        if Int.random(in: 0..<6, using: &generator) == 0 { return strange.randomElement(using: &generator)! }
        switch json {
        case .array(var elements) where !elements.isEmpty:
            let index = Int.random(in: elements.indices, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: elements.remove(at: index)
            case 1: elements.append(elements[index])
            default: elements[index] = mutated(elements[index], strange, &generator)
            }
            return .array(elements)
        case .object(var object) where !object.isEmpty:
            let member = object.members.randomElement(using: &generator)!
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: object[member.key] = nil
            case 1: object["x" + member.key] = member.value
            case 2: object["condition"] = member.value
            default: object[member.key] = mutated(member.value, strange, &generator)
            }
            return .object(object)
        default:
            return strange.randomElement(using: &generator)!
        }
    }
}

/// Records that something is not of the kind it should be, in a `guard` that leaves.
func unexpected(_ what: String, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record("\(what) is not what it should be", sourceLocation: sourceLocation)
}
