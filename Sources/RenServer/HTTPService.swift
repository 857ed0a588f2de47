import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
package import Ren
package import RenCore
import RenJournal
package import RenWebSocket
import RenWorkers
import ServiceLifecycle
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The API on the Unix socket of the data directory, and on a TCP address besides.
///
/// Graceful shutdown closes what waits, tells sockets and streams, lets requests finish for `drain`, and removes the
/// socket. Cancelling it does not wait for anybody.
package struct HTTPService: Service {
    package struct Options: Sendable {
        /// Nil: the Unix socket alone.
        package var tcp: ListenAddress?
        /// Others than this machine may ask, with the token, over an unencrypted connection.
        package var allowsRemote = false
        package var tcpLimits = ConnectionLimits.standard
        package var unixLimits = ConnectionLimits.unixSocket
        /// How long requests that were accepted may go on after the end was asked for.
        package var drain = Duration.seconds(10)

        package init(tcp: ListenAddress? = nil) { self.tcp = tcp }
    }

    /// Where the service is reached.
    package struct Addresses: Sendable {
        /// A path.
        package var socket: String
        /// With the real port.
        package var tcp: ListenAddress?

        package var url: String? { tcp.map { "http://\($0)" } }
    }

    private let backend: Backend
    private let options: Options
    private let isReady: @Sendable (Addresses) async -> Void

    /// - Parameter isReady: called once, when all listeners take connections and `ren.lock` names them.
    /// - Throws: `listen.remote` for an address beyond loopback that was not allowed.
    package init(
        _ backend: Backend, _ options: Options = Options(),
        isReady: @escaping @Sendable (Addresses) async -> Void = { _ in }
    ) throws(RenError) {
        try options.tcp?.check(allowsRemote: options.allowsRemote)
        self.backend = backend
        self.options = options
        self.isReady = isReady
    }

    /// - Throws: `listen.port_taken`, `listen.failed`, `socket.failed`.
    package func run() async throws {
        let table = RouteTable(backend.routes, schemas: Backend.schemas)
        let place = try SocketPlace("ren.sock", in: backend.session.directory.path)
        defer { place.remove() }
        let start = Start(count: options.tcp == nil ? 1 : 2)
        let (isBound, bound) = AsyncStream<Never>.makeStream()
        let socket =
            application(table, isUnixSocket: true, .unixDomainSocket(path: place.path)) { _ in
                // The folder is its owner's alone; this guards against a folder that was opened up later.
                chmod(place.path, 0o600)
                await announce(start.listens(tcp: nil), place)
            }
        let network = options.tcp.map { tcp in
            application(table, isUnixSocket: false, .hostname(tcp.host, port: tcp.port)) { channel in
                let real = ListenAddress(host: tcp.host, port: channel.localAddress?.port ?? tcp.port)
                backend.gate.listens(at: real)
                bound.finish()
                await announce(start.listens(tcp: real), place)
            }
        }
        if network == nil { bound.finish() }
        do {
            try await run(network, then: socket, when: isBound)
        } catch let error as IOError {
            throw listenFailure(error)
        } catch let error as SocketAddressError {
            throw RenError(.listenFailed, "ren cannot listen there: \(error)", hint: "give an address of this machine")
        }
    }

    /// Both until the end; what is left of them after `drain` is cancelled.
    ///
    /// - Parameter isBound: ends when the network's address is ours: where it is not, nothing else begins.
    private func run(
        _ network: Application<Responder>?, then socket: Application<Responder>, when isBound: AsyncStream<Never>
    ) async throws {
        let drain = options.drain
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await network?.run() }
                    group.addTask {
                        for await _ in isBound {}
                        try Task.checkCancellation()
                        try await socket.run()
                    }
                }
            }
            group.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: drain)
            }
            // Whichever ends first: the listeners, by themselves or drained, or the patience with them.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func application(
        _ table: RouteTable, isUnixSocket: Bool, _ address: BindAddress,
        running: @escaping @Sendable (any Channel) async -> Void
    ) -> Application<Responder> {
        let backend = backend
        return Application(
            responder: Responder(backend, table, isUnixSocket: isUnixSocket),
            server: .renHTTP(
                limits: isUnixSocket ? options.unixLimits : options.tcpLimits, connections: backend.connections,
                isUnixSocket: isUnixSocket,
                problem: { Reply.malformed($0) },
                upgrade: { backend.upgrade($0) }),
            configuration: ApplicationConfiguration(
                address: address, serverName: nil, backlog: 256, reuseAddress: true),
            onServerRunning: running, logger: backend.logger)
    }

    private func announce(_ addresses: (isComplete: Bool, tcp: ListenAddress?), _ place: SocketPlace) async {
        guard addresses.isComplete else { return }
        let addresses = Addresses(socket: place.path, tcp: addresses.tcp)
        var names = ["socket": addresses.socket]
        if let url = addresses.url { names["http"] = url }
        do throws(RenError) {
            try backend.session.announce(addresses: names)
        } catch {
            // Clients that look the address up do not find it; those that know it are served.
            backend.logger.error("ren.lock does not tell where ren is reached: \(error.message)")
        }
        await isReady(addresses)
    }

    private func listenFailure(_ error: IOError) -> RenError {
        let address = options.tcp.map(\.description) ?? "the socket"
        guard error.errnoCode == EADDRINUSE, let tcp = options.tcp else {
            return RenError(
                .listenFailed, "ren cannot listen on \(address): \(String(cString: strerror(error.errnoCode)))",
                hint: "give another address with --listen")
        }
        return RenError(
            .listenPortTaken, "port \(tcp.port) of \(tcp.host) is taken by another program",
            hint: "give another one with --listen \(ListenAddress(host: tcp.host, port: tcp.port + 1))")
    }

    /// Counts the listeners that run.
    private final class Start: Sendable {
        private let state: Mutex<(missing: Int, tcp: ListenAddress?)>

        init(count: Int) { state = Mutex((count, nil)) }

        func listens(tcp: ListenAddress?) -> (isComplete: Bool, tcp: ListenAddress?) {
            state.withLock { state in
                state.missing -= 1
                state.tcp = tcp ?? state.tcp
                return (state.missing == 0, state.tcp)
            }
        }
    }
}

extension RenError.Code {
    package static let listenRemote = Self("listen.remote")
    package static let listenPortTaken = Self("listen.port_taken")
    package static let listenFailed = Self("listen.failed")
}
