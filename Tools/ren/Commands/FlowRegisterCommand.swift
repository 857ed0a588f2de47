import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct FlowRegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Put flows into the journal, so that they can be started by name over the API.")

    @Argument(help: "Flow files, YAML or JSON.")
    var flows: [String]

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    private struct Registered {
        var flow: String
        var hash: String
        var isNew: Bool
    }

    func run() async throws {
        try output.require(.human, .json, .jsonl)
        // All are checked before the first is kept.
        let checks = try flows.map { path in (path, try FlowFile.load(path)) }
        let warnings = checks.flatMap { path, check in check.warnings.map { $0.named(path) } }
        if !warnings.isEmpty { Terminal.complain(Findings.text(warnings, word: "warning")) }
        var listing = Listing(output.output)
        for row in try await register(checks) {
            let known = row.isNew ? "" : "   known already"
            listing.add(
                ["flow": .string(row.flow), "hash": .string(row.hash), "new": .bool(row.isNew)],
                text: "\(row.flow)@\(row.hash.prefix(7))\(known)")
        }
        listing.end()
    }

    private func register(_ checks: [(path: String, check: FlowCheck)]) async throws -> [Registered] {
        let directory = try data.directory
        return try await EnginePath.take(in: directory) { client in
            var rows: [Registered] = []
            for (path, _) in checks {
                let bytes = try SystemFile.read(path, limit: FlowFile.sizeMax)
                let answer = try await client.register(flow: bytes, isYAML: FlowFile.Format(ofFile: path) == .yaml)
                rows.append(Registered(flow: answer.flow, hash: answer.hash, isNew: answer.isNew))
            }
            return rows
        } nobody: {
            var options = Session.Options()
            options.command = "ren flow register"
            let session = try await Session(directory.path, options)
            do {
                var rows: [Registered] = []
                for flow in checks.compactMap(\.check.flow) {
                    let (hash, isNew) = try await session.register(flow, by: Asker(by: "cli"))
                    rows.append(Registered(flow: flow.name, hash: hash.description, isNew: isNew))
                }
                await session.close()
                return rows
            } catch {
                await session.close()
                throw error
            }
        }
    }
}
