/// A string compared by its UTF-8 bytes, not by canonical equivalence as Swift's `==` does.
///
/// Python and JavaScript treat `é` and `e` + accent as two keys, so ren must too.
package struct ExactString: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (left: ExactString, right: ExactString) -> Bool {
        let (left, right) = (left.string.utf8, right.string.utf8)
        guard left.count == right.count else { return false }
        let same = left.withContiguousStorageIfAvailable { left in
            right.withContiguousStorageIfAvailable { right in
                sameBytes(left.baseAddress, right.baseAddress, count: left.count)
            }
        }
        return (same ?? nil) ?? left.elementsEqual(right)
    }

    package func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// Whether two runs of bytes are equal; either may be nil when the count is zero.
func sameBytes(_ left: UnsafePointer<UInt8>?, _ right: UnsafePointer<UInt8>?, count: Int) -> Bool {
    guard count > 0, let left, let right, left != right else { return true }
    var offset = 0
    while offset + 8 <= count {
        let words = (word(at: left + offset), word(at: right + offset))
        guard words.0 == words.1 else { return false }
        offset += 8
    }
    while offset < count {
        guard left[offset] == right[offset] else { return false }
        offset += 1
    }
    return true
}
