import RenCore
import RenEngine
public import RenJSON
import RenJournal

/// A run that this program started or resumed.
public struct Run: Sendable {
    public let id: String
    let number: RunNumber
    let session: Session

    public enum Status: String, Sendable {
        case succeeded, failed, stopped
        /// Paused, waiting for a signal, or with an outcome that nobody knows.
        case waiting
    }

    /// Waits until the run has ended, or until only a person can go on with it.
    ///
    /// - Throws: `storage.failed` when the journal takes nothing any more, `run.quarantined`, `engine.closed`.
    public func wait() async throws -> Status {
        switch await session.engine.rest(of: number) {
        case .ended, nil: return try endStatus()
        case .person: return .waiting
        case .storageFailed(let error): throw error
        case .quarantined: throw RenError(.runQuarantined, "run \(id) is quarantined", hint: "ren journal verify")
        case .left: throw RenError(.init("engine.closed"), "ren was closed while run \(id) was going on")
        }
    }

    /// Waits for the end and gives the run's output.
    ///
    /// - Throws: `run.failed`, `run.stopped`, `run.waiting`, and what `wait` throws.
    public func result() async throws -> JSON {
        let status = try await wait()
        let number = number
        guard status == .succeeded else {
            let error = try session.journal.read { view throws(RenError) in try view.run(number)?.error }
            throw RenError(
                RenError.Code("run.\(status.rawValue)"),
                "run \(id) \(status.rawValue)" + (error.map { ": \($0.text)" } ?? ""))
        }
        return try session.output(of: number)
    }

    public func pause(now: Bool = false, reason: String? = nil) async throws {
        try await session.engine.ask(number, .pause(now: now, reason: reason), by: Asker(by: "swift"))
    }

    public func resume(reason: String? = nil) async throws {
        try await session.engine.ask(number, .resume(takingUp: false, reason: reason), by: Asker(by: "swift"))
    }

    public func stop(reason: String? = nil) async throws {
        try await session.engine.ask(number, .stop(.cancel, reason: reason), by: Asker(by: "swift"))
    }

    public func signal(_ name: String, _ value: JSON = .null) async throws {
        let payload = Payload(hashing: value.compact)
        try await session.engine.ask(number, .signal(name: name, payload: payload), by: Asker(by: "swift"))
    }

    /// Where a reader of events begins.
    public enum Beginning: Sendable {
        case start
        /// After the event of this sequence.
        case after(UInt64)
    }

    /// The run's events in order, each once, live until the one that ends the run.
    public func events(from beginning: Beginning = .start) -> AsyncThrowingStream<RunEvent, any Error> {
        let after: UInt64 = if case .after(let sequence) = beginning { sequence } else { 0 }
        let reader = RunEvent.Reader(session, number, after: JournalSequence(rawValue: after))
        return AsyncThrowingStream { try await reader.next() }
    }

    private func endStatus() throws -> Status {
        let number = number
        let row = try session.journal.read { view throws(RenError) in try view.run(number) }
        return row.flatMap { Status(rawValue: $0.status.name) } ?? .waiting
    }
}
