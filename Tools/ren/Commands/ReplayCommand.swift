import ArgumentParser
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenWorkers

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Decide the whole history of a run again, without effects, and compare; exit 20 where it differs.",
        discussion: """
            Every recorded event must follow from those before it: requests must have been admissible, conditions and \
            arguments are evaluated again from recorded values, and what ren decided must be what it decides now.

            With --flow it is asked instead what a fork with that flow would do: which recorded results would be kept, \
            what would run, what would be gone and which way would turn. Nothing is called and nothing is written.
            """)

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Option(name: .long, help: ArgumentHelp("Up to this event of the journal.", valueName: "sequence"))
    var to: UInt64?

    @Option(
        name: .long,
        help: ArgumentHelp("What if this flow were followed?", valueName: "file|name|name@version"))
    var flow: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --flow: from its last event at or before this sequence on (else its last).", valueName: "sequence"))
    var at: UInt64?

    @Option(
        name: .customLong("code-changed"),
        help: "With --flow and -f: results made by other code than that of the files: keep, or again.")
    var codeChanged: RetryCommand.CodeChanged?

    @OptionGroup var functions: FunctionOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json)
        if let flow { return try await tryFlow(flow) }
        guard at == nil, codeChanged == nil, functions.files.isEmpty else {
            throw RenError(
                .usage, "--at, --code-changed and -f go with --flow", hint: "--to replays up to an event")
        }
        let reading = try Reading(data, givingWay: true)
        let row = try reading.ownRun(name)
        let began = ContinuousClock.now
        let view = try ReplayView(
            row, in: reading.journal, directory: reading.directory, upTo: to.map { JournalSequence($0) })
        let duration = ContinuousClock.now - began
        if output.output == .json {
            var object = view.json
            object["milliseconds"] = JSON(duration.nanoseconds / 1_000_000)
            Terminal.printJSON(JSON.object(object).text)
        } else {
            Terminal.print(view.text(output.style, duration))
        }
        if !view.isWhole { throw ExitCode.integrity }
    }

    // MARK: What if

    private func tryFlow(_ name: String) async throws {
        guard to == nil else {
            throw RenError(.usage, "--to does not go with --flow", hint: "--at chooses where the flow is tried")
        }
        let reading = try Reading(data, givingWay: true)
        let parent = try reading.ownRun(self.name)
        var words = ForkWords()
        words.at = at.map { JournalSequence($0) }
        words.codeChangedRunsAgain = codeChanged == .again
        let file = FlowSource.isFile(name) ? name : nil
        let check = try file.map { try FlowFile.load($0) }
        if check == nil { words.flow = try reading.journal.flowHash(named: name) }
        let view = try WhatIfView(
            of: parent, words, flow: check, file: file, signatures: try await signatures(reading),
            in: reading.journal, directory: reading.directory, at: parent.updated)
        guard output.output == .human else { return Terminal.printJSON(JSON.object(view.json).text) }
        Terminal.print(view.text(output.style))
    }

    /// Of the files that are named; nil: as they were recorded.
    private func signatures(_ reading: Reading) async throws -> [String: FunctionSignature]? {
        guard !functions.files.isEmpty else { return nil }
        let project = try Project.find(from: SystemFile.currentDirectory)
        return try await FunctionProbe.discover(
            functions.files, in: reading.directory, install: functions.policy(project)
        ) { Terminal.complain(Terminal.escaped($0)) }.signatures
    }
}

extension Reading {
    /// A run that follows a flow.
    ///
    /// - Throws: `run.invalid` for the run `journal`, what `run(_:)` throws.
    func ownRun(_ name: String?) throws(RenError) -> RunRow {
        guard name != RunRow.journalID else {
            throw RenError(
                .init("run.invalid"), "the run journal follows no flow: it holds what belongs to no run",
                hint: "ren journal ls --run journal lists it, ren journal verify checks it")
        }
        return try run(name)
    }
}
