import HTTPTypes
import NIOCore
import RenCore
import RenJSON
import RenJournal

/// Who asks, under which key and on which condition (SEMANTICS.md 8).
extension Call {
    /// - Throws: `request.key_invalid`, `precondition.invalid`.
    func asker() throws(RenError) -> Asker {
        var asker = Asker(by: by)
        if let who = json["by"]?.stringValue { asker.by = "\(by):\(who)" }
        if let key = headers[.idempotencyKey] { asker.request = try RequestMark(key: key, digest: digest) }
        asker.ifMatch = try headers[.ifMatch].flatMap { text throws(RenError) in try Self.control(in: text) }
        return asker
    }

    /// SHA-256 of method, path and canonical body.
    private var digest: Digest {
        var bytes = Array("\(method.rawValue)\n\(path)\n".utf8)
        // A flow is taken as text, also when that is JSON.
        bytes += json.isNull ? Array(body.readableBytesView) : json.canonical
        return Digest(hashing: bytes)
    }

    /// The control version in `"12.34"` or `"12"`; nil for `*`, which every run matches.
    private static func control(in text: String) throws(RenError) -> RunVersion? {
        if text == "*" { return nil }
        let inner = text.dropFirst().dropLast()
        let parts = inner.split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
        guard text.count > 2, text.first == "\"", text.last == "\"", (1...2).contains(parts.count),
            parts.allSatisfy({ $0 != nil }), let control = parts[0]
        else {
            throw RenError(
                .init("precondition.invalid"), "If-Match is not the ETag of a run",
                hint: "send the ETag of GET /api/v1/runs/{run}, or its control version alone in quotes")
        }
        return RunVersion(rawValue: control)
    }

    /// Whether `If-None-Match` names this tag.
    func knows(_ tag: String) -> Bool {
        guard let known = headers[.ifNoneMatch] else { return false }
        return known.split(separator: ",").contains { entry in
            let entry = entry.drop { $0 == " " }
            let strong = entry.hasPrefix("W/") ? entry.dropFirst(2) : entry
            return strong.prefix { $0 != " " } == tag || strong == "*"
        }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self("Idempotency-Key")!
}

/// What the routes that ask something have in common.
extension Route.Parameter {
    static let idempotencyKey = header(
        "Idempotency-Key",
        "The asker's own name of the request: under one name it has one effect, however often it is sent",
        ["type": "string", "pattern": "^[ -~]{1,200}$"])
    static let ifMatch = header(
        "If-Match", "The ETag of the run, or its control version in quotes: with another one the request is refused")
    static let ifNoneMatch = header("If-None-Match", "The ETag of the answer that is known: 304 when it is the same")
    static let limit = query("limit", "How many there are on a page", .integer(from: 1, to: 1000, default: 50))
    static let cursor = query(
        "cursor", "next of the page before", ["type": "string", "minLength": 1, "maxLength": 400])
}
