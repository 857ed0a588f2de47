import Foundation
import RenJSON
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A `text/event-stream` on a Unix socket, read line by line.
final class EventStream: Sendable {
    struct Event: Sendable {
        var id: Int64
        var type: String
        var run: String?
    }

    private let descriptor: Int32
    private let rest = Mutex<[UInt8]>([])

    init(_ path: String, _ target: String, _ headers: [String: String]) throws {
        descriptor = try HTTPAnswer.connection(to: path)
        var request = "GET \(target) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        let bytes = Array("\(request)\r\n".utf8)
        guard send(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw HTTPAnswer.Broken(description: "send: \(errno)")
        }
    }

    func close() {
        #if canImport(Glibc)
        _ = Glibc.close(descriptor)
        #else
        _ = Darwin.close(descriptor)
        #endif
    }

    /// The next events, with the first one of that type as the last.
    func events(until type: String) async throws -> [Event] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try self.read(until: type) }) }
        }
    }

    private func read(until type: String) throws -> [Event] {
        var events: [Event] = []
        var event = Event(id: 0, type: "", run: nil)
        while events.last?.type != type {
            let line = try self.line()
            if line.hasPrefix("id: ") { event.id = Int64(line.dropFirst(4)) ?? -1 }
            if line.hasPrefix("event: ") { event.type = String(line.dropFirst(7)) }
            guard line.hasPrefix("data: ") else { continue }
            event.run = try JSON(parsing: String(line.dropFirst(6)))["run"]?.stringValue
            events.append(event)
        }
        return events
    }

    /// Lines of chunk sizes come too; nobody asks for them.
    private func line() throws -> String {
        while true {
            let line = rest.withLock { rest -> String? in
                guard let end = rest.firstIndex(of: 10) else { return nil }
                defer { rest.removeFirst(end + 1) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            if let line { return line.hasSuffix("\r") ? String(line.dropLast()) : line }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw HTTPAnswer.Broken(description: "the stream ended: \(errno)") }
            rest.withLock { $0 += buffer[..<count] }
        }
    }
}
