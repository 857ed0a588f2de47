import HTTPTypes
import Ren
import RenCore
import RenJSON
import RenJournal

/// Where a run came from, and what came from it.
extension Backend {
    var lineageRoute: Route {
        Route(
            .get, "/api/v1/runs/{run}/lineage",
            "The run that this one was forked from, and those that were forked from it",
            answers: [.json(.ok, "both directions", .ref("Lineage"))], isLong: true
        ) { call in
            let row = try self.run(call.capture("run"))
            let (parent, forks) = try self.journal.read { view throws(RenError) in
                (try view.lineage(of: row.number).forks.last, try view.forks(of: row.number))
            }
            return .json([
                "parent": try parent.map { try self.json($0.fork) } ?? .null,
                "forks": .array(try forks.compactMap { try self.json(fork: $0) }),
            ])
        }
    }

    /// A fork's parent, with the event up to which they are one.
    private func json(_ fork: Fork) throws(RenError) -> JSON {
        try journal.read { view throws(RenError) in
            let number = try view.runNumber(id: fork.parent)
            let at = try number.flatMap { number throws(RenError) in try view.sequence(of: number, fork.version) }
            return [
                "run": .string(fork.parent), "version": JSON(fork.version.rawValue), "sequence": JSON(at?.rawValue),
            ]
        }
    }

    /// A run that was forked, with its own first event; nil for one that is gone.
    private func json(fork number: RunNumber) throws(RenError) -> JSON? {
        try journal.read { view throws(RenError) in
            guard let row = try view.run(number), let own = try view.lineage(of: number).forks.last else { return nil }
            return [
                "run": .string(row.id), "version": JSON(own.fork.version.rawValue),
                "sequence": JSON(try view.sequence(of: number, own.fork.version)?.rawValue),
                "status": .string(row.shownStatus), "created": JSON(row.created),
            ]
        }
    }

    static let lineageSchemas: [String: JSON] = {
        let place: JSONObject = [
            "run": .text("its id"),
            "version": ["type": "integer", "minimum": 0, "description": "the last event that both have, in the run"],
            "sequence": ["type": ["integer", "null"], "description": "of that event"],
        ]
        var fork = place
        fork["status"] = .oneOf(RunStatus.allCases.map(\.name) + ["waiting"])
        fork["created"] = .time
        return [
            "Lineage": .answer([
                "parent": ["anyOf": [.answer(place), ["type": "null"]]], "forks": .list(of: .answer(fork)),
            ])
        ]
    }()
}
