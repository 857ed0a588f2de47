import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state", abstract: "Show a run as it was after an event.",
        discussion: "With --node also a window of that node's items as they were.")

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Option(
        name: .customLong("at"),
        help: "The event's sequence, as ren journal ls shows it; it may be one of another run.")
    var sequence: UInt64

    @Option(name: .long, help: "A node with each: its items as they were.")
    var node: String?

    @Option(name: .long, help: "Only items that were in this state.")
    var state: WorkState?

    @Option(name: .long, help: "So many items are left out.")
    var offset = 0

    @Option(name: .long, help: "At most so many items, up to 1000.")
    var limit = 100

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...ItemQuery.limitMax).contains(limit), offset >= 0 else {
            throw ValidationError("--limit is a whole number from 1 to \(ItemQuery.limitMax), --offset one from 0")
        }
        if state != nil, node == nil { throw ValidationError("--state is about the items of a --node") }
    }

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        let past = try reading.journal.past(of: reading.run(runName), at: JournalSequence(sequence))
        let summary = try RunSummary(past, in: reading.journal)
        let items = try items(of: past, summary, reading.journal)
        guard output.output == .human else {
            var object = summary.json
            object["as_of"] = JSON(sequence)
            object["items"] = items.map { .object($0.json) } ?? .null
            return Terminal.printJSON(JSON.object(object).text)
        }
        Terminal.print(summary.text(output.style))
        if let items { Terminal.print(text(items)) }
    }

    private func items(
        of past: PastRun, _ summary: RunSummary, _ journal: JournalReader
    ) throws -> ItemWindow? {
        guard let node else { return nil }
        let index = try summary.number(of: node)
        guard summary.flow.nodes[index].each != nil else {
            throw RenError(
                .nodeNoItems, "node \"\(node)\" has no each, so it has no items", hint: "ren show \(summary.row.id)")
        }
        var query = ItemQuery()
        query.state = state
        query.offset = offset
        query.limit = limit
        return try journal.items(of: past, NodeNumber(index), query)
    }

    private func text(_ window: ItemWindow) -> String {
        let shown = "\(Words.grouped(window.rows.count)) of \(Words.count(window.total, "item"))"
        let rows = window.rows.map { row in
            [
                "  \(output.style.mark(row.state.name)) \(Terminal.escaped(row.key))",
                output.style.coloured(state: row.state.name.padded(to: 9)),
                row.duration.map { Words.duration($0) } ?? "", row.attempts > 1 ? "\(row.attempts) attempts" : "",
                row.error.map { Terminal.escaped($0.text).shortened(to: 100) } ?? "",
            ]
        }
        return "Items: \(shown)" + (rows.isEmpty ? "" : "\n" + Columns.text(rows))
    }
}
