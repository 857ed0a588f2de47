package import NIOCore
import RenAPI
import RenCore
import RenJSON
import RenJournal

/// A subscription as the text of `text/event-stream`, for `curl` and `EventSource`: it goes on until the client leaves.
///
/// The id of each event is its sequence, so that a client that comes back with `Last-Event-ID` misses nothing. An id
/// alone moves that place on where nothing was wanted (HTML standard, 9.2.6: it is kept, and no event dispatched).
package struct EventText: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let subscription: Subscription
    var heartbeat = StreamReply.heartbeat

    package func makeAsyncIterator() -> Iterator {
        Iterator(subscription: subscription, heartbeat: heartbeat)
    }

    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var subscription: Subscription
        fileprivate let heartbeat: Duration
        private var isBegun = false
        private var isOver = false

        fileprivate init(subscription: Subscription, heartbeat: Duration) {
            self.subscription = subscription
            self.heartbeat = heartbeat
        }

        package mutating func next() async -> ByteBuffer? {
            if isOver { return nil }
            guard isBegun else {
                // The client hears at once that it is heard.
                isBegun = true
                return ByteBuffer(string: "retry: 1000\n\n")
            }
            do {
                switch try await subscription.next(patience: heartbeat) {
                case .events(let events): return Self.text(events)
                case .passed(let sequence): return ByteBuffer(string: "id: \(sequence)\n\n")
                case .idle: return ByteBuffer(string: ": still here\n\n")
                case .ended: return nil
                }
            } catch let error as RenError {
                isOver = true
                let problem = JSON.object(Problem(error).json()).text
                return ByteBuffer(string: "event: error\ndata: \(problem)\n\n")
            } catch {
                return nil
            }
        }

        private static func text(_ events: WantedEvents) -> ByteBuffer {
            var text = ByteBuffer()
            text.reserveCapacity(events.byteCount + 64 * events.count)
            for index in events.stretches.joined() {
                let entry = events.block.entries[index]
                text.writeString("id: \(entry.sequence)\nevent: \(entry.type.name)\ndata: ")
                text.writeBytes(events.block.text(of: index))
                text.writeString("\n\n")
            }
            return text
        }
    }
}
