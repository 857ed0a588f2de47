import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct JournalStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "What takes how much room: by flow, run, node, type and day.")

    @Option(name: .long, help: "So many of the largest runs and nodes, and of the last days.")
    var limit = 20

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.require(.human, .json)
        guard limit > 0 else { throw ValidationError("--limit is a whole number from 1") }
        let reading = try Reading(data, givingWay: true)
        reading.sayWay(output)
        // Before this command reads for long.
        let space = try reading.journal.space()
        let meter = Meter("read")
        let statistics = try JournalStatistics(of: reading.journal) { meter.show($0, of: $1) }
        meter.clear()
        let tables = try StatisticsTables(statistics, reading.journal, limit: limit)
        switch output.output {
        case .json: Terminal.printJSON(JSON.object(json(statistics, space, tables, reading)).text)
        default: Terminal.print(text(statistics, space, tables))
        }
        guard statistics.damaged.isEmpty else { throw Complaint.damaged(statistics.damaged.count) }
    }

    private func json(
        _ statistics: JournalStatistics, _ space: JournalSpace, _ tables: StatisticsTables, _ reading: Reading
    ) -> JSONObject {
        var object: JSONObject = [
            "read": .string(reading.way.word), "head": JSON(statistics.head.sequence.rawValue),
            "head_hash": .string(statistics.head.hash.description), "events": JSON(statistics.total.events),
            "bytes": JSON(statistics.total.bytes), "damaged": JSON(statistics.damaged.count),
            "file": [
                "bytes": JSON(space.fileBytes), "free_bytes": JSON(space.freeBytes),
                "free_pages": JSON(space.freePages), "page_bytes": JSON(space.pageBytes),
                "map_bytes": JSON(space.mapBytes),
                "disk_free_bytes": JSON(space.diskFreeBytes),
            ],
            "readers": .array(
                space.readers.map { ["process": JSON($0.process), "commits_behind": JSON($0.commitsBehind)] }),
        ]
        for table in tables.all { object[table.name] = .array(table.rows.map { .object($0.json) }) }
        return object
    }

    private func text(
        _ statistics: JournalStatistics, _ space: JournalSpace, _ tables: StatisticsTables
    ) -> String {
        let reader = space.readers.first.map {
            "the oldest reader, process \($0.process), is \(Words.count(Int($0.commitsBehind), "commit")) behind"
        }
        let share = Words.tenths(Double(space.fileBytes) / Double(max(1, space.mapBytes)) * 100)
        var parts = [
            "\(Words.count(statistics.total.events, "event")), \(Words.bytes(statistics.total.bytes)) of records and "
                + "payloads, last seq \(statistics.head.sequence)",
            "file \(Words.bytes(space.fileBytes)), \(Words.bytes(space.freeBytes)) of it free "
                + "(\(Words.count(space.freePages, "page"))), \(share) % of a map of \(Words.bytes(space.mapBytes)); "
                + (reader ?? "nobody reads it"),
        ]
        for table in tables.all where !table.rows.isEmpty {
            let rows = table.rows.map {
                [
                    "  " + Terminal.escaped($0.name), Words.grouped($0.amount.events).rightAligned(to: 10),
                    Words.bytes($0.amount.bytes).rightAligned(to: 9),
                ]
            }
            let more = table.left == 0 ? "" : "\n  and \(Words.grouped(table.left)) more"
            parts.append("\(table.title)\n" + Columns.text(rows) + more)
        }
        return parts.joined(separator: "\n")
    }
}

/// The figures of a journal under names, the largest first.
struct StatisticsTables {
    struct Row {
        var name: String
        var members: JSONObject
        var amount: JournalStatistics.Amount

        var json: JSONObject {
            var object = members
            object["events"] = JSON(amount.events)
            object["bytes"] = JSON(amount.bytes)
            return object
        }
    }

    struct Table {
        var name: String
        var title: String
        var rows: [Row]
        /// Rows that are not shown.
        var left = 0
    }

    private(set) var all: [Table] = []

    init(_ statistics: JournalStatistics, _ journal: JournalReader, limit: Int) throws(RenError) {
        var names = EventNames(journal)
        var flows: [String: (runs: Int, amount: JournalStatistics.Amount)] = [:]
        var runs: [Row] = []
        var nodes: [String: Row] = [:]
        for (number, amount) in statistics.runs {
            let id = (try? names.id(of: number)) ?? "number \(number)"
            // The run of a damaged row has no name; its events are counted all the same.
            let flow = (try? names.flow(of: number)) ?? ""
            runs.append(Row(name: id, members: ["run": .string(id), "flow": .string(flow)], amount: amount))
            flows[flow, default: (0, .init())].runs += 1
            flows[flow]?.amount.events += amount.events
            flows[flow]?.amount.bytes += amount.bytes
        }
        for (key, amount) in statistics.nodes {
            let flow = (try? names.flow(of: key.run)) ?? ""
            let node = (try? names.name(of: key.node, in: key.run)) ?? "\(key.node)"
            let name = "\(flow) \(node)"
            var row =
                nodes[name]
                ?? Row(
                    name: name, members: ["flow": .string(flow), "node": .string(node)], amount: .init())
            row.amount.events += amount.events
            row.amount.bytes += amount.bytes
            nodes[name] = row
        }
        let flowRows = flows.map { name, found in
            Row(
                name: name.isEmpty ? "(of no run)" : name,
                members: ["flow": .string(name), "runs": JSON(found.runs)], amount: found.amount)
        }
        let typeRows = statistics.types.map { type, amount in
            Row(name: type.name, members: ["type": .string(type.name)], amount: amount)
        }
        add("flows", "By flow", flowRows)
        add("runs", "By run", runs, limit)
        add("nodes", "By node", Array(nodes.values), limit)
        add("types", "By type", typeRows)
        let days = statistics.days.sorted { $0.key > $1.key }.map { day, amount in
            let name = String(Timestamp(nanoseconds: Int64(day) * 86_400_000_000_000).iso8601.prefix(10))
            return Row(name: name, members: ["day": .string(name)], amount: amount)
        }
        all.append(
            Table(name: "days", title: "By day", rows: Array(days.prefix(limit)), left: max(0, days.count - limit)))
    }

    private mutating func add(_ name: String, _ title: String, _ rows: [Row], _ limit: Int = .max) {
        let sorted = rows.sorted { ($0.amount.bytes, $1.name) > ($1.amount.bytes, $0.name) }
        all.append(
            Table(name: name, title: title, rows: Array(sorted.prefix(limit)), left: max(0, sorted.count - limit)))
    }
}
