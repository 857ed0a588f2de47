import RenCore
import RenJSON
import RenWorkers
import Testing

@testable import RenEngine

/// SEMANTICS.md 8 and 10: If-Match, runs that start paused, runs that ren pauses for the disk.
@Suite("Requests")
struct RequestTests {
    private static let two = "a: {function: f}\nb: {function: f, after: [a]}"
    private static let disk = Request.pause(now: false, reason: RunState.diskReason)
    private static let resume = Request.resume(takingUp: false, reason: nil)

    private func code(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "ok"
        } catch { return (error as? RenError)?.code.rawValue ?? "\(error)" }
    }

    @Test("If-Match lets through what was decided on the run as it is", arguments: JournalKind.allCases)
    func ifMatch(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        let created = stage.mailbox.state.control
        #expect(created == RunVersion(1))
        #expect(code { try stage.ask(.pause(now: false, reason: nil), ifMatch: RunVersion(2)) } == "version.conflict")
        #expect(try stage.count("run.pause_requested") == 0, "a refused request writes nothing")
        try stage.succeed("a")
        #expect(stage.mailbox.state.control == created, "results do not count")
        try stage.ask(.pause(now: false, reason: nil), ifMatch: created)
        #expect(stage.mailbox.state.control > created)
        #expect(code { try stage.ask(Self.resume, ifMatch: created) } == "version.conflict")
        #expect(stage.runStatus == "pausing")
    }

    @Test("If-Match is compared before anything else, and names the current version")
    func ifMatchFirst() throws {
        let stage = try Stage(Self.two, on: .memory)
        do {
            try stage.ask(Self.resume, ifMatch: RunVersion(7))
            Issue.record("it was admitted")
        } catch let error as RenError {
            #expect(error.code == .versionConflict && error.message.contains("control version is 1"))
        }
    }

    @Test("A run may begin paused: nothing of it starts before resume", arguments: JournalKind.allCases)
    func startsPaused(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind, paused: true)
        #expect(try stage.events() == ["run.created", "run.pause_requested", "run.paused"])
        #expect(stage.functions.running.isEmpty)
        try stage.ask(Self.resume)
        #expect(stage.functions.running == ["a"])
    }

    @Test("Only a pause by ren for the disk is ren's to end", arguments: JournalKind.allCases)
    func heldForDisk(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        try stage.ask(Self.disk, by: nil)
        #expect(stage.mailbox.state.isHeldForDisk && stage.runStatus == "pausing")
        try stage.succeed("a")
        #expect(stage.mailbox.state.isHeldForDisk && stage.runStatus == "paused")
        #expect(code { try stage.ask(Self.disk, by: nil) } == "run.paused", "once is enough")
        try stage.ask(Self.resume, by: nil)
        #expect(!stage.mailbox.state.isHeldForDisk && stage.functions.running == ["b"])
        try stage.ask(Self.disk, by: "cli")
        #expect(!stage.mailbox.state.isHeldForDisk, "a person may give any reason")
    }

    @Test("A person's pause takes the place of ren's", arguments: JournalKind.allCases)
    func takesOver(_ kind: JournalKind) throws {
        let stage = try Stage(Self.two, on: kind)
        try stage.ask(Self.disk, by: nil)
        try stage.succeed("a")
        try stage.ask(.pause(now: false, reason: nil))
        #expect(!stage.mailbox.state.isHeldForDisk && stage.runStatus == "paused")
        #expect(code { try stage.ask(.pause(now: false, reason: nil)) } == "run.paused")
        #expect(code { try stage.ask(Self.disk, by: nil) } == "run.paused", "ren does not take it back")
    }
}
