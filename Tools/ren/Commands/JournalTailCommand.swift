import ArgumentParser
import Ren
import RenCore
import RenJournal

struct JournalTailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print the last events, and with -f those that come.")

    @Flag(name: .shortAndLong, help: "Go on printing as events come.")
    var follow = false

    @Option(name: .shortAndLong, help: "Begin with so many of the last events.")
    var number = 20

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Only events of this run; journal for those of none.", valueName: "run"))
    var runName: String?

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json, .jsonl)
        guard number >= 0 else { throw ValidationError("-n is a whole number from 0") }
        if follow, output.output == .json { throw ValidationError("-f goes with -o jsonl, since a list has no end") }
        let reading = try Reading(data)
        let run = try runName.map { name throws(RenError) in try reading.runOrJournal(name) }
        var names = EventNames(reading.journal)
        var listing = Listing(output.output)
        let (events, head) = try last(run, reading.journal)
        for event in events { try print(event, &names, &listing) }
        guard follow else { return listing.end() }
        Terminal.flush()
        var feed = JournalFeed(reading.journal, after: head, run: run)
        while true {
            let events = try await feed.next()
            guard !events.isEmpty else { return }
            for event in events { try print(event, &names, &listing) }
            Terminal.flush()
            // Nothing more can be written; how the command ends says why.
            guard StandardOutput.failure == nil else { return }
        }
    }

    private func print(_ event: RecordedEvent, _ names: inout EventNames, _ listing: inout Listing) throws {
        let view = try EventView(event, &names)
        listing.add(view.json, text: view.text(output.style))
    }

    /// The last events, oldest first, and the head that they end at.
    private func last(
        _ run: RunNumber?, _ journal: JournalReader
    ) throws(RenError) -> (events: [RecordedEvent], head: JournalSequence) {
        try journal.read { view throws(RenError) in
            let head = try view.head().sequence
            guard number > 0 else { return ([], head) }
            guard let run else {
                return (try view.records(before: nil, limit: number).reversed(), head)
            }
            let version = try view.version(of: run).rawValue
            let after = RunVersion(version > UInt64(number) ? version - UInt64(number) : 0)
            return (try view.page(of: run, after: after, limit: number), head)
        }
    }
}
