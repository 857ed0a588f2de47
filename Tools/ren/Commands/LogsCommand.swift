import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal
import RenWorkers

struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "What the functions of a run said.",
        discussion: "Lines of a crash may be missing: the log is no part of the truth, the journal is.")

    enum Level: String, ExpressibleByArgument, CaseIterable { case debug, info, warning, error }

    @Argument(help: ArgumentHelp("Without it the only open run, else the last.", valueName: "run"))
    var name: String?

    @Option(name: .shortAndLong, help: "Only lines of this node.")
    var node: String?

    @Option(name: .shortAndLong, help: "Only lines of the item with this key.")
    var key: String?

    @Option(name: .long, help: "Only lines of this level and above.")
    var level = Level.debug

    @Option(name: .long, help: "Only lines that hold this text; case does not count.")
    var text: String?

    @Option(name: .long, help: "Begin with so many of the last lines; without it with the first.")
    var tail: Int?

    @Flag(name: .shortAndLong, help: "Go on printing lines as they come, until the run has ended.")
    var follow = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try output.require(.human, .json, .jsonl)
        if let tail, tail < 0 { throw ValidationError("--tail is a whole number from 0") }
        if follow, output.output == .json { throw ValidationError("-f goes with -o jsonl, since a list has no end") }
        let reading = try Reading(data)
        let summary = try reading.summary(of: name)
        if let node { _ = try summary.number(of: node) }
        let reader = LogReader(folder: reading.directory.run(summary.row.id))
        let filter = LogReader.Filter(level: .init(rawValue: level.rawValue)!, node: node, key: key, text: text)
        var listing = Listing(output.output)
        var page = try tail.map { count throws(RenError) in try reader.tail(count, filter) } ?? reader.page(filter)
        while true {
            if page.droppedFiles > 0 {
                Terminal.complain("\(Words.count(page.droppedFiles, "older file")) of this log had to make room")
            }
            for line in page.lines { listing.add(line.entry, text: text(line.entry)) }
            if page.isAtEnd {
                guard follow else { break }
                Terminal.flush()
                // Asked before the last look: an engine writes the log out soon after the end.
                let isOpen = try reading.run(summary.row.id).status.isOpen
                try await Task.sleep(for: .milliseconds(isOpen ? 200 : 500))
                page = try reader.page(after: page.position, filter)
                if !isOpen, page.lines.isEmpty, page.isAtEnd { break }
            } else {
                page = try reader.page(after: page.position, filter)
            }
            // Nothing more can be written; how the command ends says why.
            guard StandardOutput.failure == nil else { return }
        }
        listing.end()
    }

    /// `2026-11-23T03:21:07.123Z warning scrape[sku-1] text`
    private func text(_ entry: JSONObject) -> String {
        var place = entry["node"]?.stringValue ?? "-"
        if let key = entry["key"]?.stringValue { place += "[\(Terminal.escaped(key))]" }
        if let attempt = entry["attempt"]?.integerValue, attempt > 1 { place += " attempt \(attempt)" }
        let level = (entry["level"]?.stringValue ?? "").padded(to: 7)
        let fields = entry["fields"].map { " " + Terminal.escaped($0.text) } ?? ""
        // One line for one entry: a function cannot make up lines of others.
        let text = Terminal.escaped(entry["text"]?.stringValue ?? "")
        return "\(entry["time"]?.stringValue ?? "")  \(level)  \(place)  \(text)\(fields)"
    }
}
