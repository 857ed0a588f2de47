import ArgumentParser
import Ren
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
        var damaged = 0
        while left > 0 {
            let page = try reading.journal.entries(of: run, from: next, limit: min(left, Self.page))
            for entry in page {
                switch entry {
                case .event(let event):
                    let view = try EventView(event, &names)
                    listing.add(view.json, text: view.text(style))
                case .damaged(let event):
                    damaged += 1
                    listing.add(event.json, text: event.text(style))
                }
            }
            guard !page.isEmpty else { break }
            // Sequences and versions have no gaps.
            next += UInt64(page.count)
            left -= page.count
        }
        listing.end()
        guard damaged == 0 else { throw Complaint.damaged(damaged) }
    }
}

extension Complaint {
    /// So many events could not be read; the others were printed.
    static func damaged(_ count: Int) -> Complaint {
        Complaint(
            RenError(
                .integrityDamaged, "\(Words.count(count, "event")) of the journal cannot be read",
                hint: "make a copy of the data directory, then run `ren journal verify`"))
    }
}

extension Reading {
    func runOrJournal(_ name: String) throws(RenError) -> RunNumber {
        name == "journal" ? .journal : try run(name).number
    }
}
