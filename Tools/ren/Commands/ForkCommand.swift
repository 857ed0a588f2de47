import ArgumentParser
import Ren
import RenClient
import RenCore
import RenJSON
import RenJournal

struct ForkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork", abstract: "Make a new run that goes on from an event of another one.",
        discussion: """
            The past is shared, not copied; the other run is left as it is. What is changed, and what follows from that, \
            runs; all other results are kept. The new run is followed as by ren run.
            """)

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Its last event at or before this sequence counts (else its last).", valueName: "sequence"))
    var at: UInt64?

    @Option(name: .long, help: "The new run's id.")
    var id: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("A value in the input; may be repeated.", valueName: "input.x=value"))
    var set: [String] = []

    @Option(
        name: .customLong("node-output"), parsing: .singleValue,
        help: ArgumentHelp("A node's output from here on; may be repeated.", valueName: "node=json|@file"))
    var nodeOutput: [String] = []

    @Option(
        name: .customLong("item-output"), parsing: .singleValue,
        help: ArgumentHelp("An item's output from here on; may be repeated.", valueName: "node/key=json|@file"))
    var itemOutput: [String] = []

    @Option(name: .long, help: ArgumentHelp("Another registered flow.", valueName: "name|name@version"))
    var flow: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("A node with once that may run again although it had succeeded.", valueName: "node"))
    var again: [String] = []

    @Option(name: .customLong("code-changed"), help: "Results made by other code than today's: keep, or again.")
    var codeChanged = RetryCommand.CodeChanged.keep

    @Option(name: .long, help: "Why; kept with the event.")
    var reason: String?

    @Flag(name: .customLong("dry-run"), help: "Only say what would run, and write nothing.")
    var dryRun = false

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    @Flag(name: .customLong("no-progress"), help: "No progress on standard error.")
    var noProgress = false

    func run() async throws {
        try output.require(.human, .json)
        if let id { try Identifier.check(runID: id) }
        let (parent, words, draft) = try look()
        if let draft { return ForkView(draft).print(output) }
        let project = try Project.find(from: SystemFile.currentDirectory)
        guard let session = try await ReopenedRun.become(data, command: "ren fork", project) else {
            leave(try await ask(parent, words, project))
        }
        leave(
            try await ClientRuns.sparing(session) { service in
                let loaded = try await ReopenedRun.loadFunctions(functions, parent, session, project)
                Signals.watch()
                let started = try await session.fork(
                    words, of: parent, id: id, functions: loaded, by: Asker(by: "cli"))
                let report = RunReport(id: started.id, options: output, showsProgress: !noProgress)
                let live = LiveRun(session: session, service: service, number: started.number, report: report)
                let status = try session.journal.read { view throws(RenError) in try view.run(started.number)?.status }
                guard status?.isOpen == true else { return try await live.finish() }
                let how = started.isNew ? "forked from \(parent.id)" : "goes on"
                report.announce(
                    "\(parent.flowName) \(started.id)  \(how); Ctrl-C pauses and leaves", in: session.directory)
                return try await live.follow()
            })
    }

    /// What is asked, and with `--dry-run` what it would be. The journal is not open any more then: an engine opens it
    /// for itself.
    private func look() throws -> (RunRow, ForkWords, ForkDraft?) {
        let reading = try Reading(data)
        let parent = try reading.run(name)
        let words = try words(in: reading.journal, of: parent)
        guard dryRun else { return (parent, words, nil) }
        if let id, try reading.journal.read({ view throws(RenError) in try view.runNumber(id: id) }) != nil {
            throw RenError(.runExists, "the id \(id) is taken", hint: "leave --id out, or choose another one")
        }
        let draft = try ForkDraft(words, of: parent, id: id ?? "", in: reading.journal, at: parent.updated)
        return (parent, words, draft)
    }

    private func words(in journal: JournalReader, of parent: RunRow) throws(RenError) -> ForkWords {
        var words = ForkWords()
        words.at = at.map { JournalSequence($0) }
        let schema = try Session.recordedFlow(parent.flow, in: journal).source["input"]
        for text in set {
            let (path, value) = try Self.pair(text, "--set", "input.limit=100")
            let wanted = path.split(separator: ".").dropFirst().reduce(schema) { $0?["properties"]?[String($1)] }
            words.settings.append(ForkWords.Setting(path: path, value: InputOption.value(value, wanted: wanted)))
        }
        for text in nodeOutput {
            let (node, value) = try Self.pair(text, "--node-output", "list=@list.json")
            words.outputs.append(ForkWords.Output(node: node, key: nil, value: try TextArgument.json(value)))
        }
        for text in itemOutput {
            let (place, value) = try Self.pair(text, "--item-output", "scrape/sku-1=@page.json")
            guard let slash = place.firstIndex(of: "/") else {
                throw RenError(.usage, "--item-output takes node/key=value, not \"\(text.shortened(to: 60))\"")
            }
            words.outputs.append(
                ForkWords.Output(
                    node: String(place[..<slash]), key: String(place[place.index(after: slash)...]),
                    value: try TextArgument.json(value)))
        }
        words.flow = try flow.map { name throws(RenError) in try journal.flowHash(named: name) }
        words.again = again
        words.codeChangedRunsAgain = codeChanged == .again
        words.reason = reason
        return words
    }

    private static func pair(
        _ text: String, _ option: String, _ example: String
    ) throws(RenError) -> (String, String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw RenError(
                .usage, "\(option) takes a name, = and a value, not \"\(text.shortened(to: 60))\"",
                hint: "for example \(option) \(example)")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    // MARK: As a client of the engine that is there

    private func ask(_ parent: RunRow, _ words: ForkWords, _ project: Project?) async throws -> ExitCode {
        let files = functions.files.isEmpty ? nil : try FunctionOptions.named(functions.files)
        let directory = try data.directory
        let key = Client.newKey()
        Signals.watch()
        let started = try await EnginePath.take(in: directory) { client in
            try await functions.withInstalling(project) { install throws(RenError) in
                try await client.fork(parent.id, body(words), functions: files, install: install, key: key)
            }
        } nobody: {
            throw RenError(
                .engineGone, "the engine of \(directory.path) has just gone", hint: "run the command again")
        }
        let report = RunReport(id: started.run, options: output, showsProgress: !noProgress)
        let how = started.isNew ? "forked from \(parent.id)" : "goes on"
        report.announce(
            "\(parent.flowName) \(started.run)  \(how) in the engine that is there; Ctrl-C leaves it running",
            in: directory)
        return try await FollowedRun(started.run, data, report).followToEnd()
    }

    private func body(_ words: ForkWords) -> JSONObject {
        var body: JSONObject = ["code_changed": .string(codeChanged.rawValue)]
        if let at { body["at"] = .integer(Int64(clamping: at)) }
        if let id { body["id"] = .string(id) }
        if let flow { body["flow"] = .string(flow) }
        if let reason { body["reason"] = .string(reason) }
        if !again.isEmpty { body["again"] = .array(again.map { .string($0) }) }
        var (settings, nodes, items) = (JSONObject(), JSONObject(), JSONObject())
        for setting in words.settings { settings[setting.path] = setting.value }
        for output in words.outputs {
            guard let key = output.key else {
                nodes[output.node] = output.value
                continue
            }
            var keys = items[output.node]?.objectValue ?? [:]
            keys[key] = output.value
            items[output.node] = .object(keys)
        }
        if !settings.isEmpty { body["set"] = .object(settings) }
        if !nodes.isEmpty { body["node_outputs"] = .object(nodes) }
        if !items.isEmpty { body["item_outputs"] = .object(items) }
        return body
    }
}

extension ForkView {
    func print(_ options: OutputOptions) {
        guard options.output == .human else { return Terminal.printJSON(JSON.object(json).text) }
        let title =
            "fork of \(draft.parent.id) at its event \(draft.fork.version) (journal #\(Words.grouped(draft.sequence.rawValue)))"
        var lines = sets.lines(title)
        func line(_ title: String, _ names: [String]) {
            if !names.isEmpty {
                lines.append("  \(title)  \(names.map { Terminal.escaped($0) }.joined(separator: " "))")
            }
        }
        for node in nodes where node.what == .again {
            guard let kept = node.items?[.kept], let again = node.items?[.again] else { continue }
            line("keeps part ", ["\(node.name): \(Words.count(kept, "item")), \(Words.grouped(again)) run again"])
        }
        line("new        ", draft.added)
        line("gone       ", draft.removed)
        line("given      ", given)
        line("unknown    ", unknown)
        if draft.isInputChanged { lines.append("  the input is another one") }
        Terminal.print(lines.joined(separator: "\n"))
    }
}
