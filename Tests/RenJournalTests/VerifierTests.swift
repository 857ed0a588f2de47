import Foundation
import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Verification")
struct VerifierTests {
    /// A small journal with inline and chunked payloads, deleted checkpoints, and two runs whose events alternate.
    private func fill(_ journal: some Journal) throws {
        var histories = ["a", "b"].map { HistoryBuilder($0) }
        let runs = histories.map { _ in journal.reserveRun() }
        for index in histories.indices { histories[index].create() }
        for step in 0..<4 {
            for index in histories.indices {
                histories[index].start(.node(step))
                histories[index].add(
                    .checkpointed, .node(step), payload: [UInt8](repeating: 50, count: 2_000))
                histories[index].succeed(.node(step), [UInt8](repeating: 49, count: step % 2 == 0 ? 150 : 70_000))
                let batch = histories[index].take()
                try journal.appendAndWait(batch.events, to: runs[index], after: batch.after)
            }
        }
    }

    @Test("A journal of any history is clean", arguments: 31...36 as ClosedRange<UInt64>)
    func cleanJournal(_ seed: UInt64) throws {
        let journal = MemoryJournal.make()
        var history = RandomHistory(seed: seed)
        for _ in 0..<400 {
            let batch = history.next { journal.reserveRun() }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        let report = try Verifier(journal).run()
        #expect(report.findings == [], "seed \(seed)")
        #expect(report.events == Int(report.head.sequence.rawValue))
    }

    @Test("An empty journal is clean")
    func emptyJournal() throws {
        let report = try Verifier(MemoryJournal.make()).run()
        #expect(report.isClean && report.events == 0)
    }

    @Test("Any flipped bit of any record or payload is named with its sequence", .tags(.slow))
    func flippedBits() throws {
        let memory = try OpenedMemory()
        try fill(memory.journal)
        #expect(try Verifier(memory.journal).run().isClean)
        var random = SeededRandom(seed: 5)
        for row in try Tables([.events, .payloads], of: memory.journal).rows {
            let sequence = row.key.withUnsafeBytes { JournalSequence(rawValue: $0.load(UInt64.self, at: 0)) }
            // Every byte of small rows, a sample of large ones.
            let places =
                row.value.count < 500 ? Array(row.value.indices) : (0..<100).map { _ in random.below(row.value.count) }
            for place in places {
                var changed = row.value
                changed[place] ^= 1 << UInt8(random.below(8))
                try memory.put(changed, for: row.key, in: row.table)
                let report = try Verifier(memory.journal).run()
                #expect(report.findings.first?.sequence == sequence, "byte \(place) of \(row.table) \(sequence)")
            }
            try memory.put(row.value, for: row.key, in: row.table)
        }
        #expect(try Verifier(memory.journal).run().isClean)
    }

    @Test("A flipped bit in a key, and a row that is gone, show at the sequence they leave")
    func flippedKeys() throws {
        let memory = try OpenedMemory()
        try fill(memory.journal)
        for row in try Tables([.events, .payloads], of: memory.journal).rows {
            let sequence = row.key.withUnsafeBytes { JournalSequence(rawValue: $0.load(UInt64.self, at: 0)) }
            try memory.delete(row.key, in: row.table)
            let gone = try Verifier(memory.journal).run()
            #expect(gone.findings.map(\.sequence).contains(sequence), "\(row.table) \(sequence) is gone")
            for bit in 0..<row.key.count * 8 {
                var key = row.key
                key[bit / 8] ^= 1 << UInt8(bit % 8)
                let other = try Tables([row.table], of: memory.journal).rows.first { $0.key == key }
                try memory.put(row.value, for: key, in: row.table)
                let report = try Verifier(memory.journal).run()
                #expect(report.findings.map(\.sequence).contains(sequence), "\(row.table) \(sequence), bit \(bit)")
                try memory.delete(key, in: row.table)
                if let other { try memory.put(other.value, for: other.key, in: row.table) }
            }
            try memory.put(row.value, for: row.key, in: row.table)
        }
        #expect(try Verifier(memory.journal).run().isClean)
    }

    @Test("A history row that leads astray, or one too many, is found")
    func historyRows() throws {
        let memory = try OpenedMemory()
        try fill(memory.journal)
        let rows = try Tables([.history], of: memory.journal).rows
        for row in rows {
            try memory.delete(row.key, in: .history)
            #expect(try !Verifier(memory.journal).run().isClean)
            var changed = row.value
            changed[7] ^= 1
            try memory.put(changed, for: row.key, in: .history)
            #expect(try !Verifier(memory.journal).run().isClean)
            try memory.put(row.value, for: row.key, in: .history)
        }
        var extra = rows[0].key
        extra[15] = 200
        try memory.put(rows[0].value, for: extra, in: .history)
        #expect(try !Verifier(memory.journal).run().isClean)
    }

    @Test("An event put in the place of another, with right checksum, breaks the chains")
    func forgedEvent() throws {
        let memory = try OpenedMemory()
        try fill(memory.journal)
        let sequence = JournalSequence(6)
        let (event, run, version, runHash, journalHash) = try memory.journal.read { view throws(RenError) in
            guard let found = try view.record(at: sequence) else { throw .damaged(sequence, "missing") }
            return (found.event, found.run, found.version, found.runHash, found.journalHash)
        }
        var forged = event
        forged.time = forged.time + .nanoseconds(1)
        var bytes: [UInt8] = []
        var scratch: [UInt8] = []
        _ = RecordCodec.append(forged, run: run, version: version, to: &bytes, scratch: &scratch)
        RecordCodec.seal(&bytes, at: sequence, runHash: runHash, journalHash: journalHash)
        try memory.change { transaction throws(RenError) in
            try transaction.put(bytes, for: Key(sequence), in: .events)
        }
        let report = try Verifier(memory.journal).run()
        #expect(report.findings.first?.sequence == sequence)
        #expect(report.findings.first?.run == run)
    }

    /// A journal with a parent of 9 events, its fork at version 5, and a fork of that.
    private func fillForks(_ journal: some Journal) throws -> (fork: JournalSequence, deeper: JournalSequence) {
        func hash(_ run: RunNumber, _ version: RunVersion) throws -> Digest {
            let found = try journal.read { view throws(RenError) in try view.recorded(run, version)?.runHash }
            return try #require(found)
        }
        func append(_ history: inout HistoryBuilder, _ run: RunNumber) throws -> Receipt {
            let batch = history.take()
            return try journal.appendAndWait(batch.events, to: run, after: batch.after)
        }
        var parent = HistoryBuilder("parent")
        let runs = (0..<3).map { _ in journal.reserveRun() }
        parent.create()
        for node in 0..<4 {
            parent.start(.node(node))
            parent.succeed(.node(node))
        }
        _ = try append(&parent, runs[0])
        var fork = parent.fork("fork", at: RunVersion(5), hash: try hash(runs[0], RunVersion(5)))
        let first = try append(&fork, runs[1]).last
        try journal.appendAndWait([], to: runs[1], after: Batch.anyVersion)
        fork.start(.node(2))
        _ = try append(&fork, runs[1])
        var deeper = fork.fork("deeper", at: RunVersion(6), hash: try hash(runs[1], RunVersion(6)))
        let second = try append(&deeper, runs[2]).last
        try journal.appendAndWait([], to: runs[2], after: Batch.anyVersion)
        deeper.start(.node(3))
        _ = try append(&deeper, runs[2])
        return (first, second)
    }

    /// What is done to a fork's link to its parent.
    struct ForkTampering: CustomStringConvertible, Sendable {
        let description: String
        let change: @Sendable (inout Fork) -> Void
    }

    @Test(
        "A fork that is linked to something else than its past is found, though all chains are made anew",
        arguments: [
            ForkTampering(description: "another parent") { $0.parent = "deeper" },
            ForkTampering(description: "no parent") { $0.parent = "nobody" },
            ForkTampering(description: "another version") { $0.version = RunVersion($0.version.rawValue == 5 ? 4 : 5) },
            ForkTampering(description: "another hash") { $0.hash = Digest(hashing: [7]) },
        ], [true, false])
    func forgedFork(_ tampering: ForkTampering, isDeeper: Bool) throws {
        let memory = try OpenedMemory()
        let forks = try fillForks(memory.journal)
        #expect(try Verifier(memory.journal).run().isClean)
        let place = isDeeper ? forks.deeper : forks.fork
        try rechain(memory) { sequence, fork in if sequence == place { tampering.change(&fork) } }
        #expect(try Verifier(memory.journal).run().findings.first?.sequence == place)
    }

    @Test("A fork's past that is changed is found there, and one whose records are gone where they are missing")
    func changedPast() throws {
        let memory = try OpenedMemory()
        _ = try fillForks(memory.journal)
        for row in try Tables([.events], of: memory.journal).rows {
            let sequence = row.key.withUnsafeBytes { JournalSequence(rawValue: $0.load(UInt64.self, at: 0)) }
            try memory.delete(row.key, in: .events)
            #expect(try Verifier(memory.journal).run().findings.first?.sequence == sequence)
            var changed = row.value
            changed[changed.count / 2] ^= 4
            try memory.put(changed, for: row.key, in: .events)
            let report = try Verifier(memory.journal).run()
            #expect(report.findings.first?.sequence == sequence)
            try memory.put(row.value, for: row.key, in: .events)
        }
        #expect(try Verifier(memory.journal).run().isClean)
    }

    /// Writes all events again with chains that fit, as someone would who wants to hide a change.
    private func rechain(
        _ memory: OpenedMemory, _ change: (JournalSequence, inout Fork) -> Void
    ) throws {
        var runs: [RunNumber: Digest] = [:]
        var journalHash = Digest.zero
        let records = try memory.journal.read { view throws(RenError) in
            var records: [(RecordedEvent, [UInt8]?)] = []
            for record in try view.records(from: JournalSequence(1)) {
                records.append((record, record.event.payload == nil ? nil : try view.payload(at: record.sequence)))
            }
            return records
        }
        for (record, payload) in records {
            var event = record.event
            event.payload?.bytes = payload
            var start = runs[record.run] ?? .zero
            switch event.fact {
            case .runCreated(let creation): start = .chainStart(ofRun: creation.id)
            case .runForked(var fork):
                change(record.sequence, &fork)
                event.fact = .runForked(fork)
                start = fork.hash
            default: break
            }
            var bytes: [UInt8] = []
            var scratch: [UInt8] = []
            let unsealed = RecordCodec.append(
                event, run: record.run, version: record.version, to: &bytes, scratch: &scratch)
            let runHash = start.chained(with: unsealed.digest)
            journalHash = journalHash.chained(with: runHash)
            runs[record.run] = runHash
            RecordCodec.seal(&bytes, at: record.sequence, runHash: runHash, journalHash: journalHash)
            let sealed = bytes
            try memory.change { transaction throws(RenError) in
                try transaction.put(sealed, for: Key(record.sequence), in: .events)
            }
        }
        let hash = journalHash
        try memory.change { transaction throws(RenError) in
            var state = try JournalState.load(from: transaction)
            state.hash = hash
            try state.store(in: transaction)
        }
    }

    /// Where the reference to an artifact stands in a payload.
    enum Reference: CaseIterable {
        case alone, nested, spaced, inChunks, betweenChunks

        func payload(_ hash: String) -> [UInt8] {
            switch self {
            case .alone: Array(#"{"artifact":"sha256:\#(hash)","name":"a","bytes":5}"#.utf8)
            case .nested: Array(#"{"a":[1,{"b":{"artifact":"sha256:\#(hash)"}}]}"#.utf8)
            case .spaced: Array(#"{"name":"a", "artifact" : "sha256:\#(hash)" }"#.utf8)
            case .inChunks: padded(hash, before: 100_000)
            case .betweenChunks: padded(hash, before: RecordCodec.chunkBytes - 40)
            }
        }

        private func padded(_ hash: String, before count: Int) -> [UInt8] {
            Array("{\"pad\":\"\(String(repeating: "x", count: count - 8))\",\"artifact\":\"sha256:\(hash)\"}".utf8)
        }
    }

    @Test("An artifact that is changed, gone or not a file is named with the event", arguments: Reference.allCases)
    func artifacts(_ reference: Reference) throws {
        let directory = try TestDirectory()
        let content = Array("hello".utf8)
        let path = directory.data.artifacts + "/\(Digest(hashing: content))"
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create(input: #"{"text":"\"artifact\":\"sha256:\#(String(repeating: "0", count: 64))\""}"#)
        history.start(.node(0))
        history.succeed(.node(0), reference.payload("\(Digest(hashing: content))"))
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        func found() throws -> [String] {
            let report = try Verifier(journal, artifacts: directory.data.artifacts).run()
            #expect(report.artifacts == 1)
            return report.findings.map {
                "\($0.sequence) \($0.what.split(separator: " ").dropFirst(3).joined(separator: " "))"
            }
        }
        #expect(try found() == ["3 is missing"])
        try Data(content).write(to: URL(fileURLWithPath: path))
        #expect(try found() == [])
        for (place, byte) in content.enumerated() {
            var changed = content
            changed[place] = byte ^ 1
            try Data(changed).write(to: URL(fileURLWithPath: path))
            #expect(try found() == ["3 has another content"])
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try found().first?.hasPrefix("3 cannot be read") == true)
        #expect(try Verifier(journal).run().isClean, "without a folder they are not looked at")
    }

    @Test("Time that goes back within a run is found")
    func timeGoesBack() throws {
        let journal = MemoryJournal.make()
        var history = HistoryBuilder("a")
        history.create()
        history.start(.node(0))
        history.time = Timestamp(nanoseconds: 5)
        history.succeed(.node(0))
        try journal.appendAndWait(history.take().events, to: journal.reserveRun(), after: .none)
        #expect(try Verifier(journal).run().findings.map(\.sequence.rawValue) == [3])
    }

    @Test(
        "A bit flipped in the file of a copied journal is named", .tags(.slow),
        arguments: 41...46 as ClosedRange<UInt64>)
    func flippedFile(_ seed: UInt64) throws {
        let directory = try TestDirectory()
        var journal: StoreJournal? = try directory.open()
        var rows: [Tables.Row] = []
        if let journal {
            var history = RandomHistory(seed: seed)
            for _ in 0..<100 {
                let batch = history.next { journal.reserveRun() }
                try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
            }
            rows = try Tables([.events], of: journal).rows
            journal.close()
        }
        journal = nil
        let path = directory.data.journal + "/data.mdb"
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let row = rows[random.below(rows.count)]
            // A record over the inline limit is split by page headers nowhere: overflow pages are one stretch.
            var damaged = whole
            var start = damaged.startIndex
            let bit = random.below(row.value.count * 8)
            while let found = damaged.range(of: Data(row.value), in: start..<damaged.endIndex) {
                damaged[found.lowerBound + bit / 8] ^= 1 << UInt8(bit % 8)
                start = found.upperBound
            }
            #expect(start > damaged.startIndex)
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.write(contentsOf: damaged)
            try handle.close()
            let reader = try JournalReader(directory: directory.data.journal, lockIsFree: true)
            let sequence = row.key.withUnsafeBytes { JournalSequence(rawValue: $0.load(UInt64.self, at: 0)) }
            let report = try Verifier(reader).run()
            #expect(report.findings.first?.sequence == sequence, "seed \(seed), bit \(bit) of \(sequence)")
        }
    }
}

extension Tag {
    @Tag static var slow: Self
}
