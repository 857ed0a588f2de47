import RenCore
import RenJournal

extension JournalConformance {
    static func forks(_ journal: any Journal) async throws -> Problems {
        var problems: Problems = []
        var parent = HistoryBuilder("parent")
        let run = journal.reserveRun()
        parent.create()
        parent.start(.node(0))
        let result = parent.succeed(.node(0), Array("\"of the parent\"".utf8))
        parent.start(.node(1))
        let first = try await journal.append(parent.take().events, to: run, after: .none)
        let hash = try journal.read { view throws(RenError) in try view.recorded(run, result)?.runHash }
        guard let hash else { return ["the parent's result is not there"] }
        var fork = parent.fork("fork", at: result, hash: hash)
        let number = journal.reserveRun()
        let birth = fork.take()
        let born = try await journal.append(birth.events, to: number, after: birth.after)
        problems.expect(born.version == result.next, "the fork begins with version \(born.version)")
        problems.expect(born.first == first.last.next, "something of the past was written again")
        fork.start(.node(1))
        let next = fork.take()
        try await journal.append(next.events, to: number, after: next.after)
        try await journal.waitUntilPrepared(number)
        try await journal.waitUntilPrepared(run)
        try journal.read { view throws(RenError) in
            let versions = try view.page(of: number, after: .none).map(\.version.rawValue)
            problems.expect(versions == [1, 2, 3, 4, 5], "the fork has the versions \(versions)")
            problems.expect(
                try view.payload(number, result) == view.payload(run, result), "the parent's result is not the fork's")
            let states = try view.nodes(of: number).map(\.row.state)
            problems.expect(states == [.succeeded, .running], "its nodes are \(states)")
            problems.expect(try view.run(number)?.parent == run, "it does not know its parent")
            problems.expect(try view.forks(of: run) == [number], "its parent does not know it")
        }
        problems.expectError("version.conflict") {
            let other = parent.fork("other", at: result, hash: Digest(hashing: []))
            try journal.appendAndWait(other.events, to: journal.reserveRun(), after: result)
        }
        return problems
    }
}
