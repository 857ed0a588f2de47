import NIOCore
import Synchronization

/// Counts connections and decides which may stay. One registry serves all listeners of a server.
///
/// Only TCP connections count against `connectionsMax`: whoever reaches the Unix socket may stop the server anyway.
/// Beyond the maximum the connection that waits longest for a request makes room. When every connection is busy a
/// few reserved ones are admitted for one answer each, so that the API still answers beside busy streams.
package final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: TrackedConnection] = [:]
        var leaving: Set<ObjectIdentifier> = []
        var reserved = 0
        var untrusted: Set<ObjectIdentifier> = []
        var webSockets = 0

        var staying: Int { connections.count - leaving.count - reserved }
    }

    private let limits: ConnectionLimits
    private let state = Mutex(State())
    private let sequence = Atomic<UInt64>(1)

    package init(limits: ConnectionLimits = .standard) {
        self.limits = limits
    }

    /// TCP connections open now.
    package var connectionCount: Int { state.withLock { $0.connections.count } }

    /// Upgraded sockets open now, TCP and Unix.
    package var webSocketCount: Int { state.withLock { $0.webSockets } }

    /// Admits a new connection, or nil when it has to be closed at once.
    func admit(_ channel: any Channel, isUnixSocket: Bool) -> TrackedConnection? {
        if isUnixSocket { return TrackedConnection(channel, registry: self, isReserved: false) }
        let (admitted, evicted) = state.withLock { state -> (TrackedConnection?, TrackedConnection?) in
            var evicted: TrackedConnection?
            var isReserved = false
            if state.staying >= limits.connectionsMax {
                evicted = Self.longestIdle(state)
                if let evicted {
                    state.leaving.insert(ObjectIdentifier(evicted))
                } else if state.reserved < limits.reservedConnections {
                    isReserved = true
                    state.reserved += 1
                } else {
                    return (nil, nil)
                }
            }
            let admitted = TrackedConnection(channel, registry: self, isReserved: isReserved)
            state.connections[ObjectIdentifier(admitted)] = admitted
            return (admitted, evicted)
        }
        evicted?.channel.pipeline.fireUserInboundEventTriggered(CloseIfIdle())
        if let admitted { channel.closeFuture.whenComplete { _ in self.remove(admitted) } }
        return admitted
    }

    /// A place in time: smaller is longer ago.
    func nextMark() -> UInt64 {
        sequence.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// A request came while the connection was told to leave: it stays.
    func keep(_ connection: TrackedConnection) {
        state.withLock { _ = $0.leaving.remove(ObjectIdentifier(connection)) }
    }

    /// Counts an upgraded socket. False when too many of them are not trusted yet.
    func open(_ connection: TrackedConnection, isTrusted: Bool) -> Bool {
        let isOpen = state.withLock { state in
            if !isTrusted {
                guard state.untrusted.count < limits.untrustedSocketsMax else { return false }
                state.untrusted.insert(ObjectIdentifier(connection))
            }
            state.webSockets += 1
            return true
        }
        if isOpen {
            connection.channel.closeFuture.whenComplete { _ in
                self.trust(connection)
                self.state.withLock { $0.webSockets -= 1 }
            }
        }
        return isOpen
    }

    /// The socket no longer counts as one that waits for authentication.
    func trust(_ connection: TrackedConnection) {
        state.withLock { _ = $0.untrusted.remove(ObjectIdentifier(connection)) }
    }

    private func remove(_ connection: TrackedConnection) {
        state.withLock { state in
            state.connections[ObjectIdentifier(connection)] = nil
            state.leaving.remove(ObjectIdentifier(connection))
            if connection.isReserved { state.reserved -= 1 }
        }
    }

    private static func longestIdle(_ state: State) -> TrackedConnection? {
        state.connections.values
            .filter { $0.idleMark != nil && !$0.isReserved && !state.leaving.contains(ObjectIdentifier($0)) }
            .min { ($0.idleMark ?? .max) < ($1.idleMark ?? .max) }
    }
}

/// Asks a connection to close unless a request has come in the meantime.
struct CloseIfIdle: Sendable {}

/// One connection as the registry sees it.
final class TrackedConnection: Sendable {
    let channel: any Channel
    let isReserved: Bool
    private let registry: ConnectionRegistry
    /// When it began to wait for a request; 0 while it is busy.
    private let idle: Atomic<UInt64>

    fileprivate init(_ channel: any Channel, registry: ConnectionRegistry, isReserved: Bool) {
        self.channel = channel
        self.isReserved = isReserved
        self.registry = registry
        idle = Atomic(registry.nextMark())
    }

    fileprivate var idleMark: UInt64? {
        let mark = idle.load(ordering: .relaxed)
        return mark == 0 ? nil : mark
    }

    func becomeIdle() { idle.store(registry.nextMark(), ordering: .relaxed) }
    func becomeBusy() { idle.store(0, ordering: .relaxed) }
    func keep() { registry.keep(self) }
    func open(isTrusted: Bool) -> Bool { registry.open(self, isTrusted: isTrusted) }
    func trust() { registry.trust(self) }
}
