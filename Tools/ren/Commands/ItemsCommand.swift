import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct ItemsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "items", abstract: "List the items of a node with each.",
        discussion: """
            An item that runs its first attempt, or has not begun, has no row yet: it is counted, not listed.
            """)

    @Argument(help: ArgumentHelp("As ren --help says.", valueName: "run"))
    var runName: String

    @Argument(help: "The node.")
    var node: String

    @Flag(name: .long, help: "Only items that failed; the same as --state failed.")
    var failed = false

    @Option(name: .long, help: "Only items in this state.")
    var state: WorkState?

    @Option(name: .long, help: "Print only how many items are in this state (or: total).")
    var count: String?

    @Option(name: .long, help: "At most so many.")
    var limit = 1000

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    private static let columns = ["index", "key", "state", "attempts", "begun", "ended", "milliseconds", "error"]
    private static let page = 1000

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is a whole number from 1") }
        if failed, state != nil { throw ValidationError("--failed and --state exclude each other") }
    }

    func run() throws {
        let reading = try Reading(data)
        let summary = try reading.summary(of: runName)
        let index = try summary.number(of: node)
        guard summary.flow.nodes[index].each != nil else {
            throw RenError(
                .nodeNoItems, "node \"\(node)\" has no each, so it has no items", hint: "ren show \(summary.row.id)")
        }
        let map = summary.rows[index]?.map
        if let count { return try printCount(count, map) }
        if map == nil, output.output == .human {
            return Terminal.print("no items yet: node \(node) is \(summary.state(of: index).name)")
        }
        try list(reading, summary.row.number, NodeNumber(index), map)
    }

    private func printCount(_ word: String, _ map: NodeRow.MapSummary?) throws {
        if word == "total" { return Terminal.print("\(map?.total ?? 0)") }
        guard let state = WorkState(argument: word) else {
            throw ValidationError(
                "--count takes total or one of \(WorkState.allCases.map(\.name).joined(separator: ", "))")
        }
        Terminal.print("\(map?.counts[state] ?? 0)")
    }

    private func list(
        _ reading: Reading, _ run: RunNumber, _ node: NodeNumber, _ map: NodeRow.MapSummary?
    ) throws {
        var listing = Listing(output.output, header: Self.columns)
        defer { listing.end() }
        guard let map else { return }
        var keys = ItemKeys(
            payload: try reading.journal.read { view throws(RenError) in try view.payload(run, map.opened) })
        let state = failed ? .failed : state
        let style = output.style
        var from = ItemIndex(0)
        var left = limit
        while left > 0 {
            let page = min(Self.page, left)
            let rows = try reading.journal.read { view throws(RenError) in
                try view.items(of: run, node, from: from, limit: page, in: state)
            }
            for (index, row) in rows {
                let key = keys.key(of: index)
                listing.add(json(index, key, row), text: text(key, row, style))
            }
            guard rows.count == page, let last = rows.last else { return }
            from = last.index.next
            left -= page
        }
    }

    private func json(_ index: ItemIndex, _ key: String, _ row: ItemRow) -> JSONObject {
        [
            "index": JSON(index.rawValue), "key": .string(key), "state": .string(row.state.name),
            "attempts": JSON(row.attempts), "begun": JSON(row.begun), "ended": JSON(row.ended),
            "milliseconds": JSON(row.ended.map { ($0 - row.begun).nanoseconds / 1_000_000 }),
            "error": row.error.map { error in
                output.output == .csv ? .string(error.text) : .object(error.json)
            } ?? .null,
        ]
    }

    private func text(_ key: String, _ row: ItemRow, _ style: Style) -> String {
        [
            "\(style.mark(row.state.name)) \(Terminal.escaped(key).padded(to: 24))",
            style.coloured(state: row.state.name.padded(to: 9)),
            row.ended.map { Words.duration($0 - row.begun) }?.rightAligned(to: 8) ?? "        ",
            row.attempts > 1 ? "\(row.attempts) attempts" : "",
            row.error.map { Terminal.escaped($0.text).shortened(to: 100) } ?? "",
        ].filter { !$0.isEmpty }.joined(separator: "  ")
    }
}

extension WorkState: ExpressibleByArgument {
    package init?(argument: String) {
        guard let state = WorkState.allCases.first(where: { $0.name == argument }) else { return nil }
        self = state
    }

    package static var allValueStrings: [String] { allCases.map(\.name) }
}
