import NIOCore
import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenServer
import RenTestKit
import Synchronization

/// A journal in memory, which counts the transactions that are open, and what reads it.
final class StreamFixture: Sendable {
    let journal: CountingJournal
    let readings: SharedReadings

    init() {
        journal = CountingJournal(MemoryJournal.make())
        readings = SharedReadings(
            journal, directory: DataDirectory("no-such-directory"),
            now: { Timestamp(nanoseconds: 1_770_000_000_000_000_000) })
    }

    /// Adds a run whose node 0 is a map with that many items, each of which starts and succeeds.
    @discardableResult
    func addRun(_ id: String, items: Int, isEnded: Bool = true) async throws -> RunNumber {
        let number = journal.base.reserveRun()
        var history = HistoryBuilder(id)
        history.create()
        history.openMap(NodeNumber(0), total: items)
        for item in 0..<items {
            history.start(.item(0, item))
            history.succeed(.item(0, item))
        }
        if isEnded { history.add(.runSucceeded, payload: Array("true".utf8)) }
        let batch = history.take()
        try await journal.base.append(batch.events, to: number, after: batch.after)
        return number
    }

    func all(of run: RunNumber? = nil) throws -> [RecordedEvent] {
        var feed = JournalFeed(journal.base, after: JournalSequence(0), run: run)
        var events: [RecordedEvent] = []
        while true {
            let page = try feed.nextIfAny()
            if page.isEmpty { return events }
            events += page
        }
    }

    var head: JournalSequence {
        get throws { try journal.read { view throws(RenError) in try view.head().sequence } }
    }
}

final class CountingJournal: JournalReading {
    let base: StoreJournal
    private let open = Mutex(0)

    init(_ base: StoreJournal) { self.base = base }

    /// Transactions that are open at this moment.
    var openCount: Int { open.withLock { $0 } }

    func read<R>(_ body: (borrowing JournalView) throws(RenError) -> R) throws(RenError) -> R {
        open.withLock { $0 += 1 }
        defer { open.withLock { $0 -= 1 } }
        return try base.read(body)
    }

    func waitForEvents(after sequence: JournalSequence) async throws(RenError) -> Bool {
        await base.waitForEvents(after: sequence)
    }
}

/// The other end of a stream: takes as many messages as it has room for, and remembers them.
final class FakePeer: StreamPeer {
    struct Gone: Error {}

    private struct State {
        var sent: [JSON] = []
        /// How many more it takes; nil: any number.
        var room: Int?
        var isTrusted = false
        var close: (code: UInt16, reason: String)?
        /// Progress that it was offered and had no room for.
        var refusedProgress = 0
    }

    private let state: Mutex<State>
    let messages: AsyncStream<String>
    private let inbox: AsyncStream<String>.Continuation

    init(room: Int? = nil) {
        state = Mutex(State(room: room))
        (messages, inbox) = AsyncStream.makeStream()
    }

    // MARK: The test's side

    func say(_ request: StreamRequest) { inbox.yield(JSON.object(request.json).text) }
    func say(_ text: String) { inbox.yield(text) }
    func leave() { inbox.finish() }
    func makeRoom(_ count: Int?) { state.withLock { $0.room = count } }

    var sent: [JSON] { state.withLock { $0.sent } }
    var closed: (code: UInt16, reason: String)? { state.withLock { $0.close } }
    var refusedProgress: Int { state.withLock { $0.refusedProgress } }
    var isTrusted: Bool { state.withLock { $0.isTrusted } }

    func messages(_ op: String) -> [JSON] { sent.filter { $0["op"]?.stringValue == op } }

    /// Sequences of the events that came for a subscription.
    func sequences(_ id: String = "a") -> [Int64] {
        messages("events").filter { $0["id"]?.stringValue == id }.flatMap { $0["events"]?.arrayValue ?? [] }
            .compactMap { $0["sequence"]?.integerValue }
    }

    // MARK: The server's side

    func send(_ text: ByteBuffer) async throws {
        while !trySend(text) {
            if isClosed { throw Gone() }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func trySend(_ text: ByteBuffer) -> Bool {
        let message = (try? JSON(parsing: text.readableBytesView)) ?? .string("no JSON: \(String(buffer: text))")
        return state.withLock { state in
            guard state.close == nil, state.room != 0 else {
                if message["op"] == "progress" { state.refusedProgress += 1 }
                return false
            }
            state.room = state.room.map { $0 - 1 }
            state.sent.append(message)
            return true
        }
    }

    var isClosed: Bool { state.withLock { $0.close != nil } }
    func trust() { state.withLock { $0.isTrusted = true } }

    func close(_ code: UInt16, reason: String) async {
        state.withLock { $0.close = (code, reason) }
        inbox.finish()
    }
}

/// Runs a session with a peer while `body` plays the peer.
func withStream<R: Sendable>(
    _ fixture: StreamFixture, _ peer: FakePeer, settings: StreamSession.Settings = .init(), token: String? = nil,
    _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    let isToken: @Sendable (String) -> Bool = { $0 == token }
    let session = StreamSession(fixture.readings, peer, settings: settings, accepts: token == nil ? nil : isToken)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await session.run(peer.messages) }
        defer {
            peer.leave()
            group.cancelAll()
        }
        return try await body()
    }
}

struct NeverTrue: Error {}

/// Waits until it is so, at most 20 s.
func eventually(_ isSo: @escaping @Sendable () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while try !isSo() {
        guard .now < deadline else { throw NeverTrue() }
        try await Task.sleep(for: .milliseconds(2))
    }
}
