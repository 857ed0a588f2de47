import Foundation
import Logging
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal
import RenServer
import RenWorkers
import Testing

/// A live service on the Unix socket of a fresh data directory, with functions in Swift.
///
/// `half` gives half of a number and raises for odd ones; `waits` goes on until it is cancelled.
final class ControlFixture: Sendable {
    let session: Session
    let socket: String

    private init(_ session: Session, socket: String) {
        self.session = session
        self.socket = socket
    }

    static func with<R: Sendable>(
        carries: JournalOpening.Carries = .all, in folder: String? = nil,
        _ body: @escaping @Sendable (ControlFixture) async throws -> R
    ) async throws -> R {
        let path = folder ?? NSTemporaryDirectory() + "ren-\(UUID().uuidString.prefix(8))"
        // What cannot be removed is left to the system.
        defer { if folder == nil { try? FileManager.default.removeItem(atPath: path) } }
        var options = Session.Options()
        options.carries = carries
        options.slots = 4
        let session = try await Session(path, options)
        register(session.swift)
        do {
            try await session.carryOpenRunsIfAll()
            // `journal.opened` is written behind the back of `init`.
            try #require(await session.journal.waitForEvents(after: JournalSequence(rawValue: 0)))
            let backend = Backend(session, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let result = try await whileServing(backend) { addresses in
                try await body(ControlFixture(session, socket: addresses.socket))
            }
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    private static func register(_ functions: SwiftFunctions) {
        functions.register(FunctionSignature(name: "half")) { bytes, _ in
            let number = try JSON(parsing: bytes)["n"]?.integerValue ?? 0
            guard number.isMultiple(of: 2) else { throw OddNumber() }
            return JSON.integer(number / 2).compact
        }
        functions.register(FunctionSignature(name: "waits")) { _, context in
            while true {
                try context.check()
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    struct OddNumber: Error {}

    // MARK: Flows

    static let halves =
        "flow: halves\nnodes:\n  h: {function: half, with: {n: {var: input.n}}}\noutput: {var: nodes.h.output}\n"
    static let asks = """
        flow: asks
        nodes:
          ask: {pause: {message: Go on?, signal: go}}
          h: {function: half, after: [ask], with: {n: 4}}
        output: {var: nodes.h.output}
        """
    static let long = "flow: long\nnodes:\n  w: {function: waits}\n"

    /// Registers the flows of this fixture.
    func prepare() async throws {
        for flow in [Self.halves, Self.asks, Self.long] {
            let answer = try await put(flow)
            #expect(answer.status == 201)
        }
    }

    func put(_ yaml: String) async throws -> HTTPAnswer {
        try await ask("PUT", "/api/v1/flows", text: yaml, type: "application/yaml")
    }

    // MARK: Asking

    func ask(
        _ method: String, _ path: String, _ body: JSON? = nil, headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        try await ask(method, path, text: body?.text, type: "application/json", headers: headers)
    }

    func get(_ path: String, headers: [String: String] = [:]) async throws -> HTTPAnswer {
        try await ask("GET", path, headers: headers)
    }

    func ask(
        _ method: String, _ path: String, text: String?, type: String, headers: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        let socket = socket
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try HTTPAnswer(socket, method, path, text: text, type: type, headers: headers) })
            }
        }
    }

    func head() throws -> UInt64 {
        try session.journal.read { view throws(RenError) in try view.head().sequence.rawValue }
    }

    /// The run when it shows that status.
    @discardableResult
    func wait(for status: String, of run: String) async throws -> JSON {
        while true {
            let head = try session.journal.read { view throws(RenError) in try view.head().sequence }
            let answer = try await get("/api/v1/runs/\(run)")
            if answer.json["status"]?.stringValue == status { return answer.json }
            try #require(await session.journal.waitForEvents(after: head))
        }
    }

    func start(_ flow: String, id: String, input: JSON = [:]) async throws -> HTTPAnswer {
        try await ask("POST", "/api/v1/flows/\(flow)/runs", ["id": .string(id), "input": input])
    }

    func types(_ run: String) throws -> [String] {
        let events = try session.journal.read { view throws(RenError) -> [RecordedEvent] in
            guard let number = try view.runNumber(id: run) else { return [] }
            return try view.page(of: number, after: .none)
        }
        return events.map(\.type.name)
    }
}

extension Session {
    fileprivate func carryOpenRunsIfAll() async throws {
        if carries == .all { try await carryOpenRuns() }
    }
}
