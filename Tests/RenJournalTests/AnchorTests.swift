import RenCore
import RenTestKit
import Testing

@testable import RenJournal

@Suite("Anchors")
struct AnchorTests {
    private static let hash = String(repeating: "0a", count: 32)

    @Test(
        "An anchor is SEQUENCE:HASH or a hash of at least 16 digits",
        arguments: [
            ("12:\(hash)", true), (hash, true), (hash.uppercased(), true), (String(hash.prefix(16)), true),
            ("1:" + hash.prefix(16), true), (String(hash.prefix(15)), false), ("0:\(hash)", false),
            ("-1:\(hash)", false), (":\(hash)", false), ("1:2:\(hash)", false), (hash + "0", false), ("", false),
            ("anchors.jsonl", false), (String(repeating: "٣", count: 20), false),
        ] as [(String, Bool)])
    func syntax(_ text: String, _ isAnchor: Bool) { #expect((Anchor(text) != nil) == isAnchor) }

    /// A journal of several runs, and the same events without the last `cut`, or with another in the middle.
    private static func journal(cut: Int = 0, otherAt place: Int? = nil) throws -> StoreJournal {
        let journal = MemoryJournal.make()
        var history = RandomHistory(seed: 12)
        for number in 0..<(80 - cut) {
            var batch = history.next { journal.reserveRun() }
            if number == place { batch.events[0].by = "somebody else" }
            try journal.appendAndWait(batch.events, to: batch.run, after: batch.after)
        }
        return journal
    }

    private static func findings(_ journal: StoreJournal, _ anchors: [Anchor]) throws -> [String] {
        let report = try Verifier(journal, anchors: anchors).run()
        #expect(report.anchors == Set(anchors).count)
        return report.findings.map(\.what)
    }

    @Test("Every G and R of the journal is held, with or without its sequence, also cut to 16 digits")
    func held() throws {
        let journal = try Self.journal()
        let events = try journal.read { view throws(RenError) in try view.records(from: JournalSequence(1)) }
        let texts = events.flatMap { event in
            [event.journalHash, event.runHash].flatMap { hash in
                ["\(hash)", "\(event.sequence):\(hash)", String("\(hash)".prefix(16))]
            }
        }
        #expect(try Self.findings(journal, texts.compactMap { Anchor($0) }) == [])
        let wrong = events.indices.dropFirst().prefix(20).compactMap { index in
            Anchor("\(events[index].sequence):\(events[index - 1].journalHash)")
        }
        #expect(try Self.findings(journal, wrong).count == 20)
    }

    @Test("A line of a file holds the journal's head and those of all runs, and comes back")
    func line() throws {
        let journal = try Self.journal()
        let line = try #require(try journal.anchorLine())
        let anchors = try #require(Anchor.anchors(inLine: line))
        let runs = try journal.read { view throws(RenError) in try view.runs(limit: .max).count }
        #expect(anchors.count == runs + 1 && runs > 3 && !line.contains("\n"))
        #expect(try Self.findings(journal, anchors) == [])
        #expect(try MemoryJournal.make().anchorLine() == nil)
        for other in ["", "{}", "[]", line.dropLast() + ",", line.replacing("anchor/1", with: "anchor/2")] {
            #expect(Anchor.anchors(inLine: String(other)) == nil)
        }
    }

    @Test("A tail that was cut off, and a journal built anew, are whole in themselves and found by any anchor")
    func cutAndRebuilt() throws {
        let whole = try Self.journal()
        let head = try whole.read { view throws(RenError) in try view.head() }
        let line = try #require(try whole.anchorLine())
        for other in [try Self.journal(cut: 1), try Self.journal(cut: 40), try Self.journal(otherAt: 3)] {
            #expect(try Verifier(other).run().isClean)
            #expect(try !Self.findings(other, Anchor.anchors(inLine: line) ?? []).isEmpty)
            let texts = ["\(head.hash)", "\(head.sequence):\(head.hash)"]
            for text in texts { #expect(try Self.findings(other, [Anchor(text)].compactMap { $0 }).count == 1) }
        }
        let cut = try Self.findings(
            try Self.journal(cut: 1), [Anchor("\(head.sequence):\(head.hash)")].compactMap { $0 })
        #expect(cut.first?.contains("ends before the anchor") == true)
    }
}
