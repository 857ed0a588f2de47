/// What makes a request the same request again: it stands with the first of its events (SEMANTICS.md 8).
package struct RequestMark: Hashable, Sendable {
    package static let keyBytesMax = 200

    /// The asker's own name of the request: 1 to 200 printable ASCII characters, as in the header `Idempotency-Key`. It
    /// means the same in the whole data directory.
    package let key: String
    /// SHA-256 of method, path and canonical body.
    package let digest: Digest
    /// How many events the request's batch has, from its first one on. The journal fills it in.
    package var events = 1

    /// - Throws: `request.key_invalid`.
    package init(key: String, digest: Digest) throws(RenError) {
        guard Self.isKey(key) else {
            throw RenError(
                .requestKeyInvalid,
                "the key of a request has \(key.utf8.count) bytes, or other characters than printable ASCII",
                hint: "give 1 to \(Self.keyBytesMax) printable ASCII characters; a UUID is good")
        }
        self.key = key
        self.digest = digest
    }

    package static func isKey(_ text: String) -> Bool {
        (1...keyBytesMax).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}

/// Who asks, and on which conditions.
package struct Asker: Sendable {
    /// `cli`, `http:…`; nil when ren decides by itself.
    package var by: String?
    /// With a key, the request has at most one effect, however often it comes.
    package var request: RequestMark?
    /// The control version that the asker has seen: with another one the request is refused.
    package var ifMatch: RunVersion?

    package init(by: String? = nil, request: RequestMark? = nil, ifMatch: RunVersion? = nil) {
        self.by = by
        self.request = request
        self.ifMatch = ifMatch
    }
}

extension RenError {
    /// The key is known, with other content.
    package static func keyReused(_ key: String) -> RenError {
        RenError(
            .requestKeyReused, "the key \(key) belongs to another request",
            hint: "send each request under a key of its own; the same key is only for the same request again")
    }
}
