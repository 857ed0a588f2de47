package import RenCore

/// Failures of one kind in one run: same name, same frame, same message but for numbers, ids and URLs.
package struct ProblemRow: Sendable {
    package static let groupsMax = 100
    /// The group of all that came when there were `groupsMax`.
    package static let otherFingerprint = UInt64.max
    private static let samplesMax = 3

    package internal(set) var fingerprint: UInt64
    package internal(set) var name: String
    package internal(set) var frame: String?
    /// The first message of the kind.
    package internal(set) var message: String
    /// Nodes and items that have failed, and have not begun again or got a value since.
    package internal(set) var failures = 0
    /// Attempts that ever failed.
    package internal(set) var attempts = 0
    package internal(set) var first: Timestamp
    package internal(set) var last: Timestamp
    /// The first three nodes or items.
    package internal(set) var samples: [Event.Subject] = []

    /// `ValueError: no price`; the name alone where there is no message.
    package var text: String { message.isEmpty ? name : "\(name): \(message)" }

    init(_ fingerprint: UInt64, _ failure: Failure, at time: Timestamp) {
        let error = ErrorSummary(failure)
        let isOther = fingerprint == Self.otherFingerprint
        self.fingerprint = fingerprint
        name = isOther ? "other" : error.name
        frame = isOther ? nil : error.frame
        message = isOther ? "failures of more than \(Self.groupsMax) kinds" : error.message
        first = time
        last = time
    }

    /// Nothing is left to be told: all that failed so failed without an attempt, and is mended.
    var isEmpty: Bool { failures == 0 && attempts == 0 }

    /// The order in which they are shown.
    static func isLarger(_ left: ProblemRow, _ right: ProblemRow) -> Bool {
        (left.failures, left.attempts, right.fingerprint) > (right.failures, right.attempts, left.fingerprint)
    }

    mutating func add(_ event: Event) {
        last = max(last, event.time)
        if samples.count < Self.samplesMax, !samples.contains(event.subject) { samples.append(event.subject) }
        if event.fact.isFailure { failures += 1 } else { attempts += 1 }
    }
}

extension ProblemRow: Row {
    func write(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: fingerprint)
        bytes.append(text: name)
        bytes.append(optional: frame)
        bytes.append(text: message)
        bytes.append(varint: UInt64(failures))
        bytes.append(varint: UInt64(attempts))
        bytes.append(time: first)
        bytes.append(time: last)
        bytes.append(varint: UInt64(samples.count))
        for sample in samples {
            bytes.append(varint: UInt64(sample.node?.rawValue ?? 0))
            let item: ItemIndex? = if case .item(_, let item) = sample { item } else { nil }
            bytes.append(optional: item) { $0.append(varint: UInt64($1.rawValue)) }
        }
    }

    init(from reader: inout ByteReader) {
        fingerprint = reader.bigEndian()
        name = reader.text()
        frame = reader.optional { $0.text() }
        message = reader.text()
        failures = reader.number()
        attempts = reader.number()
        first = reader.time()
        last = reader.time()
        for _ in 0..<min(reader.number(Int.self), Self.samplesMax) {
            let node = NodeNumber(rawValue: reader.number())
            let item = reader.optional { ItemIndex(rawValue: $0.number()) }
            samples.append(item.map { .item(node, $0) } ?? .node(node))
        }
    }
}

extension Fact {
    /// A node or item has failed for good.
    var isFailure: Bool { if case .failed = self { true } else { false } }

    /// The failure that counts in a group. The items that failed stand for a map that failed because of them.
    var problem: Failure? {
        switch self {
        case .attemptFailed(let failure, _): failure
        case .failed(let failure): failure.name == Failure.Name.tooManyFailed ? nil : failure
        default: nil
        }
    }
}

extension Failure {
    /// The first 8 bytes of SHA-256 over name, frame and masked message.
    var fingerprint: UInt64 {
        let text = "\(name)\0\(frame ?? "")\0\(Failure.masked(message))"
        let value = Digest(hashing: Array(text.utf8)).withBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
        return value == ProblemRow.otherFingerprint ? 0 : value
    }

    /// The message without what differs from case to case: URLs as `<url>`, numbers as `#`, words with a digit in them
    /// (ids, hashes, file names) as `<id>`.
    static func masked(_ message: String) -> String {
        var masked = ""
        for word in message.cut(toUTF8: 1_000).split(separator: " ", omittingEmptySubsequences: false) {
            if !masked.isEmpty { masked += " " }
            masked += word.contains("://") ? "<url>" : maskedWord(word)
        }
        return masked
    }

    private static func maskedWord(_ word: Substring) -> String {
        var masked = ""
        var part: [Unicode.Scalar] = []
        func finishPart() {
            defer { part.removeAll(keepingCapacity: true) }
            let digits = part.count { ("0"..."9").contains($0) }
            if digits == 0 {
                masked.unicodeScalars.append(contentsOf: part)
            } else {
                masked += part.contains { $0.properties.isAlphabetic } ? "<id>" : "#"
            }
        }
        for scalar in word.unicodeScalars {
            let isOfWord = scalar.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains(scalar)
            if isOfWord {
                part.append(scalar)
            } else {
                finishPart()
                masked.unicodeScalars.append(scalar)
            }
        }
        finishPart()
        return masked
    }
}
