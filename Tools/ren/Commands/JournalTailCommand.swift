import ArgumentParser
import Ren
import RenCore
import RenJournal

struct JournalTailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print the last events, and with -f those that come.",
        discussion: "An event that cannot be read is named, and the next one follows.")

    @Flag(name: .shortAndLong, help: "Go on printing as events come.")
    var follow = false

    @Option(name: .shortAndLong, help: "Begin with so many of the last events.")
    var number = 20

    @OptionGroup var filter: EventFilterOptions
    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json, .jsonl)
        guard number >= 0 else { throw ValidationError("-n is a whole number from 0") }
        if follow, output.output == .json { throw ValidationError("-f goes with -o jsonl, since a list has no end") }
        let wanted = try filter.filter()
        let reading = try Reading(data, givingWay: true)
        reading.sayWay(output)
        let run = try filter.run.map { name throws(RenError) in try reading.runOrJournal(name) }
        var printer = EventPrinter(reading.journal, filter, output)
        var next = try printLast(of: run, wanted, reading.journal, &printer)
        guard follow else { return try printer.end() }
        Terminal.flush()
        while true {
            let head = try reading.journal.read { view throws(RenError) in try view.head().sequence }
            var scan = try JournalScan(reading.journal, of: run, from: next, wanted)
            while let page = try scan.next() {
                for entry in page { if let line = try printer.line(entry) { printer.add(line) } }
            }
            next = max(next, scan.last + 1)
            Terminal.flush()
            // Nothing more can be written; how the command ends says why.
            guard StandardOutput.failure == nil, try await reading.journal.waitForEvents(after: head) else { return }
        }
    }

    /// Prints the last events, oldest first.
    ///
    /// - Returns: the number of the first one to come: its sequence, or its version with a run.
    private func printLast(
        of run: RunNumber?, _ wanted: JournalScan.Filter, _ journal: JournalReader, _ printer: inout EventPrinter
    ) throws(RenError) -> UInt64 {
        var scan = try JournalScan(journal, of: run, wanted, .newestFirst)
        var lines: [EventPrinter.Line] = []
        while lines.count < number, let page = try scan.next() {
            for entry in page where lines.count < number {
                if let line = try printer.line(entry) { lines.append(line) }
            }
        }
        for line in lines.reversed() { printer.add(line) }
        return scan.last + 1
    }
}
