import Foundation
import LMDB
import RenCore
import RenTestKit
import Testing

@testable import RenJournal

/// Somebody who knows the format changes a journal behind ren's back. What was tried, and what finds it:
///
/// | what is done | checksums made right | found by |
/// |---|---|---|
/// | a bit of any record, payload chunk or projection row is flipped | no | verify, with `--projections` for rows |
/// | a bit of any key | – | verify, with `--projections` for rows |
/// | a row of any table is deleted, or another is put beside it | – | verify, with `--projections` for rows |
/// | two records, or two chunks, change places | no | verify |
/// | two records change places | CRC | verify: the chains |
/// | the body of an event is changed | CRC | verify: the run's chain |
/// | a payload and its hash are changed | hash and CRC | verify: the run's chain |
/// | an event is moved to another run | CRC | verify: the chains |
/// | an event, a payload is "pruned" | all | verify: nothing announced it |
/// | an event is changed, and R and G of it and of all behind it | all | an anchor |
/// | the tail is cut off and the head moved back | all | an anchor |
/// | the whole journal is written anew without one event | all | an anchor |
///
/// `REN_TAMPER=10000` tries so many random bits instead of 300.
@Suite("Tampering", .tags(.slow))
struct TamperingTests {
    private static let tries = ProcessInfo.processInfo.environment["REN_TAMPER"].flatMap { Int($0) } ?? 300
    private static let now = Timestamp(nanoseconds: 1_780_000_000_000_000_000)

    /// Every kind of record: whole, pruned, in chunks.
    private static func journal(seed: UInt64, batches: Int = 120, prunes: Bool = true) throws -> OpenedMemory {
        let memory = try OpenedMemory()
        var history = RandomHistory(seed: seed, items: 8)
        for _ in 0..<batches {
            let batch = history.next { memory.journal.reserveRun() }
            try memory.journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        guard prunes else { return memory }
        for id in ["small", "gone"] {
            var short = HistoryBuilder(id)
            short.create()
            short.start(.node(0))
            short.succeed(.node(0), Array("\"a result\"".utf8))
            short.add(.runSucceeded, payload: Array("1".utf8))
            try memory.journal.appendAndWait(
                short.take().events, to: memory.journal.reserveRun(), after: .none)
        }
        for (step, id) in [(Pruning.Step.payloads, "small"), (.histories, "gone")] {
            let row = try memory.journal.read { view throws(RenError) in try view.findRun(id) }
            let run = Pruning.Run(id: id, first: row.first, last: row.last, events: Int(row.version.rawValue))
            try memory.journal.prune(Pruning(step: step, runs: [run], rule: "by a test"), at: now, by: nil)
        }
        return memory
    }

    private static func anchors(_ memory: OpenedMemory) throws -> [Anchor] {
        try #require(Anchor.anchors(inLine: memory.journal.anchorLine() ?? ""))
    }

    private static func isFound(_ memory: OpenedMemory, _ anchors: [Anchor] = []) throws -> Bool {
        do throws(RenError) {
            return try !Verifier(memory.journal, anchors: anchors, scratch: MemoryStore()).run().isClean
        } catch {
            // A journal whose state cannot be read is not opened at all.
            #expect(error.code == .journalDamaged)
            return true
        }
    }

    @Test("Every flipped bit of a record, a payload, a projection or a key is found")
    func bits() throws {
        let memory = try Self.journal(seed: 1)
        #expect(try !Self.isFound(memory))
        var random = SeededRandom(seed: 2)
        let tables: [StoreTable] = [.events, .payloads] + StoreTable.derived
        // Each table has its share, however small it is.
        let rows = try tables.map { try Tables([$0], of: memory.journal).rows }.filter { !$0.isEmpty }
        for number in 0..<Self.tries {
            let table = rows[random.below(rows.count)]
            let row = table[random.below(table.count)]
            let isKey = row.value.isEmpty || random.oneIn(6)
            var (key, value) = (row.key, row.value)
            if isKey {
                key[random.below(key.count)] ^= 1 << UInt8(random.below(8))
            } else {
                value[random.below(value.count)] ^= 1 << UInt8(random.below(8))
            }
            let other = table.first { $0.key == key && $0.key != row.key }
            try memory.delete(row.key, in: row.table)
            try memory.put(value, for: key, in: row.table)
            #expect(try Self.isFound(memory), "try \(number): \(row.table) \(row.key) → \(key)")
            try memory.delete(key, in: row.table)
            try memory.put(row.value, for: row.key, in: row.table)
            if let other { try memory.put(other.value, for: other.key, in: other.table) }
        }
        #expect(try !Self.isFound(memory))
    }

    @Test("Rows that are gone, doubled or exchanged are found")
    func rows() throws {
        let memory = try Self.journal(seed: 3)
        var random = SeededRandom(seed: 4)
        for table in [.events, .payloads] + StoreTable.derived {
            let rows = try Tables([table], of: memory.journal).rows
            for _ in 0..<min(rows.count, max(3, Self.tries / 60)) {
                let (first, second) = (rows[random.below(rows.count)], rows[random.below(rows.count)])
                try memory.delete(first.key, in: table)
                #expect(try Self.isFound(memory), "\(table) without \(first.key)")
                try memory.put(first.value, for: first.key, in: table)
                guard first.value != second.value else { continue }
                try memory.put(second.value, for: first.key, in: table)
                #expect(try Self.isFound(memory), "\(table) \(first.key) doubles \(second.key)")
                try memory.put(first.value, for: second.key, in: table)
                #expect(try Self.isFound(memory), "\(table) \(first.key) and \(second.key)")
                try memory.put(first.value, for: first.key, in: table)
                try memory.put(second.value, for: second.key, in: table)
            }
        }
        #expect(try !Self.isFound(memory))
    }

    /// A change of one event that leaves its checksum right.
    enum Forgery: CaseIterable {
        case time, body, payload, run, exchanged, bare, stub
    }

    @Test("An event that was forged with the right checksum is found", arguments: Forgery.allCases)
    func forged(_ forgery: Forgery) throws {
        let memory = try Self.journal(seed: 5)
        var random = SeededRandom(seed: 6)
        let events = try memory.journal.read { view throws(RenError) in
            try view.records(from: JournalSequence(1)).filter { $0.type != .eventPruned }
        }
        var tried = 0
        while tried < max(5, Self.tries / 30) {
            let event = events[random.below(events.count)]
            let other = events[random.below(events.count)]
            let before = try Tables([.events], of: memory.journal).rows[Int(event.sequence.rawValue) - 1]
            let form = try memory.journal.read { view throws(RenError) in
                try view.withRecord(at: event.sequence) { $0.form }
            }
            guard event.run != .journal, event.sequence != other.sequence, form == .whole else { continue }
            var forged = event.event
            var run = event.run
            switch forgery {
            case .time: forged.time = forged.time + .nanoseconds(1)
            case .body: forged.by = "nobody"
            case .payload:
                guard let payload = forged.payload, payload.length <= 200 else { continue }
                forged.payload = PayloadMark(
                    Payload(hashing: [UInt8](repeating: UInt8(ascii: "1"), count: payload.length + 1)))
            case .run: run = other.run
            case .exchanged: (forged, run) = (other.event, other.run)
            case .bare: try memory.shorten(event.sequence, to: .bare)
            case .stub: try memory.shorten(event.sequence, to: .stub)
            }
            if ![.bare, .stub].contains(forgery) {
                guard run != event.run || forgery != .run, forged.previous < event.version,
                    forged.cause < event.version
                else { continue }
                if forged.payload?.bytes == nil, let payload = forged.payload {
                    guard payload.length <= RecordCodec.inlinePayloadMax else { continue }
                    let bytes = try memory.journal.read { view throws(RenError) in
                        try view.payload(at: forgery == .exchanged ? other.sequence : event.sequence)
                    }
                    forged.payload = PayloadMark(Payload(hashing: bytes))
                }
                var bytes: [UInt8] = []
                var scratch: [UInt8] = []
                _ = RecordCodec.append(forged, run: run, version: event.version, to: &bytes, scratch: &scratch)
                RecordCodec.seal(
                    &bytes, at: event.sequence, runHash: event.runHash, journalHash: event.journalHash)
                try memory.put(bytes, for: before.key, in: .events)
            }
            #expect(try Self.isFound(memory), "\(forgery) at \(event.sequence)")
            if [.time, .body, .payload].contains(forgery) {
                #expect(try Self.chainProblem(memory, at: event.sequence) != nil, "looked at alone")
            }
            try memory.put(before.value, for: before.key, in: .events)
            tried += 1
        }
        #expect(try !Self.isFound(memory))
        let all = try memory.journal.read { view throws(RenError) in try view.head().sequence.rawValue }
        for sequence in 1...all { #expect(try Self.chainProblem(memory, at: JournalSequence(sequence)) == nil) }
    }

    private static func chainProblem(_ memory: OpenedMemory, at sequence: JournalSequence) throws -> String? {
        try memory.journal.read { view throws(RenError) in try view.chainProblem(at: sequence) }
    }

    @Test("A tail that was cut off is found by an anchor alone", arguments: [1, 2, 7, 60])
    func cutTail(_ count: Int) throws {
        let memory = try Self.journal(seed: 7, prunes: false)
        let anchors = try Self.anchors(memory)
        let rows = try Tables([.events], of: memory.journal).rows
        try memory.change { transaction throws(RenError) in
            for row in rows.suffix(count) {
                try transaction.delete(prefix: Key(bytes: row.key), in: .events)
                try transaction.delete(prefix: Key(bytes: row.key), in: .payloads)
            }
        }
        // As a start with --rebuild would find it.
        let cut = try OpenedMemory(memory.store)
        try cut.journal.rebuildProjections()
        #expect(try !Self.isFound(cut), "whole in itself")
        #expect(try Self.isFound(cut, anchors))
        #expect(try Self.isFound(cut, [anchors[0]]), "the journal's head alone")
    }

    @Test("A chain that was built anew is found by an anchor alone", arguments: [0.0, 0.5, 0.99])
    func rebuiltChain(_ place: Double) throws {
        let memory = try Self.journal(seed: 8, prunes: false)
        let anchors = try Self.anchors(memory)
        let events = try memory.journal.read { view throws(RenError) in try view.records(from: JournalSequence(1)) }
        let changed = Int(Double(events.count) * place)
        let anew = try OpenedMemory()
        for (index, event) in events.enumerated() {
            var copy = event.event
            copy.request?.events = 1
            if copy.payload != nil {
                let bytes = try memory.journal.read { view throws(RenError) -> [UInt8]? in
                    do { return try view.payload(at: event.sequence) } catch { return nil }  // a replaced checkpoint's
                }
                copy.payload = PayloadMark(Payload(hashing: bytes ?? Array("null".utf8)))
            }
            if index == changed { copy.time = copy.time + .nanoseconds(1) }
            try anew.journal.appendAndWait([copy], to: event.run, after: Batch.anyVersion)
        }
        #expect(try !Self.isFound(anew), "whole in itself")
        #expect(try Self.isFound(anew, anchors))
        let runs = anchors.dropFirst().filter { anchor in (try? Self.isFound(anew, [anchor])) == true }
        #expect(!runs.isEmpty, "the run that was changed")
    }
}
