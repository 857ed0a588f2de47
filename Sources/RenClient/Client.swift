import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RenAPI
package import RenCore
package import RenJSON

/// Asks a running engine, over its Unix socket or over TCP.
package struct Client: Sendable {
    /// What was answered; problems are thrown instead.
    package struct Answer: Sendable {
        package var status: Int
        /// Names in lower case.
        package var headers: [String: String]
        /// `.null` for a body that is not JSON.
        package var json: JSON
        package var body: [UInt8]
    }

    package struct Body: Sendable {
        package var type: String
        package var bytes: [UInt8]

        package init(_ bytes: [UInt8], type: String) {
            self.type = type
            self.bytes = bytes
        }

        package static func json(_ object: JSONObject) -> Body {
            Body(JSON.object(object).compact, type: "application/json")
        }
    }

    package enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
    }

    /// What people are told of where it is.
    package let address: String
    private let base: String
    private let token: String?

    /// How long an answer may take.
    package static let patience = Duration.seconds(60)
    private static let bodyBytesMax = 64 << 20
    private static let pauseMilliseconds = 100

    /// The engine whose socket is at `path`: it needs no token, the file system guards it.
    package init(socket path: String) {
        address = path
        base = "http+unix://" + Self.escaped(path)
        token = nil
    }

    /// - Parameter url: without a path, such as `http://127.0.0.1:7360`.
    package init(url: String, token: String?) {
        address = url
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.token = token
    }

    /// Sends a request, and once more when the connection is lost: whatever writes has a key, so that it is done once.
    ///
    /// - Parameter path: as in `/api/v1/runs/r_1:pause`, escaped where it needs it.
    /// - Throws: the error of the problem that was answered; `engine.unreachable`, `engine.answer`.
    package func call(
        _ method: Method, _ path: String, body: Body? = nil, headers: [String: String] = [:],
        patience: Duration = patience
    ) async throws(RenError) -> Answer {
        let answer = try await exchange(method, path, body: body, headers: headers, patience: patience)
        guard (200..<300).contains(answer.status) else { throw refusal(answer) }
        return answer
    }

    /// The answer with whatever status.
    func exchange(
        _ method: Method, _ path: String, body: Body? = nil, headers: [String: String] = [:],
        patience: Duration = patience
    ) async throws(RenError) -> Answer {
        var headers = headers
        if method != .get, headers["idempotency-key"] == nil { headers["idempotency-key"] = Self.newKey() }
        do {
            let request = request(method, path, body, headers)
            do {
                return try await Self.send(request, patience)
            } catch let error where Self.isLostConnection(error) {
                try await Task.sleep(for: .milliseconds(Self.pauseMilliseconds))
                return try await Self.send(request, patience)
            }
        } catch {
            throw unreachable(error)
        }
    }

    // MARK: Sending

    private func request(
        _ method: Method, _ path: String, _ body: Body?, _ headers: [String: String]
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: base + path)
        request.method = HTTPMethod(rawValue: method.rawValue)
        if token == nil { request.headers.add(name: "host", value: "localhost") }
        request.headers.add(name: "user-agent", value: "ren")
        request.headers.add(name: "accept", value: "application/json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: body.type)
            request.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        return request
    }

    private static func send(_ request: HTTPClientRequest, _ patience: Duration) async throws -> Answer {
        let response = try await http.execute(request, timeout: TimeAmount(patience))
        let body = try await response.body.collect(upTo: bodyBytesMax)
        let bytes = Array(body.readableBytesView)
        var headers: [String: String] = [:]
        for (name, value) in response.headers { headers[name.lowercased()] = value }
        // What is not JSON has no members; whoever wants it takes the bytes.
        let json = (try? JSON(parsing: bytes, limits: .payload)) ?? .null
        return Answer(status: Int(response.status.code), headers: headers, json: json, body: bytes)
    }

    /// One for the process, which keeps connections open between calls.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private static func isLostConnection(_ error: any Error) -> Bool {
        guard let error = error as? HTTPClientError else { return true }
        return error == .remoteConnectionClosed || error == .uncleanShutdown
    }

    // MARK: Refusals

    func refusal(_ answer: Answer) -> RenError {
        if let problem = Problem(json: answer.json) { return problem.error }
        return RenError(
            .engineAnswer, "the engine at \(address) answered with HTTP status \(answer.status) and no reason",
            hint: "is it a ren of another version?")
    }

    private func unreachable(_ error: any Error) -> RenError {
        let isSlow = (error as? HTTPClientError) == .deadlineExceeded
        let what = isSlow ? "does not answer" : "cannot be reached: \(error)"
        return RenError(
            .engineUnreachable, "the engine at \(address) \(what)",
            hint: "ren doctor shows whether one is at work; what was asked can be asked again")
    }

    // MARK: Texts

    /// A key that no other request has.
    package static func newKey() -> String {
        var generator = SystemRandomNumberGenerator()
        return "cli-" + String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }

    /// RFC 3986: everything but unreserved characters as `%XX`.
    package static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension RenError.Code {
    /// No engine answers where one should be (exit 5).
    package static let engineUnreachable = Self("engine.unreachable")
    /// What it answered is not what ren's service answers.
    package static let engineAnswer = Self("engine.answer")
}
