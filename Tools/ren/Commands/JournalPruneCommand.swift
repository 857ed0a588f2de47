import ArgumentParser
import Ren
import RenClient
import RenCore
import RenEngine
import RenJSON
import RenJournal

struct JournalPruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete histories of runs that have ended; the journal's chain stays provable.",
        discussion: """
            Without options, what retention in ren.yaml says; ren serve does that by itself, at its start and every \
            hour. Of a pruned run one line stays, and its id stays taken. Never pruned: what has not ended, and what a \
            fork needs that is kept. ren journal compact gives the space back to the disk.
            """)

    @Flag(name: .long, help: "Only say what would go.")
    var dryRun = false

    @Option(name: .long, help: "Only runs of this flow.")
    var flow: String?

    @Option(name: .long, help: ArgumentHelp("Runs that ended longer ago.", valueName: "30d"))
    var olderThan: String?

    @Option(name: .long, help: ArgumentHelp("All but so many of the newest of each flow.", valueName: "number"))
    var keep: Int?

    @Flag(name: .long, help: "Failed runs stay.")
    var keepFailed = false

    @Flag(name: .long, help: "Only their payloads; what happened stays, with the hashes of inputs and results.")
    var payloads = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard keep.map({ $0 >= 0 }) ?? true else { throw ValidationError("--keep is a whole number from 0") }
        guard !payloads || olderThan != nil && keep == nil else {
            throw ValidationError("--payloads goes with --older-than, and not with --keep")
        }
    }

    func run() async throws {
        try output.require(.human, .json)
        let retention = try retention()
        let directory = try data.existing()
        let prunings: [Pruning]
        if dryRun {
            prunings = try Reading(data).journal.prunings(by: retention, at: .wallClock())
        } else {
            prunings = try await EnginePath.take(in: directory) { client in
                try await client.prune(retention.json).compactMap(Pruning.init(json:))
            } nobody: {
                try Retainer.passBy(directory, by: retention, command: "ren journal prune").prunings
            }
        }
        report(prunings)
    }

    /// What the options say, else what `ren.yaml` does.
    private func retention() throws -> Retention {
        var rule = Retention.Rule()
        let age = try olderThan.map { text throws(RenError) in try DurationText.parse(text) }
        if payloads { rule.payloadsOlderThan = age } else { rule.olderThan = age }
        rule.keep = keep
        rule.keepFailed = keepFailed
        guard rule.isEmpty else {
            return flow.map { Retention(flows: [$0: rule]) } ?? Retention(rule)
        }
        guard !keepFailed, let retention = try Project.find(from: SystemFile.currentDirectory)?.retention else {
            throw RenError(
                .usage, "nothing says which runs go", hint: "add --older-than or --keep, or retention: to ren.yaml")
        }
        return flow.map { Retention(flows: [$0: retention.flows[$0] ?? retention.rule]) } ?? retention
    }

    private func report(_ prunings: [Pruning]) {
        guard output.output == .human else {
            let result: JSON = ["dry_run": .bool(dryRun), "prunings": .array(prunings.map { .object($0.json) })]
            return Terminal.printJSON(result.text)
        }
        guard !prunings.isEmpty else { return Terminal.print("nothing to prune") }
        for pruning in prunings {
            Terminal.print(
                "\(dryRun ? "would prune" : "pruned") \(pruning.step.rawValue) of "
                    + "\(Words.count(pruning.runs.count, "run")), \(Words.count(pruning.events, "event"))"
                    + "   (\(pruning.rule))")
            for run in pruning.runs { Terminal.print("  \(run.id)") }
        }
    }
}
