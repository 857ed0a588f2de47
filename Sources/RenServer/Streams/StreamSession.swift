import NIOCore
import RenAPI
import RenCore
import RenJSON
import RenJournal
import Synchronization

/// One client of the stream `ren.v1`: hears its messages and carries its subscriptions.
///
/// A subscription reads on only when what it read before found room in the peer's queue. So a client that reads slowly
/// holds up nobody but itself; one that does not read at all is closed with 1013 after `Settings.patience`.
package final class StreamSession: Sendable {
    package struct Settings: Sendable {
        /// How long a peer's queue may be full. Below `ConnectionLimits.writeTimeout`, which ends the connection without a
        /// word of where to go on.
        package var patience = Duration.seconds(20)
        package var subscriptionsMax = 100
        /// Of one message with events; below what clients take for a frame by default.
        package var messageBytesMax = 60 << 10
        /// What the server calls itself in `welcome`.
        package var server = ""

        package init() {}
    }

    /// A subscription that is carried.
    struct Active {
        /// Finished to end it.
        var stop: AsyncStream<Never>.Continuation
        /// Ends when nothing more is sent for it.
        var ended: AsyncStream<Never>
    }

    let readings: SharedReadings
    let peer: any StreamPeer
    let settings: Settings
    private let accepts: (@Sendable (String) -> Bool)?
    private let active = Mutex<[String: Active]>([:])

    /// - Parameter accepts: whether a token is right; nil for a peer that has shown who it is.
    package init(
        _ readings: SharedReadings, _ peer: any StreamPeer, settings: Settings = Settings(),
        accepts: (@Sendable (String) -> Bool)?
    ) {
        self.readings = readings
        self.peer = peer
        self.settings = settings
        self.accepts = accepts
    }

    /// Returns when the peer is gone, or was sent away.
    package func run(_ messages: some AsyncSequence<String, Never>) async {
        await withDiscardingTaskGroup { group in
            var batch: Duration?
            for await text in messages {
                do {
                    let request = try StreamRequest(parsing: text)
                    guard let batch else {
                        batch = try await greet(request)
                        continue
                    }
                    try await take(request, batch, &group)
                } catch {
                    guard await answer(error, to: text, isGreeted: batch != nil) else { break }
                }
            }
            group.cancelAll()
        }
    }

    /// - Returns: how long events are gathered for this client.
    private func greet(_ request: StreamRequest) async throws -> Duration {
        guard case .hello(let token, let batch) = request else {
            throw RenError(.watchHello, "the first message is {\"op\": \"hello\"}")
        }
        if let accepts {
            guard let token, accepts(token) else {
                throw RenError(.init("auth.invalid"), "the token is missing or wrong")
            }
            peer.trust()
        }
        let readings = readings
        let (id, head) = try await BlockingReads.run {
            let id = try readings.journalID()
            return (id, try readings.journal.read { view throws(RenError) in try view.head().sequence })
        }
        try await say(.welcome(server: settings.server, journal: id, head: head), resume: head)
        return batch
    }

    private func take(_ request: StreamRequest, _ batch: Duration, _ group: inout DiscardingTaskGroup) async throws {
        switch request {
        case .hello, .ack, .other: break
        case .unsubscribe(let id): await end(id)
        case .subscribe(let wanted):
            let stopped = try begin(wanted.id)
            group.addTask { await self.carry(wanted, batch, stopped) }
        }
    }

    /// - Returns: false when the client was sent away or is gone.
    private func answer(_ error: any Error, to text: String, isGreeted: Bool) async -> Bool {
        guard let error = error as? RenError else { return false }
        guard isGreeted || accepts == nil else {
            await peer.close(StreamClose.unauthorized, reason: error.code.rawValue)
            return false
        }
        let reply = StreamReply.error(id: StreamRequest.id(in: text), problem: Problem(error).json())
        do { try await say(reply, resume: nil) } catch { return false }
        return true
    }

    // MARK: Subscriptions

    /// - Returns: ends when the subscription is to end, and what to finish when it has.
    private func begin(_ id: String) throws(RenError) -> (
        stopped: AsyncStream<Never>, ended: AsyncStream<Never>.Continuation
    ) {
        let (stopped, stop) = AsyncStream<Never>.makeStream()
        let (ended, end) = AsyncStream<Never>.makeStream()
        let max = settings.subscriptionsMax
        let refusal: RenError? = active.withLock { active in
            guard active[id] == nil else { return RenError(.watchID, "the subscription \"\(id)\" is there already") }
            guard active.count < max else {
                return RenError(.watchTooMany, "a client has at most \(max) subscriptions", hint: "end some first")
            }
            active[id] = Active(stop: stop, ended: ended)
            return nil
        }
        if let refusal { throw refusal }
        return (stopped, end)
    }

    /// Returns when nothing more is sent for it, so that its id can be used again.
    private func end(_ id: String) async {
        guard let ending = active.withLock({ $0[id] }) else { return }
        ending.stop.finish()
        for await _ in ending.ended {}
    }

    private func carry(
        _ wanted: StreamSubscription, _ batch: Duration,
        _ signals: (stopped: AsyncStream<Never>, ended: AsyncStream<Never>.Continuation)
    ) async {
        defer {
            active.withLock { $0[wanted.id] = nil }
            signals.ended.finish()
        }
        do {
            try await StreamFeed(self, wanted, batch: batch).run(until: signals.stopped)
        } catch let error as RenError {
            let reply = StreamReply.error(id: wanted.id, problem: Problem(error).json())
            // A peer that is gone needs no answer.
            try? await say(reply, resume: nil)
        } catch {
            // Cancelled, or the peer is gone: nobody is there to be told.
        }
    }

    // MARK: Sending

    /// - Parameter resume: where the client can go on, should it be sent away.
    func say(_ reply: StreamReply, resume: JournalSequence?) async throws {
        try await deliver(ByteBuffer(bytes: JSON.object(reply.json).compact), resume: resume)
    }

    /// Waits for room in the peer's queue, at most for `Settings.patience`: then the peer is closed.
    ///
    /// - Throws: what the peer throws when it is gone; `CancellationError`.
    func deliver(_ text: ByteBuffer, resume: JournalSequence?) async throws {
        if peer.trySend(text) { return }
        let (peer, patience) = (peer, settings.patience)
        let isSent = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await peer.send(text)
                return true
            }
            group.addTask {
                try await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? false
        }
        guard !isSent else { return }
        let place = resume.map { ", resume from \($0)" } ?? ""
        await peer.close(StreamClose.tryAgainLater, reason: "you do not read\(place)")
        throw CancellationError()
    }
}
