package import RenCore
package import RenEngine
package import RenJSON
package import RenJournal

/// What a replay found, with the names of nodes and items.
package struct ReplayView: Sendable {
    /// What does not follow, or cannot be read.
    package struct Finding: Sendable {
        package let recorded: EventView?
        package let version: RunVersion
        package let sequence: JournalSequence?
        /// As JSON; nil where nothing of its kind follows.
        package let expected: JSONObject?
        package let why: String
    }

    package let row: RunRow
    package let report: ReplayReport
    package let finding: Finding?

    /// Replays a run as far as it has got.
    ///
    /// - Parameters:
    ///   - swift: functions of this program.
    ///   - end: the last event to look at.
    /// - Throws: `request.cancelled`; what keeps the journal from being read.
    package init(
        _ row: RunRow, in journal: any JournalReading, directory: DataDirectory,
        swift: [String: FunctionSignature] = [:], upTo end: JournalSequence? = nil,
        isCancelled: () -> Bool = { false }
    ) throws(RenError) {
        self.row = row
        let last = try end.map { end throws(RenError) in
            try journal.read { view throws(RenError) in try view.version(of: row.number, at: end) }
        }
        report = try Replayer.replay(
            row.number, plans: try journal.plans(of: row, swift: swift), in: journal, artifacts: directory.artifacts,
            upTo: last ?? RunVersion(rawValue: .max), isCancelled: isCancelled)
        finding = try Self.finding(in: report, row, journal)
    }

    private static func finding(
        in report: ReplayReport, _ row: RunRow, _ journal: any JournalReading
    ) throws(RenError) -> Finding? {
        if let (version, error) = report.unreadable {
            return Finding(recorded: nil, version: version, sequence: nil, expected: nil, why: error.message)
        }
        guard let divergence = report.divergence else { return nil }
        let recorded = divergence.recorded
        var names = EventNames(journal)
        let view = try EventView(recorded, &names)
        switch divergence.expected {
        case .nothing(let why):
            return Finding(
                recorded: view, version: recorded.version, sequence: recorded.sequence, expected: nil, why: why)
        case .event(let event):
            let expected = try event.json(in: row.number, &names)
            return Finding(
                recorded: view, version: recorded.version, sequence: recorded.sequence, expected: expected,
                why: "\(EventType(event).name) follows from what was recorded before it")
        }
    }

    package var isWhole: Bool { finding == nil }

    /// `{"schema": "ren.replay/1", "run", "flow", "status", "matches", "events", "explained", "by_operands",
    /// "not_evaluated", "divergence"}`
    package var json: JSONObject {
        [
            "schema": "ren.replay/1", "run": .string(row.id), "flow": .string(row.flowName),
            "flow_hash": .string(row.flow.description), "status": .string(row.shownStatus),
            "matches": .bool(isWhole), "events": JSON(report.explained),
            "explained": .object(
                JSONObject(
                    members: ReplayReport.Kind.allCases.map {
                        .init(key: $0.rawValue, value: JSON(report.counts[$0] ?? 0))
                    })),
            "by_operands": JSON(report.byOperands), "not_evaluated": JSON(report.taken),
            "divergence": finding.map { .object($0.json) } ?? .null,
        ]
    }
}

extension ReplayView.Finding {
    fileprivate var json: JSONObject {
        [
            "sequence": JSON(sequence?.rawValue), "version": JSON(version.rawValue), "why": .string(why),
            "expected": expected.map(JSON.object) ?? .null,
            "recorded": recorded.map { .object($0.json) } ?? .null,
        ]
    }
}

extension Event {
    /// An event that has no place in the journal, in the words of `EventView`.
    fileprivate func json(in run: RunNumber, _ names: inout EventNames) throws(RenError) -> JSONObject {
        var object: JSONObject = ["type": .string(EventType(self).name)]
        if let node = subject.node {
            object["node"] = .string(try names.name(of: node, in: run))
            if case .item(_, let item) = subject {
                object["item"] = JSON(item.rawValue)
                object["key"] = .string(try names.key(of: item, node, in: run))
            }
        }
        if attempt > 0 { object["attempt"] = JSON(attempt) }
        if cause != .none { object["cause"] = JSON(cause.rawValue) }
        for member in fact.json where !member.value.isNull { object[member.key] = member.value }
        if let payload {
            object["payload"] = ["length": JSON(payload.length), "sha256": .string(payload.hash.description)]
        }
        return object
    }
}
