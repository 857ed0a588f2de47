package import NIOCore
import Synchronization

/// A socket as its handler sees it: text in, text out, both bounded.
package final class WebSocketConnection: Sendable {
    /// What waits to be written.
    enum Outgoing {
        case text(ByteBuffer)
        case close(UInt16, String)
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var inbox = CircularBuffer<String>()
        var reader: CheckedContinuation<Void, Never>?
        var isReadHeld = false
        var outbox = CircularBuffer<Outgoing>()
        var outboxBytes = 0
        var isDrainScheduled = false
        var writers: [Waiter] = []
        var writerID: UInt64 = 0
        var isClosing = false
        var closeCode: UInt16?
        var driver: NIOLoopBound<WebSocketHandler>?

        /// True when the caller has to bring about a drain.
        mutating func scheduleDrain() -> Bool {
            guard !isDrainScheduled else { return false }
            isDrainScheduled = true
            return true
        }
    }

    package let isUnixSocket: Bool
    private let channel: any Channel
    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(channel: any Channel, limits: ConnectionLimits, isUnixSocket: Bool) {
        self.channel = channel
        self.limits = limits
        self.isUnixSocket = isUnixSocket
    }

    // MARK: For the handler

    /// The text messages of the peer, in order. For one consumer; ends when the socket closes.
    package var messages: Messages { Messages(connection: self) }

    package var isClosed: Bool { state.withLock { $0.closeCode != nil || $0.isClosing } }

    /// Queues one text message, or says that there is no room for it or that the socket is closed.
    package func trySend(_ text: ByteBuffer) -> Bool {
        let (isQueued, mustDrain) = state.withLock { state -> (Bool, Bool) in
            guard state.closeCode == nil, !state.isClosing, hasRoom(for: text.readableBytes, state) else {
                return (false, false)
            }
            state.outbox.append(.text(text))
            state.outboxBytes += text.readableBytes
            return (true, state.scheduleDrain())
        }
        if mustDrain { drain() }
        return isQueued
    }

    /// Queues one text message and waits for room if need be. Return does not mean that the peer has it.
    ///
    /// - Throws: `WebSocketClosed`, `CancellationError`.
    package func send(_ text: ByteBuffer) async throws {
        while !trySend(text) {
            try Task.checkCancellation()
            if let code = state.withLock({ $0.closeCode ?? ($0.isClosing ? 1006 : nil) }) {
                throw WebSocketClosed(code: code)
            }
            await room(for: text.readableBytes)
        }
    }

    /// The peer is authenticated: the limits for untrusted sockets no longer hold.
    package func trust() {
        onLoop { $0.trust() }
    }

    /// Sends what is queued and then a close frame, and returns when the TCP connection is gone: after the answer
    /// of the peer or `closeGrace`, whatever it does. A second call only waits.
    package func close(_ code: UInt16, reason: String) async {
        let isFirst = state.withLock { state in
            guard state.closeCode == nil, !state.isClosing else { return false }
            state.isClosing = true
            state.outbox.append(.close(code, reason))
            return true
        }
        if isFirst { onLoop { $0.closeRequested() } }
        wakeWriters()
        try? await channel.closeFuture.get()  // never fails
    }

    // MARK: For the channel handler

    var eventLoop: any EventLoop { channel.eventLoop }

    func attach(_ driver: WebSocketHandler) {
        state.withLock { $0.driver = NIOLoopBound(driver, eventLoop: channel.eventLoop) }
    }

    /// A message of the peer. False: the inbox is full.
    func received(_ text: String) {
        let reader = state.withLock { state in
            guard state.closeCode == nil else { return nil as CheckedContinuation<Void, Never>? }
            state.inbox.append(text)
            return state.reader.take()
        }
        reader?.resume()
    }

    /// Whether the channel may read on; if not, `resumeReading` follows when the inbox has room.
    func mayRead() -> Bool {
        state.withLock { state in
            state.isReadHeld = state.inbox.count >= limits.inboxMessagesMax && state.closeCode == nil
            return !state.isReadHeld
        }
    }

    /// The next thing to write. Nil: the queue is empty, and the next message schedules a drain again.
    func nextOutgoing() -> Outgoing? {
        state.withLock { state in
            guard let next = state.outbox.popFirst() else {
                state.isDrainScheduled = false
                return nil
            }
            if case .text(let bytes) = next { state.outboxBytes -= bytes.readableBytes }
            return next
        }
    }

    /// No more is written or delivered. The first code counts.
    func ended(_ code: UInt16) {
        let reader = state.withLock { state in
            state.closeCode = state.closeCode ?? code
            state.outbox.removeAll()
            state.outboxBytes = 0
            state.driver = nil
            return state.reader.take()
        }
        reader?.resume()
        wakeWriters()
    }

    func wakeWriters() {
        let writers = state.withLock { state in
            let writers = state.writers
            state.writers = []
            return writers
        }
        for writer in writers { writer.continuation.resume() }
    }

    // MARK: Helpers

    private func hasRoom(for bytes: Int, _ state: State) -> Bool {
        state.outbox.isEmpty
            || (state.outbox.count < limits.queueMessagesMax && state.outboxBytes + bytes <= limits.queueBytesMax)
    }

    /// Waits until a message of that size may fit, the socket closes or the task is cancelled.
    private func room(for bytes: Int) async {
        let id = state.withLock { state in
            state.writerID += 1
            return state.writerID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if Task.isCancelled || state.closeCode != nil || state.isClosing || hasRoom(for: bytes, state) {
                        return true
                    }
                    state.writers.append(Waiter(id: id, continuation: continuation))
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let cancelled = state.withLock { state in
                state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0) }
            }
            cancelled?.continuation.resume()
        }
    }

    private func drain() {
        onLoop { $0.drain() }
    }

    private func onLoop(_ body: @escaping @Sendable (WebSocketHandler) -> Void) {
        guard let driver = state.withLock({ $0.driver }) else { return }
        eventLoop.execute { body(driver.value) }
    }

    /// The next message; nil when the socket is closed or the task cancelled.
    fileprivate func next() async -> String? {
        while true {
            let (message, isOver, mustRead) = state.withLock { state -> (String?, Bool, Bool) in
                guard let message = state.inbox.popFirst() else {
                    return (nil, state.closeCode != nil || Task.isCancelled, false)
                }
                let mustRead = state.isReadHeld && state.inbox.count < limits.inboxMessagesMax
                if mustRead { state.isReadHeld = false }
                return (message, false, mustRead)
            }
            if mustRead { onLoop { $0.resumeReading() } }
            if message != nil || isOver { return message }
            await arrival()
        }
    }

    /// Waits for a message, the end or cancellation.
    private func arrival() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if Task.isCancelled || state.closeCode != nil || !state.inbox.isEmpty { return true }
                    precondition(state.reader == nil, "two consumers of one socket")
                    state.reader = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume()
        }
    }
}

extension WebSocketConnection {
    /// The messages of a socket.
    package struct Messages: AsyncSequence, Sendable {
        package typealias Element = String
        package typealias Failure = Never

        fileprivate let connection: WebSocketConnection

        package func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }

        package struct Iterator: AsyncIteratorProtocol {
            fileprivate let connection: WebSocketConnection

            package func next() async -> String? { await connection.next() }

            package func next(isolation actor: isolated (any Actor)?) async -> String? { await connection.next() }
        }
    }
}

/// The socket is closed; `code` is that of the close frame, or 1006 when there was none.
package struct WebSocketClosed: Error {
    package let code: UInt16
}
