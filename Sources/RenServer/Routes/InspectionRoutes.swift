import HTTPTypes
package import RenCore
import RenEngine
package import RenJSON
import Synchronization

/// Looks at all of a journal, in a process of its own: a damaged page of its file can end whoever reads it.
package protocol JournalInspector: Sendable {
    /// What `ren journal verify -o json` prints; blocks until it is there.
    func verify() throws(RenError) -> JSON
    /// What `ren journal stats -o json` prints; blocks until it is there.
    func statistics() throws(RenError) -> JSON
    /// What `ren doctor -o json` prints; blocks until it is there.
    func diagnosis() throws(RenError) -> JSON
}

/// One inspection at a time: each reads the whole file.
package final class Inspection: Sendable {
    private let inspector: any JournalInspector
    private let isBusy = Mutex(false)
    private let verification = Mutex<(at: Timestamp, findings: Int)?>(nil)

    package init(_ inspector: any JournalInspector) { self.inspector = inspector }

    /// - Throws: `journal.inspected` while another one goes on; what the inspector throws.
    func run(_ body: (any JournalInspector) throws(RenError) -> JSON) throws(RenError) -> JSON {
        let isFirst = isBusy.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFirst else {
            throw RenError(
                .init("journal.inspected"), "the journal is being looked through already", hint: "ask again in a moment"
            )
        }
        defer { isBusy.withLock { $0 = false } }
        return try body(inspector)
    }
}

extension Inspection {
    /// When the journal was looked through last, by this service, and how much was wrong.
    var verified: (at: Timestamp, findings: Int)? { verification.withLock { $0 } }

    func verify(at now: Timestamp) throws(RenError) -> JSON {
        let found = try run { inspector throws(RenError) in try inspector.verify() }
        verification.withLock { $0 = (now, Int(found["finding_count"]?.integerValue ?? 0)) }
        return found
    }
}

/// The journal as a whole: whether it is intact, and what takes its room.
extension Backend {
    var inspectionRoutes: [Route] {
        guard let inspection else { return [] }
        return [
            Route(
                .post, "/api/v1/journal:verify", "Reads every event, payload and artifact, and checks all hashes",
                answers: [.json(.ok, "what was found; intact without findings", .ref("Verification"))], problems: [409],
                isLong: true
            ) { _ in
                .json(try inspection.verify(at: self.engine.now()).objectValue ?? [:])
            },
            Route(
                .get, "/api/v1/journal/stats", "What takes how much room: by flow, run, node, type and day",
                answers: [.json(.ok, "events and bytes, the largest first", .ref("Statistics"))], problems: [409],
                isLong: true
            ) { _ in
                .json(
                    try inspection.run { inspector throws(RenError) in try inspector.statistics() }.objectValue ?? [:])
            },
            Route(
                .get, "/api/v1/doctor", "Looks whether everything that ren needs is in order, as ren doctor does",
                answers: [.json(.ok, "what was looked at, and what to do", .ref("Diagnosis"))], problems: [409],
                isLong: true
            ) { _ in
                .json(try inspection.run { inspector throws(RenError) in try inspector.diagnosis() }.objectValue ?? [:])
            },
        ]
    }

    static let inspectionSchemas: [String: JSON] = {
        let names: JSON = ["type": ["array", "null"], "items": ["type": "string"]]
        func rows(_ members: JSONObject) -> JSON {
            var all = members
            all["events"] = .count
            all["bytes"] = .count
            return .list(of: .answer(all))
        }
        let verification: JSON = .answer([
            "events": .count, "bytes": .count, "runs": .count, "artifacts": .count, "pruned_payloads": .count,
            "pruned_events": .count, "anchors": .count, "projection_rows": .countOrNull, "head": .count,
            "head_hash": .hash, "milliseconds": .count, "finding_count": .count,
            "findings": .list(
                of: .answer([
                    "sequence": .countOrNull, "run": .countOrNull, "version": .countOrNull,
                    "what": .text("is wrong"),
                ])),
            "first_bad": .countOrNull, "touched_runs": names, "untouched_runs": names, "untouched_count": .countOrNull,
        ])
        let statistics: JSON = .answer([
            "read": .text("how the journal was read"), "head": .count, "head_hash": .hash, "events": .count,
            "bytes": .count, "damaged": .count,
            "file": .answer([
                "bytes": .count, "free_bytes": .count, "free_pages": .count, "page_bytes": .count,
                "map_bytes": .count, "disk_free_bytes": .countOrNull,
            ]),
            "readers": .list(of: .answer(["process": .count, "commits_behind": .count])),
            "flows": rows(["flow": .text("its name; empty: events of no run"), "runs": .count]),
            "runs": rows(["run": .text("its id"), "flow": .text("its name")]),
            "nodes": rows(["flow": .text("its name"), "node": .text("its name")]),
            "types": rows(["type": .text("of the events")]), "days": rows(["day": .text("in UTC")]),
        ])
        let check: JSON = .answer([
            "name": .text("of what was looked at"), "state": .oneOf(["ok", "warning", "broken"]),
            "text": .text("what was found"), "fix": .textOrNull("what to do"),
        ])
        return [
            "Verification": verification, "Statistics": statistics,
            "Diagnosis": .answer(["ok": .flag, "checks": .list(of: check)]),
        ]
    }()
}
