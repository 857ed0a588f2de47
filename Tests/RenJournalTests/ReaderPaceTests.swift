import RenCore
import Testing

@testable import RenJournal

@Suite("The rests of one who reads much")
struct ReaderPaceTests {
    private let start = ContinuousClock.now

    /// What is due after so much work, while the journal has grown by so many events in a tenth of a second.
    private func rest(work: Duration, events: UInt64) throws -> Duration {
        var pace = ReaderPace(worked: .zero)
        _ = try pace.rest(worked: .milliseconds(10), at: start) { JournalSequence(1_000) }
        return try pace.rest(worked: .milliseconds(10) + work, at: start + .milliseconds(100)) {
            JournalSequence(1_000 + events)
        }
    }

    @Test("Beside a writer of more than 2,000 events/s it rests three times as long as it works")
    func busy() throws {
        #expect(try rest(work: .milliseconds(12), events: 201) == .milliseconds(36))
        #expect(try rest(work: .milliseconds(12), events: 200) == .zero)
        #expect(try rest(work: .milliseconds(9), events: 5_000) == .zero)
        #expect(try rest(work: .seconds(5), events: 5_000) == .seconds(1))
    }

    @Test("The head is looked at only after 10 ms of work, and the first look tells nothing")
    func looks() throws {
        var pace = ReaderPace(worked: .zero)
        var looks = 0
        for milliseconds in [4, 9, 10, 19, 20] {
            _ = try pace.rest(worked: .milliseconds(milliseconds), at: start) {
                looks += 1
                return JournalSequence(UInt64(milliseconds))
            }
        }
        #expect(looks == 2)
    }
}
