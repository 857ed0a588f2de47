package import RenCore
import RenJSON

/// The names of a map's items, read from the payload of `map.opened` as far as they are asked for.
///
/// Items without a `key` are named by their index.
package struct ItemKeys: Sendable {
    private let payload: [UInt8]
    private var walk: JSONText.Elements?
    /// The index of the element that `walk` gives next.
    private var next = 0

    /// - Parameter payload: `{"keys": [...] | null, ...}`, as `MapContents` writes it.
    package init(payload: [UInt8]) {
        self.payload = payload
        if let keys = JSONText.slice(at: JSONPointer(["keys"]), in: payload),
            payload[keys.lowerBound] == UInt8(ascii: "[")
        {
            walk = JSONText.Elements(openingAt: keys.lowerBound)
        }
    }

    /// - Parameter index: at or after the last one asked for; an earlier one is named by its index.
    package mutating func key(of index: ItemIndex) -> String {
        while let range = walk?.next(in: payload) {
            defer { next += 1 }
            guard next == index.index else { continue }
            // The payload was made by ren and checked when it was written; a damaged one shows the index.
            guard case .string(let key)? = try? JSON(parsing: payload[range], limits: .payload) else { break }
            return key
        }
        return String(index.rawValue)
    }
}
