import RenCore
import RenJSON

/// The way from an item's index to its element, as the payload of `map.opened` keeps it.
///
/// The payload is JSON: `{"keys": [...] | null, "stored": {"version", "offsets"}}` for a list in another payload,
/// `{"keys", "lines": {"artifact", "offsets"}}` for JSON Lines, `{"keys", "items": {"node", "indexes" | null}}` for the items
/// of a map that succeeded, `{"keys", "values": [...]}` for a list that was computed. Offsets are those of every 64th
/// element, so memory does not grow with the elements.
struct MapContents {
    enum Elements {
        /// Elements inside the payload of `version`; `offsets` are byte offsets there.
        case stored(version: RunVersion, offsets: [Int])
        /// Lines of an artifact.
        case lines(artifact: Digest, offsets: [Int])
        /// Outputs of another map's items; nil: all of them, index by index.
        case items(of: NodeNumber, indexes: [UInt32]?)
    }

    static let stride = 64

    var total: Int
    var elements: Elements
}

extension MapContents {
    /// Offsets of every 64th element of the array that stands at `start` in `bytes`, and how many there are.
    ///
    /// - Returns: nil when no array stands there.
    static func scan(_ bytes: [UInt8], from start: Int) -> (total: Int, offsets: [Int])? {
        guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return nil }
        var walk = JSONText.Elements(openingAt: start)
        var total = 0
        var offsets: [Int] = []
        while let range = walk.next(in: bytes) {
            if total % stride == 0 { offsets.append(range.lowerBound) }
            total += 1
        }
        return (total, offsets)
    }

    /// The payload of `map.opened`.
    ///
    /// - Parameters:
    ///   - keys: JSON text; nil without `key`.
    ///   - values: the computed list, if the elements stand in no other payload.
    func payload(keys: [UInt8]?, values: [UInt8]?) -> [UInt8] {
        var bytes = Array(#"{"keys":"#.utf8)
        bytes += keys ?? Array("null".utf8)
        if let values {
            bytes += Array(#","values":"#.utf8) + values
        } else {
            switch elements {
            case .stored(let version, let offsets):
                let stored: JSON = [
                    "version": .integer(Int64(version.rawValue)),
                    "offsets": .array(offsets.map { .integer(Int64($0)) }),
                ]
                bytes += Array(#","stored":"#.utf8) + stored.compact
            case .lines(let artifact, let offsets):
                let lines: JSON = [
                    "artifact": .string(artifact.description), "offsets": .array(offsets.map { .integer(Int64($0)) }),
                ]
                bytes += Array(#","lines":"#.utf8) + lines.compact
            case .items(let node, let indexes):
                let items: JSON = [
                    "node": .integer(Int64(node.rawValue)),
                    "indexes": indexes.map { .array($0.map { .integer(Int64($0)) }) } ?? .null,
                ]
                bytes += Array(#","items":"#.utf8) + items.compact
            }
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// Reads `payload`, which `map.opened` of `version` carries.
    ///
    /// Nil for one that ren did not write so. Why it cannot be read is of no use: the caller reports a damaged journal,
    /// and `verify` names the record.
    init?(payload bytes: [UInt8], version: RunVersion, total: Int) {
        self.total = total
        if let range = JSONText.slice(at: JSONPointer(["values"]), in: bytes) {
            guard let scan = Self.scan(bytes, from: range.lowerBound) else { return nil }
            elements = .stored(version: version, offsets: scan.offsets)
        } else if let range = JSONText.slice(at: JSONPointer(["stored"]), in: bytes) {
            guard let stored = try? JSON(parsing: Array(bytes[range]), limits: .payload),
                let source = stored["version"]?.integerValue, let offsets = stored["offsets"]?.arrayValue
            else { return nil }
            elements = .stored(
                version: RunVersion(source), offsets: offsets.compactMap { $0.integerValue.map { Int($0) } })
        } else if let range = JSONText.slice(at: JSONPointer(["lines"]), in: bytes) {
            guard let lines = try? JSON(parsing: Array(bytes[range]), limits: .payload),
                let artifact = lines["artifact"]?.stringValue.flatMap({ Digest(hex: $0) }),
                let offsets = lines["offsets"]?.arrayValue
            else { return nil }
            elements = .lines(artifact: artifact, offsets: offsets.compactMap { $0.integerValue.map { Int($0) } })
        } else if let range = JSONText.slice(at: JSONPointer(["items"]), in: bytes) {
            guard let items = try? JSON(parsing: Array(bytes[range]), limits: .payload),
                let node = items["node"]?.integerValue
            else { return nil }
            let indexes = items["indexes"]?.arrayValue?.compactMap { $0.integerValue.map { UInt32($0) } }
            elements = .items(of: NodeNumber(node), indexes: indexes)
        } else {
            return nil
        }
    }
}
