import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct LogsCommand: ParsableCommand {
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

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    /// `RunLog` keeps eight files, `logs.jsonl` being the newest.
    private static let files = stride(from: 7, through: 0, by: -1).map { $0 == 0 ? "logs.jsonl" : "logs.\($0).jsonl" }
    private static let fileMax = 32 << 20

    func run() throws {
        try output.require(.human, .json, .jsonl)
        let reading = try Reading(data)
        let summary = try reading.summary(of: name)
        if let node { _ = try summary.number(of: node) }
        let folder = "\(reading.directory.runs)/\(summary.row.id)"
        var listing = Listing(output.output)
        for file in Self.files.map({ "\(folder)/\($0)" }) where SystemFile.exists(file) {
            for line in try SystemFile.read(file, limit: Self.fileMax).split(separator: UInt8(ascii: "\n")) {
                // A line that a crash cut short is no line.
                guard let entry = try? JSON(parsing: line, limits: .document).objectValue, isWanted(entry) else {
                    continue
                }
                listing.add(entry, text: text(entry))
            }
        }
        listing.end()
    }

    private func isWanted(_ entry: JSONObject) -> Bool {
        if let node, entry["node"]?.stringValue != node { return false }
        if let key, entry["key"]?.stringValue != key { return false }
        let levels = Level.allCases
        let own = Level(rawValue: entry["level"]?.stringValue ?? "") ?? .info
        return levels.firstIndex(of: own)! >= levels.firstIndex(of: level)!
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
