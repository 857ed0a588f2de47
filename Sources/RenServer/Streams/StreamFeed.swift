import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenWorkers
import Synchronization

/// One subscription of a client: its events, the progress and the log of its run.
final class StreamFeed: Sendable {
    /// Only there so that a wait has an end.
    private static let patience = Duration.seconds(3600)
    private static let logLines = 200

    private let session: StreamSession
    private let wanted: StreamSubscription
    private let batch: Duration
    /// The last event that the client's queue took.
    private let delivered = Mutex(JournalSequence(0))

    init(_ session: StreamSession, _ wanted: StreamSubscription, batch: Duration) {
        self.session = session
        self.wanted = wanted
        self.batch = batch
    }

    /// Returns when `stopped` ends, or the journal was closed.
    func run(until stopped: AsyncStream<Never>) async throws {
        let (readings, wanted) = (session.readings, wanted)
        let (row, filter) = try await BlockingReads.run { try readings.filter(for: wanted) }
        let events = try await Subscription(readings.pages, filter, since: wanted.since, batch: batch)
        delivered.withLock { $0 = events.position }
        try await say(.subscribed(id: wanted.id, from: events.position.next, replaying: events.replaying))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stopped {} }
            if wanted.kinds.contains(.event) { group.addTask { try await self.sendEvents(events) } }
            if let row {
                if wanted.kinds.contains(.progress) { group.addTask { try await self.sendProgress(of: row.number) } }
                if wanted.kinds.contains(.log) { group.addTask { try await self.sendLog(of: row.id) } }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func say(_ reply: StreamReply) async throws {
        try await session.say(reply, resume: delivered.withLock { $0 })
    }

    // MARK: Events

    private func sendEvents(_ subscription: Subscription) async throws {
        var subscription = subscription
        while true {
            switch try await subscription.next(patience: Self.patience) {
            case .events(let events):
                for part in events.parts(bytesMax: session.settings.messageBytesMax) {
                    try await session.deliver(message(part), resume: delivered.withLock { $0 })
                    delivered.withLock { $0 = part.last }
                }
            case .passed(let sequence):
                try await say(.bookmark(id: wanted.id, sequence))
                delivered.withLock { $0 = sequence }
            case .idle: break
            case .ended: return
            }
        }
    }

    /// `{"op": "events", "id", "events": […]}`, with the texts that others get too.
    private func message(_ events: WantedEvents) -> ByteBuffer {
        let begin = #"{"op":"events","id":\#(JSON.string(wanted.id).text),"events":["#
        var text = ByteBuffer()
        text.reserveCapacity(begin.utf8.count + events.byteCount + 2)
        text.writeString(begin)
        for (index, stretch) in events.stretches.enumerated() {
            if index > 0 { text.writeInteger(UInt8(ascii: ",")) }
            text.writeBytes(events.block.text(of: stretch))
        }
        text.writeString("]}")
        return text
    }

    // MARK: Progress

    /// What does not fit into the queue is left out: the next one says it all anyway.
    private func sendProgress(of run: RunNumber) async throws {
        let (readings, peer) = (session.readings, session.peer)
        var version = RunVersion.none
        var dropped = 0
        while true {
            let progress = try await readings.progress.progress(of: run)
            if progress.version != version {
                if dropped > 0 {
                    let lagged = StreamReply.lagged(
                        id: wanted.id, droppedProgress: dropped, resume: delivered.withLock { $0 })
                    if peer.trySend(ByteBuffer(bytes: JSON.object(lagged.json).compact)) { dropped = 0 }
                }
                let nodes = progress.nodes.filter { wanted.node == nil || $0.key == wanted.node }
                let reply = StreamReply.progress(
                    id: wanted.id, at: progress.sequence, nodes: JSONObject(members: nodes))
                if peer.trySend(ByteBuffer(bytes: JSON.object(reply.json).compact)) {
                    version = progress.version
                } else {
                    guard !peer.isClosed else { return }
                    dropped += 1
                }
            }
            try await Task.sleep(for: ProgressBoard.interval)
            // What was left out is tried again without waiting for more to happen.
            guard dropped == 0 else { continue }
            guard try await readings.journal.waitForEvents(after: progress.sequence) else { return }
        }
    }

    // MARK: Log

    private func sendLog(of run: String) async throws {
        let reader = LogReader(folder: session.readings.directory.run(run))
        guard let level = LogLine.Level(rawValue: wanted.log.level) else {
            throw RenError(.watchMessage, "there is no level \(wanted.log.level.prefix(40))")
        }
        let filter = LogReader.Filter(level: level, node: wanted.node, key: wanted.key, text: wanted.log.text)
        var position = try await start(reader)
        var patience = LogPatience()
        while true {
            let page = try await BlockingReads.run { [position] in
                try reader.page(after: position, limit: Self.logLines, filter)
            }
            position = page.position
            if !page.lines.isEmpty || page.droppedFiles > 0 {
                try await say(
                    .log(
                        id: wanted.id, lines: page.lines.map { .object($0.json) }, position: position.description,
                        droppedFiles: page.droppedFiles))
            }
            if !page.lines.isEmpty { patience.linesCame() }
            if page.isAtEnd { try await patience.wait() }
        }
    }

    private func start(_ reader: LogReader) async throws -> LogReader.Position {
        guard let text = wanted.log.after else { return try await BlockingReads.run { try reader.tail(0).position } }
        guard let position = LogReader.Position(text) else {
            throw RenError(.watchBadSequence, "\(text.prefix(40)) is no position in a log")
        }
        return position
    }
}

extension LogReader.Line {
    /// The entry, and where the next one is found.
    var json: JSONObject {
        var object: JSONObject = ["position": .string(position.description)]
        for member in entry { object[member.key] = member.value }
        return object
    }
}
