import Ren
import RenCore
import RenJournal
import RenTestKit
import Testing

@Suite("The summary of a run")
struct RunSummaryTests {
    @Test("A result that comes after the end changes nothing of the run's own")
    func output() throws {
        let story = try Story("a: {function: f}", top: "output: {var: nodes.a.output}")
        var history = story.begin()
        let token = history.add(.started(AttemptStart(input: Digest(hashing: []), code: nil)), story.node("a"))
        history.add(.succeeded(instead: nil), story.node("a"), payload: Array("7".utf8))
        history.add(.runSucceeded, payload: Array("7".utf8))
        history.add(.resultRejected(.finished), story.node("a"), cause: token)
        let row = try story.write(history)
        let output = try RunSummary(row.number, in: story.journal, engineHolds: false).output(in: story.journal)
        #expect(output == Array("7".utf8))
    }
}
