import Foundation
import Logging
import NIOCore
import NIOPosix
import Ren
import RenCore
import RenJSON
import RenServer
import RenWebSocket
import Testing

/// A service over a fresh data directory, on a free TCP port and on its Unix socket, asked byte by byte.
struct LiveService: Sendable {
    let backend: Backend
    let addresses: HTTPService.Addresses

    var port: Int { addresses.tcp!.port }
    var token: String { backend.gate.token }

    struct Answer: Sendable {
        var status: Int
        /// Names in lower case.
        var headers: [String: String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        /// `.null` for a body that is no JSON.
        var json: JSON { (try? JSON(parsing: body, limits: .payload)) ?? .null }
        var code: String? { json["code"]?.stringValue }
    }

    /// Asks with the token and our own `Host`, unless headers of these names are given (empty: left out).
    func ask(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil, socket: Bool = false
    ) async throws -> Answer {
        var all = headers
        func add(_ name: String, _ value: String) {
            if !headers.contains(where: { $0.0 == name }) { all.append((name, value)) }
        }
        add("Host", "127.0.0.1:\(port)")
        add("Connection", "close")
        if !socket { add("Authorization", "Bearer \(token)") }
        if let body {
            add("Content-Type", "application/json")
            add("Content-Length", String(body.utf8.count))
        }
        var text = "\(method) \(path) HTTP/1.1\r\n"
        for (name, value) in all where !value.isEmpty { text += "\(name): \(value)\r\n" }
        let received = try await send("\(text)\r\n\(body ?? "")", socket: socket)
        try #require(!received.isEmpty, "no answer to \(text.prefix(300))")
        return try Self.answer(in: received)
    }

    /// Sends any bytes on a connection of their own, and gives all that comes back until it ends or `enough` has come.
    func send(
        _ text: String, socket: Bool = false, enough: @escaping @Sendable (String) -> Bool = { _ in false }
    ) async throws -> String {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let wrap: @Sendable (any Channel) -> EventLoopFuture<NIOAsyncChannel<ByteBuffer, ByteBuffer>> = { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
        }
        let channel =
            if socket {
                try await bootstrap.connect(unixDomainSocketPath: addresses.socket, channelInitializer: wrap)
            } else {
                try await bootstrap.connect(host: "127.0.0.1", port: port, channelInitializer: wrap)
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var received = ""
            do {
                for try await part in inbound {
                    received += String(buffer: part)
                    if enough(received) { break }
                }
            } catch  where !received.isEmpty {
                // The service answered and reset the connection, as it does with bytes that it did not want.
            }
            return received
        }
    }

    static func answer(in text: String) throws -> Answer {
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let status = try #require(lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }, "\(text)")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            headers[pair[0].lowercased()] = pair.count > 1 ? pair[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return Answer(
            status: status, headers: headers, body: Array(parts.dropFirst().joined(separator: "\r\n\r\n").utf8))
    }
}

/// Serves until `body`, which is lent the addresses, has returned.
func whileServing<R: Sendable>(
    _ backend: Backend, _ options: HTTPService.Options = HTTPService.Options(),
    _ body: @escaping @Sendable (HTTPService.Addresses) async throws -> R
) async throws -> R {
    let (ready, isReady) = AsyncStream.makeStream(of: HTTPService.Addresses.self)
    let service = try HTTPService(backend, options) { isReady.yield($0) }
    return try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask {
            defer { isReady.finish() }
            try await service.run()
            return nil
        }
        group.addTask {
            for await addresses in ready { return try await body(addresses) }
            return nil
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            if let result { return result }
        }
        throw CancellationError()
    }
}

/// Opens a service, lends it, and ends it whatever happens.
func withLiveService<R: Sendable>(
    _ limits: ConnectionLimits = .standard, _ body: @escaping @Sendable (LiveService) async throws -> R
) async throws -> R {
    let path = NSTemporaryDirectory() + "ren-\(UUID().uuidString.prefix(8))"
    // What cannot be removed is left to the system.
    defer { try? FileManager.default.removeItem(atPath: path) }
    let session = try await Session(path)
    do {
        let token = try TokenFile(session.directory).open()
        let backend = Backend(
            session, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, gate: Gate(token: token),
            connections: ConnectionRegistry(limits: limits))
        var options = HTTPService.Options(tcp: ListenAddress(host: "127.0.0.1", port: 0))
        options.tcpLimits = limits
        let result = try await whileServing(backend, options) { addresses in
            try await body(LiveService(backend: backend, addresses: addresses))
        }
        await session.close()
        return result
    } catch {
        await session.close()
        throw error
    }
}
