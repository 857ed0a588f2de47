import ArgumentParser
import RenCore
import RenJournal

struct JournalListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List events in the order of the journal.")

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Only events of this run; journal for those of none.", valueName: "run"))
    var runName: String?

    @Option(name: .long, help: "From this sequence; with --run from this version.")
    var from: UInt64 = 1

    @Option(name: .long, help: "At most so many.")
    var limit = Int.max

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    private static let page = 1000

    func run() throws {
        try output.require(.human, .json, .jsonl)
        guard limit > 0, from > 0 else { throw ValidationError("--limit and --from are whole numbers from 1") }
        let reading = try Reading(data)
        let run = try runName.map { name throws(RenError) in try reading.runOrJournal(name) }
        var names = EventNames(reading.journal)
        var listing = Listing(output.output)
        let style = output.style
        var next = from
        var left = limit
        while left > 0 {
            let page = try page(run, next, min(left, Self.page), reading.journal)
            for event in page {
                let view = try EventView(event, &names)
                listing.add(view.json, text: view.text(style))
            }
            guard let last = page.last else { break }
            next = (run == nil ? last.sequence.rawValue : last.version.rawValue) + 1
            left -= page.count
        }
        listing.end()
    }

    private func page(
        _ run: RunNumber?, _ next: UInt64, _ limit: Int, _ journal: JournalReader
    ) throws(RenError) -> [RecordedEvent] {
        try journal.read { view throws(RenError) in
            guard let run else { return try view.records(from: JournalSequence(next), limit: limit) }
            return try view.page(of: run, after: RunVersion(next - 1), limit: limit)
        }
    }
}

extension Reading {
    func runOrJournal(_ name: String) throws(RenError) -> RunNumber {
        name == "journal" ? .journal : try run(name).number
    }
}
