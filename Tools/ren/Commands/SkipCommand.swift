import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct SkipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Say how a node or item ended, instead of running it.",
        discussion: """
            A run that has ended goes on with it, in the engine that is there, else in this command. Of one that goes on, \
            only what has not ended can be skipped: what waits, and what nobody knows the outcome of.
            """)

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Argument(help: "The node.")
    var node: String

    @Argument(help: "The item's key; without it the node itself.")
    var key: String?

    @Option(name: .long, help: ArgumentHelp("Its output: it counts as success.", valueName: "json|@file"))
    var value: String?

    @Flag(name: .long, help: "The result that it had before its input changed stands.")
    var keep = false

    @Option(name: .long, help: ArgumentHelp("It failed, with these words.", valueName: "text"))
    var fail: String?

    @Flag(name: .customLong("dry-run"), help: "Only say what would be opened again, and write nothing.")
    var dryRun = false

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var options: ControlOptions

    @Flag(name: .customLong("no-progress"), help: "No progress on standard error.")
    var noProgress = false

    func validate() throws {
        guard [value != nil, keep, fail != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("one of --value, --keep and --fail says how it ended")
        }
    }

    func run() async throws {
        try options.output.require(.human, .json)
        let words = try words()
        let (row, request, view) = try look(words)
        if let view { return view.print(options.output) }
        let project = try Project.find(from: SystemFile.currentDirectory)
        if !row.status.isOpen, let session = try await ReopenedRun.become(options.data, command: "ren skip", project) {
            leave(
                try await ReopenedRun.with(session) { service in
                    let report = RunReport(id: row.id, options: options.output, showsProgress: !noProgress)
                    let reopened = ReopenedRun(
                        session: session, service: service, functions: functions, report: report, project: project)
                    return try await reopened.follow(row, "goes on") { loaded in
                        _ = try await session.reopen(row.number, request, functions: loaded, by: Asker(by: "cli"))
                    }
                })
        }
        let body = body(words)
        try await options.ask(request, of: runName, command: "ren skip") { client, run, key in
            try await client.skip(run, body, key: key)
        } done: { outcome in
            let goesOn = outcome.isCarried || !outcome.row.status.isOpen ? "" : "; ren resume goes on with it"
            return "\(outcome.status)\(goesOn)"
        }
    }

    /// What is asked, and with `--dry-run` what it would open. The journal is not open any more then: an engine opens it
    /// for itself.
    private func look(_ words: SkipWords) throws -> (RunRow, Request, ReopeningView?) {
        let reading = try Reading(options.data)
        let row = try reading.run(runName)
        let request = try words.request(for: row, in: reading.journal)
        return (row, request, dryRun ? try ReopeningView(of: row, request, in: reading.journal) : nil)
    }

    private func words() throws(RenError) -> SkipWords {
        let how: SkipWords.How =
            if let value { .value(try TextArgument.json(value)) } else if let fail { .fail(fail) } else { .keep }
        return SkipWords(node: node, key: key, how: how, reason: options.reason)
    }

    private func body(_ words: SkipWords) -> JSONObject {
        var body: JSONObject = ["node": .string(node)]
        if let key { body["key"] = .string(key) }
        switch words.how {
        case .value(let value): body["value"] = value
        case .keep: body["keep"] = true
        case .fail(let text): body["fail"] = .string(text)
        }
        if let reason = words.reason { body["reason"] = .string(reason) }
        return body
    }
}
