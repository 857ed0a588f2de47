package import RenCore
package import RenJSON
package import RenJournal

/// A group of failures, with the names of the nodes and items that it was seen in.
package struct ProblemView: Sendable {
    package let row: ProblemRow
    package let samples: [(node: String, key: String?)]

    package init(_ row: ProblemRow, of run: RunNumber, _ names: inout EventNames) throws(RenError) {
        self.row = row
        var samples: [(node: String, key: String?)] = []
        for sample in row.samples {
            guard let node = sample.node else { continue }
            var key: String?
            if case .item(_, let item) = sample { key = try names.key(of: item, node, in: run) }
            samples.append((try names.name(of: node, in: run), key))
        }
        self.samples = samples
    }

    /// `{"fingerprint", "name", "message", "frame", "failures", "attempts", "first", "last", "samples": [{"node", "key"}]}`
    package var json: JSONObject {
        [
            "fingerprint": .string(Self.text(row.fingerprint)), "name": .string(row.name),
            "message": .string(row.message), "frame": JSON(row.frame), "failures": JSON(row.failures),
            "attempts": JSON(row.attempts), "first": JSON(row.first), "last": JSON(row.last),
            "samples": .array(samples.map { ["node": .string($0.node), "key": JSON($0.key)] }),
        ]
    }

    /// 16 hexadecimal digits.
    package static func text(_ fingerprint: UInt64) -> String {
        let digits = String(fingerprint, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Reads `text(_:)`; nil for anything else.
    package static func fingerprint(_ text: String) -> UInt64? {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16), Self.text(value) == text else { return nil }
        return value
    }
}
