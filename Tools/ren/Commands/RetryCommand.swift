import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Run again what failed of a run, and what follows from it.",
        discussion: """
            Without a node: all that failed for good, and of a stopped run what was cancelled. What read it is evaluated \
            afresh and keeps its result where its input is the same. The run is followed until it ends or waits for a \
            person; without an engine in the data directory this command is the engine, as ren run is.
            """)

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Flag(name: .long, help: "Of the named nodes, too, only what failed.")
    var failed = false

    @Option(name: [.customShort("n"), .long], parsing: .singleValue, help: "Only this node; may be repeated.")
    var node: [String] = []

    @Option(
        name: [.customShort("k"), .long], parsing: .singleValue,
        help: "Only this item of the one node; may be repeated.")
    var key: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only what failed for one cause: a fingerprint of ren show -o json.", valueName: "fingerprint"))
    var problem: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("A node with once that may run again although it had succeeded.", valueName: "node"))
    var again: [String] = []

    @Option(name: .customLong("code-changed"), help: "Results made by other code than today's: keep, or again.")
    var codeChanged = CodeChanged.keep

    enum CodeChanged: String, ExpressibleByArgument, CaseIterable { case keep, again }

    @Option(name: .long, help: "Why; kept with the event.")
    var reason: String?

    @Flag(name: .customLong("dry-run"), help: "Only say what would run again, and write nothing.")
    var dryRun = false

    @Flag(name: .long, help: "Leave the run to the engine that is there.")
    var detach = false

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    @Flag(name: .customLong("no-progress"), help: "No progress on standard error.")
    var noProgress = false

    func validate() throws {
        if !key.isEmpty, problem != nil { throw ValidationError("--key and --problem exclude each other") }
        if !key.isEmpty, node.count != 1 { throw ValidationError("--key takes the one --node that it is of") }
    }

    func run() async throws {
        try output.require(.human, .json)
        _ = try data.existing()
        let row = try Reading(data).run(name)
        if dryRun {
            let reading = try Reading(data)
            return try ReopeningView(of: row, words.request(for: row, in: reading.journal), in: reading.journal)
                .print(output)
        }
        let project = try Project.find(from: SystemFile.currentDirectory)
        guard !detach, let session = try await ReopenedRun.become(data, command: "ren retry", project) else {
            leave(try await ask(row, project))
        }
        leave(
            try await ClientRuns.sparing(session) { service in
                let report = RunReport(id: row.id, options: output, showsProgress: !noProgress)
                let reopened = ReopenedRun(
                    session: session, service: service, functions: functions, report: report, project: project)
                return try await reopened.follow(row, "runs again") { loaded in
                    let request = try words.request(for: row, in: session.journal)
                    _ = try await session.reopen(row.number, request, functions: loaded, by: Asker(by: "cli"))
                }
            })
    }

    private var words: RetryWords {
        var words = RetryWords()
        words.nodes = node
        words.keys = key
        words.problem = problem
        words.onlyFailed = failed
        words.again = again
        words.codeChangedRunsAgain = codeChanged == .again
        words.reason = reason
        return words
    }

    // MARK: As a client of the engine that is there

    private func ask(_ row: RunRow, _ project: Project?) async throws -> ExitCode {
        let files = functions.files.isEmpty ? nil : try FunctionOptions.named(functions.files)
        let directory = try data.directory
        let key = Client.newKey()
        Signals.watch()
        let accepted = try await EnginePath.take(in: directory) { client in
            try await functions.withInstalling(project) { install throws(RenError) in
                try await client.retry(row.id, body, functions: files, install: install, key: key)
            }
        } nobody: {
            throw RenError(
                .engineGone, "no engine is at work in \(directory.path)",
                hint: detach ? "leave --detach out: this command is the engine then" : "run the command again")
        }
        let report = RunReport(id: row.id, options: output, showsProgress: !noProgress)
        guard !detach else {
            let now = try Reading(data).run(row.id)
            guard output.output == .human else {
                let answer: JSON = [
                    "run": .string(now.id), "status": .string(now.shownStatus),
                    "sequence": .integer(Int64(clamping: accepted.sequence)),
                ]
                Terminal.printJSON(answer.text)
                return .success
            }
            Terminal.print("\(now.id)  \(now.shownStatus)   journal #\(Words.grouped(accepted.sequence))")
            return .success
        }
        report.announce(
            "\(row.flowName) \(row.id)  runs again in the engine that is there; Ctrl-C leaves it running", in: directory
        )
        return try await FollowedRun(row.id, data, report).followToEnd()
    }

    private var body: JSONObject {
        var body: JSONObject = ["failed": .bool(failed), "code_changed": .string(codeChanged.rawValue)]
        func add(_ name: String, _ list: [String]) {
            if !list.isEmpty { body[name] = .array(list.map { .string($0) }) }
        }
        add("nodes", node)
        add("keys", key)
        add("again", again)
        if let problem { body["problem"] = .string(problem) }
        if let reason { body["reason"] = .string(reason) }
        return body
    }
}

extension ReopeningView {
    func print(_ options: OutputOptions) {
        guard options.output == .human else { return Terminal.printJSON(JSON.object(json).text) }
        Terminal.print(lines("\(run)  nothing is written").joined(separator: "\n"))
    }

    func lines(_ title: String) -> [String] {
        var lines = [title]
        func line(_ title: String, _ names: [String]) {
            if names.isEmpty { return }
            lines.append("  \(title)  \(names.map { Terminal.escaped($0) }.joined(separator: " "))")
        }
        line("runs again ", again)
        for entry in items {
            let count = entry.items.isEmpty ? "closes anew" : Words.count(entry.items.count, "item")
            line("runs again ", ["\(entry.node): \(count)"])
        }
        for (node, count) in further { line("goes on    ", ["\(node): \(Words.count(count, "item"))"]) }
        line("looked at  ", affected)
        line("may wait   ", asking)
        line("kept       ", kept)
        return lines
    }
}
