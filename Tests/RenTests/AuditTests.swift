import Ren
import RenCore
import RenJSON
import RenJournal
import RenTestKit
import Testing

@Suite("Audit")
struct AuditTests {
    private static let set = Digest(hashing: [9])
    private static let code = Array("def f(): ...".utf8)

    private static func story() throws -> (Story, HistoryBuilder) {
        let story = try Story("a: {function: f}\nx: {function: f, after: [a]}")
        let file = FunctionFile(set: set, index: 0, count: 1, path: "/nowhere/f.py", signatures: [])
        let recorded = Event(
            .functionsRecorded(file), .run, at: Timestamp(nanoseconds: 2), payload: PayloadMark(Payload(hashing: code)))
        try story.journal.appendAndWait([recorded], to: .journal, after: Batch.anyVersion)
        var history = HistoryBuilder("r")
        let creation = RunCreation(id: "r", flow: story.hash, flowName: "told", functions: set)
        history.add(.runCreated(creation), by: "cli", payload: Array("{}".utf8))
        history.add(.runPauseRequested(now: false, reason: "lunch"), by: "anna")
        history.add(.runPaused)
        history.add(.runResumed(reason: nil), by: "http:ben")
        history.add(.started(AttemptStart(input: Digest(hashing: []), code: Digest(hashing: code))), story.node("a"))
        history.add(.interrupted(.engine), story.node("a"))
        history.add(.started(AttemptStart(input: Digest(hashing: []), code: Digest(hashing: code))), story.node("a"))
        history.fail(story.node("a"))
        history.add(.resultRejected(.stale), story.node("a"))
        history.add(.overridden(reason: "known"), story.node("a"), by: "anna", payload: Array("1".utf8))
        return (story, history)
    }

    private static func audit(_ story: Story, _ row: RunRow) throws -> AuditView {
        try AuditView(row, in: story.journal, directory: DataDirectory("/nowhere"))
    }

    @Test("It says who asked what, what was run, and how attempts went")
    func tells() throws {
        let (story, history) = try Self.story()
        let audit = try Self.audit(story, try story.write(history))
        #expect(audit.isClean, "\(audit.findings)")
        #expect(audit.asked.first.map(\.event.event.by) == ["cli", "anna", "http:ben", "anna"])
        #expect(audit.attempts == 2 && audit.outcomes == ["interrupted": 1, "failed": 1])
        #expect(audit.interruptions.count == 1 && audit.rejected.count == 1 && audit.overridden.count == 1)
        #expect(audit.files.map(\.path) == ["/nowhere/f.py"] && audit.files[0].attempts == 2)
        #expect(audit.files[0].onDisk == .missing && audit.flow == JournalSequence(1))
        #expect(audit.proof.events == 11 && audit.proof.payloads == 2 && audit.proof.hash == audit.row.hash)
        #expect(audit.json["matches"] == true)
    }

    @Test("An attempt with code that nobody recorded does not match")
    func unknownCode() throws {
        var (story, history) = try Self.story()
        let other = Digest(hashing: [1])
        history.add(.started(AttemptStart(input: Digest(hashing: []), code: other)), story.node("x"))
        let audit = try Self.audit(story, try story.write(history))
        #expect(!audit.isClean && audit.unknownCode == [other: 1])
        #expect(audit.findings.count == 1 && audit.findings[0].what.contains(other.description))
    }
}
