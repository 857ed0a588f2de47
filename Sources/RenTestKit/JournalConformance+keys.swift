import RenCore
import RenJSON
import RenJournal

extension JournalConformance {
    /// The payload of a `map.opened` with these keys.
    private static func payload(_ keys: [String]) -> [UInt8] {
        let contents: JSON = ["keys": .array(keys.map { .string($0) }), "values": []]
        return contents.compact
    }

    static func findsItemsByKey(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        let run = journal.reserveRun()
        let node = NodeNumber(0)
        let names = (0..<KeyRows.commitRows + 3).map { "sku-\($0)/ß\"\\\($0 % 7)" }
        let bytes = payload(names)
        guard let keys = SortedKeys(payload: bytes) else { return ["the payload has no keys"] }
        problems.expect(keys.duplicate == nil, "different keys are taken for equal")
        var history = HistoryBuilder("a")
        history.create()
        let begin = history.take()
        try journal.appendAndWait(begin.events, to: run, after: begin.after)
        // Rows of a map that never opened, of which another then opens with fewer keys.
        for start in stride(from: 0, to: keys.count, by: KeyRows.commitRows) {
            try journal.changeAndWait(keys.rows(of: run, node, from: start))
        }
        func find(_ key: String) throws(RenError) -> ItemIndex? {
            try journal.read { view throws(RenError) in try view.itemIndex(run, node, key: key) }
        }
        problems.expect(try find(names[0]) == nil, "keys of a map that is not open count")
        var removed = 0
        while true {
            let leftovers = try journal.read { view throws(RenError) in try view.leftovers(run, node) }
            if leftovers.isEmpty { break }
            problems.expect(leftovers.count <= KeyRows.commitRows, "\(leftovers.count) rows in one commit")
            removed += leftovers.count
            try journal.changeAndWait(leftovers)
        }
        problems.expect(removed == names.count, "\(removed) rows were left over")
        for start in stride(from: 0, to: keys.count, by: KeyRows.commitRows) {
            try journal.changeAndWait(keys.rows(of: run, node, from: start))
        }
        let opening = MapOpening(total: names.count, source: Digest(hashing: [3]), concurrency: nil)
        history.add(.mapOpened(opening), .node(0), payload: bytes)
        let open = history.take()
        try journal.appendAndWait(open.events, to: run, after: open.after)
        for index in [0, 1, 63, 64, 4_999, 5_002] {
            let found = try find(names[index])
            problems.expect(found == ItemIndex(index), "\(names[index]) is item \(found as Any)")
            let row = try journal.item(of: run, node, ItemIndex(index))
            problems.expect(row?.key == names[index] && row?.state == .pending, "item \(index) is \(row as Any)")
        }
        for key in ["", "0", "sku-", "sku-0/ß\"\\1"] {
            problems.expect(try find(key) == nil, "the key “\(key)” finds an item")
        }
        problems.expect(
            try journal.read { view throws(RenError) in
                try view.itemIndex(run, NodeNumber(1), key: names[0]) == nil
            }, "another node has the key")
        return problems
    }

    static func findsItemsByIndex(_ journal: any Journal) throws -> Problems {
        var problems: Problems = []
        let run = journal.reserveRun()
        var history = HistoryBuilder("a")
        history.create()
        history.openMap(NodeNumber(0), total: 12)
        let batch = history.take()
        try journal.appendAndWait(batch.events, to: run, after: batch.after)
        for (key, expected) in [("0", 0), ("11", 11), ("12", nil), ("-1", nil), ("01", nil), ("x", nil)] {
            let found = try journal.read { view throws(RenError) in
                try view.itemIndex(run, NodeNumber(0), key: key)
            }
            problems.expect(found == expected.map { ItemIndex($0) }, "“\(key)” is item \(found as Any)")
        }
        return problems
    }
}
