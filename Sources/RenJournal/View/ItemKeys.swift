package import RenCore
import RenJSON

/// The names of a map's items, from the payload of its `map.opened`: `{"keys": [...] | null, ...}`.
///
/// Items without a `key` are named by their index. The payload is walked as far as keys are asked for; the place of
/// every 64th is kept, so that those before are found again.
package struct ItemKeys: Sendable {
    private static let stride = 64

    private let payload: [UInt8]
    private var walk: JSONText.Elements?
    /// The index of the element that `walk` gives next.
    private var next = 0
    /// Where the elements 0, 64, 128… begin, as far as `walk` came.
    private var anchors: [Int] = []

    package init(payload: [UInt8]) {
        self.payload = payload
        walk = Self.walk(payload)
    }

    /// No `key` is written.
    package var areIndexes: Bool { walk == nil }

    package mutating func key(of index: ItemIndex) -> String {
        guard walk != nil, let range = range(of: index.index) else { return String(index.rawValue) }
        return Self.text(range, in: payload)
    }

    /// Lends all keys, in the order of the index, until `body` says stop. Nothing for items that have none.
    package func forEach(_ body: (ItemIndex, UnsafeRawBufferPointer) -> HistoryStep) {
        guard var walk = Self.walk(payload) else { return }
        var index = ItemIndex(0)
        while let range = walk.next(in: payload) {
            guard Self.withText(range, in: payload, { body(index, $0) }) == .continue else { return }
            index = index.next
        }
    }

    /// - Parameter total: how many items the map has.
    func index(of key: String, total: Int) -> ItemIndex? {
        guard walk != nil else { return Self.index(named: key, total: total) }
        let bytes = Array(key.utf8)
        var found: ItemIndex?
        forEach { index, other in
            if other.elementsEqual(bytes) { found = index }
            return found == nil ? .continue : .stop
        }
        return found
    }

    /// Without `key` an item is named by its index, in the one way that it is written.
    static func index(named key: String, total: Int) -> ItemIndex? {
        guard let index = UInt32(key), String(index) == key, Int(index) < total else { return nil }
        return ItemIndex(rawValue: index)
    }

    private mutating func range(of index: Int) -> Range<Int>? {
        if index >= next {
            while let range = walk?.next(in: payload) {
                if next % Self.stride == 0 { anchors.append(range.lowerBound) }
                next += 1
                if next > index { return range }
            }
            return nil
        }
        var block = JSONText.Elements(resumingAt: anchors[index / Self.stride])
        for _ in 0..<index % Self.stride { _ = block.next(in: payload) }
        return block.next(in: payload)
    }

    // MARK: The payload

    /// Nil where no keys are written.
    static func walk(_ payload: [UInt8]) -> JSONText.Elements? {
        guard let keys = JSONText.slice(at: JSONPointer(["keys"]), in: payload),
            payload[keys.lowerBound] == UInt8(ascii: "[")
        else { return nil }
        return JSONText.Elements(openingAt: keys.lowerBound)
    }

    /// Lends the UTF-8 bytes of the string whose JSON text stands at `range`.
    static func withText<R>(_ range: Range<Int>, in payload: [UInt8], _ body: (UnsafeRawBufferPointer) -> R) -> R {
        payload.withUnsafeBytes { bytes in
            let text = UnsafeRawBufferPointer(rebasing: bytes[range])
            if text.count >= 2, text.first == UInt8(ascii: "\""), !text.contains(UInt8(ascii: "\\")) {
                return body(UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1]))
            }
            // The payload was made by ren and checked when it was written; of a damaged one the text itself is shown.
            guard case .string(let key)? = try? JSON(parsing: Array(text), limits: .payload) else { return body(text) }
            return Array(key.utf8).withUnsafeBytes(body)
        }
    }

    private static func text(_ range: Range<Int>, in payload: [UInt8]) -> String {
        withText(range, in: payload) { String(decoding: $0, as: UTF8.self) }
    }
}
