import Foundation
import RenJSON
import Testing

/// Every command: its exit code, its text against a fixture, its JSON against a schema.
///
/// `REN_UPDATE_FIXTURES=1` writes the texts anew.
@Suite("Contracts")
struct ContractTests {
    private static let fixtures = Ren.root.appendingPathComponent("fixtures/cli").path
    private static let updates = ProcessInfo.processInfo.environment["REN_UPDATE_FIXTURES"] == "1"

    @Test("Every command of the tree has a row, and only those")
    func complete() throws {
        let tree = try JSON(parsing: Ren()("--experimental-dump-help").output, limits: .payload)
        let commands = Self.leaves(try #require(tree["command"]), [])
        #expect(Set(commands) == Set(Contract.all.map(\.command) + Contract.elsewhere))
        #expect(commands.count > 30)
    }

    private static func leaves(_ command: JSON, _ path: [String]) -> [String] {
        guard command["shouldDisplay"] != false else { return [] }
        let children = (command["subcommands"]?.arrayValue ?? []).filter { $0["commandName"] != "help" }
        guard !children.isEmpty else { return [path.joined(separator: " ")] }
        return children.flatMap { leaves($0, path + [$0["commandName"]?.stringValue ?? ""]) }
    }

    @Test("Text is as the fixture has it", arguments: Contract.all)
    func human(_ row: Contract) throws {
        let ren = try Ren.forContracts()
        let result = try Self.run(row, row.words, in: ren)
        #expect(result.code == row.code, "\(result.output)\(result.errors)")
        switch row.human {
        case .contains(let parts):
            for part in parts { #expect(result.output.contains(part), "\(result.output)") }
        case .fixture:
            let path = "\(Self.fixtures)/\(row.name).txt"
            let text = Masked(result.output, in: ren).description
            if Self.updates { try text.write(toFile: path, atomically: true, encoding: .utf8) }
            #expect(try text == String(contentsOfFile: path, encoding: .utf8))
        }
    }

    @Test("JSON is as the schema says", arguments: Contract.all.filter(\.hasJSON))
    func json(_ row: Contract) throws {
        let ren = try Ren.forContracts()
        let result = try Self.run(row, row.words + ["-o", "json"], in: ren)
        #expect(result.code == row.code, "\(result.output)\(result.errors)")
        let path = "\(Self.fixtures)/\(row.name).schema.json"
        let bytes = try #require(FileManager.default.contents(atPath: path), "there is no \(path)")
        let schema = try JSONSchema(compiling: JSON(parsing: Array(bytes)))
        let violations = try schema.validate(result.json)
        #expect(violations.isEmpty, "\(violations) in \(result.output)")
        // A schema that takes anything would prove nothing.
        #expect(
            !schema.validate(["surprise": .bool(true)]).isEmpty || row.command == "result" || row.command == "flow eval"
        )
    }

    private static func run(_ row: Contract, _ words: [String], in ren: Ren) throws -> Ren.Result {
        let environment = row.environment.mapValues { $0.replacingOccurrences(of: "/tmp/<folder>", with: ren.folder) }
        let engine = row.engine ? try ren.serve() : nil
        for command in row.before { _ = try ren.run(command, environment: environment) }
        let result = try ren.run(words, environment: environment)
        if let engine {
            engine.send(SIGTERM)
            #expect(engine.end().code == 0)
        }
        return result
    }
}

extension Ren {
    /// `ren serve` on a free port, once it carries its runs.
    func serve(_ arguments: String...) throws -> Running {
        let engine = try start(["serve", "--listen", "127.0.0.1:0"] + arguments)
        try wait(for: "the service: \(engine.errorText)") { engine.errorText.contains(" ready, ") }
        return engine
    }
}
