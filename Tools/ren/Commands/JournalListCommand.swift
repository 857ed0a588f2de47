import ArgumentParser
import Ren
import RenCore
import RenJournal

struct JournalListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List events in the order of the journal.")

    @OptionGroup var filter: EventFilterOptions

    @Option(name: .long, help: "From this sequence; with --run from this version.")
    var from: UInt64 = 1

    @Option(name: .long, help: "At most so many.")
    var limit = Int.max

    @Flag(name: .long, help: "The newest first.")
    var newest = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json, .jsonl)
        guard limit > 0, from > 0 else { throw ValidationError("--limit and --from are whole numbers from 1") }
        let wanted = try filter.filter()
        let reading = try Reading(data)
        reading.sayWay(output)
        let run = try filter.run.map { name throws(RenError) in try reading.runOrJournal(name) }
        var printer = EventPrinter(reading.journal, filter, output)
        var scan = try JournalScan(reading.journal, of: run, from: from, wanted, newest ? .newestFirst : .oldestFirst)
        var left = limit
        while left > 0, let page = try scan.next() {
            for entry in page where left > 0 {
                guard let line = try printer.line(entry) else { continue }
                printer.add(line)
                left -= 1
            }
            // Nothing more can be written; how the command ends says why.
            guard StandardOutput.failure == nil else { return }
        }
        try printer.end()
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
