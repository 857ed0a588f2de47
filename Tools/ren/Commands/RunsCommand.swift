import ArgumentParser
import Ren
import RenCore
import RenJournal

struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "List runs, newest first.", aliases: ["ls"])

    @Option(name: .long, help: "Only runs of this flow.")
    var flow: String?

    @Option(name: .long, help: "Only runs with this status, such as failed or waiting.")
    var status: String?

    @Option(name: .long, help: "At most so many.")
    var limit = 50

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    private static let columns = ["run", "flow", "status", "carried", "created", "ended", "updated"]

    private static let states = RunStatus.allCases.map(\.name) + ["waiting"]

    func run() throws {
        guard limit > 0 else { throw ValidationError("--limit is a whole number from 1") }
        if let status, !Self.states.contains(status) {
            throw ValidationError("--status takes one of \(Self.states.joined(separator: ", ")), not \"\(status)\"")
        }
        let reading = try Reading(data)
        let (flow, status) = (flow, status)
        let engineHolds = reading.holder != nil
        let rows = try reading.journal.read { view throws(RenError) in
            let rows = try view.runs(limit: limit, before: nil) { row in
                (flow == nil || row.flowName == flow) && (status == nil || row.shownStatus == status)
            }
            var carried: [(RunRow, Bool)] = []
            for row in rows { carried.append((row, try view.isCarried(row, engineHolds: engineHolds))) }
            return carried
        }
        let style = output.style
        if output.output == .human {
            guard !rows.isEmpty else { return Terminal.print("no runs") }
            return Terminal.print(Columns.text(rows.map { line($0, isCarried: $1, style) }))
        }
        var listing = Listing(output.output, header: Self.columns)
        for (row, isCarried) in rows { listing.add(RunSummary.json(row, isCarried: isCarried), text: "") }
        listing.end()
    }

    private func line(_ row: RunRow, isCarried: Bool, _ style: Style) -> [String] {
        let end = row.ended ?? row.updated
        let status = row.shownStatus
        let preparing = row.preparingPercent.map { "preparing (\($0) %)" }
        let note =
            preparing
            ?? (row.status.isOpen && !isCarried ? "not carried" : row.pruned == .histories ? "pruned" : "")
        return [
            row.id, row.flowName, "\(style.mark(status)) \(style.coloured(state: status))", Words.time(row.created),
            Words.duration(end - row.created), note,
            row.error.map { Terminal.escaped($0.text).shortened(to: 60) } ?? "",
        ]
    }
}
