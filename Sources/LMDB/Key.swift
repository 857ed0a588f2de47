/// A key built in place: big-endian numbers and bytes, so that byte order is number order. Never allocates.
///
/// Holds at most `capacity` bytes, a limit of ours (LMDB has 511); more is a trap, so check text of users before.
/// An empty key is for building only; LMDB refuses it.
package struct Key: Sendable {
    package static let capacity = 256

    private typealias Words8 = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    private static let zeros: Words8 = (0, 0, 0, 0, 0, 0, 0, 0)

    private var storage = (zeros, zeros, zeros, zeros)
    package private(set) var byteCount = 0

    package init() {}
    package init(_ value: UInt64) { append(value) }
    package init(_ value: UInt32) { append(value) }
    package init(_ value: UInt16) { append(value) }
    package init(_ value: UInt8) { append(value) }
    package init(utf8 text: String) { append(utf8: text) }
    package init(_ bytes: RawSpan) { append(bytes) }

    package mutating func append(_ value: UInt64) { store(value.bigEndian, byteCount: 8) }
    package mutating func append(_ value: UInt32) { store(value.bigEndian, byteCount: 4) }
    package mutating func append(_ value: UInt16) { store(value.bigEndian, byteCount: 2) }
    package mutating func append(_ value: UInt8) { store(value, byteCount: 1) }

    package mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { unsafe append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// This key followed by more: `Key(run).appending(version)`.
    package consuming func appending(_ value: UInt64) -> Key { append(value); return self }
    package consuming func appending(_ value: UInt32) -> Key { append(value); return self }
    package consuming func appending(_ value: UInt16) -> Key { append(value); return self }
    package consuming func appending(_ value: UInt8) -> Key { append(value); return self }
    package consuming func appending(utf8 text: String) -> Key { append(utf8: text); return self }
    package consuming func appending(_ bytes: RawSpan) -> Key { append(bytes); return self }

    /// The smallest key greater than every key that begins with this one; nil when there is none (all bytes 255).
    package func afterPrefix() -> Key? {
        var next = self
        while next.byteCount > 0 {
            // SAFETY: byteCount - 1 is inside the storage.
            let wrapped = unsafe withUnsafeMutableBytes(of: &next.storage) { bytes in
                unsafe bytes[next.byteCount - 1] &+= 1
                return unsafe bytes[next.byteCount - 1] == 0
            }
            guard wrapped else { return next }
            next.byteCount -= 1
        }
        return nil
    }

    /// Lends the bytes.
    package func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try unsafe withUnsafeBytes { bytes throws(E) in try body(unsafe RawSpan(_unsafeBytes: bytes)) }
    }

    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        // SAFETY: the storage outlives the closure, and byteCount never exceeds it.
        try unsafe Swift.withUnsafeBytes(of: storage) { bytes throws(E) in
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes.prefix(byteCount)))
        }
    }

    private mutating func store<T: BitwiseCopyable>(_ value: T, byteCount count: Int) {
        precondition(byteCount + count <= Key.capacity, "key of more than \(Key.capacity) bytes")
        // SAFETY: the precondition keeps the store inside the storage.
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.storeBytes(of: value, toByteOffset: byteCount, as: T.self)
        }
        byteCount += count
    }

    private mutating func append(contentsOf source: UnsafeRawBufferPointer) {
        precondition(byteCount + source.count <= Key.capacity, "key of more than \(Key.capacity) bytes")
        let start = byteCount
        // SAFETY: the precondition keeps the copy inside the storage.
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...]).copyMemory(from: source)
        }
        byteCount += source.count
    }
}

extension Key: Equatable {
    package static func == (left: Key, right: Key) -> Bool {
        // SAFETY: both buffers are alive inside the closures and only read.
        unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
        }
    }
}

extension RawSpan {
    /// The big-endian numbers of a key or record, at any alignment; the offset must leave room for them.
    package func uint64(at offset: Int) -> UInt64 { UInt64(bigEndian: load(at: offset)) }
    package func uint32(at offset: Int) -> UInt32 { UInt32(bigEndian: load(at: offset)) }
    package func uint16(at offset: Int) -> UInt16 { UInt16(bigEndian: load(at: offset)) }
    package func uint8(at offset: Int) -> UInt8 { load(at: offset) }

    /// A copy that may leave the closure.
    package var copiedBytes: [UInt8] {
        // SAFETY: the buffer is read inside the closure only.
        unsafe withUnsafeBytes { unsafe Array($0) }
    }

    private func load<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> T {
        // SAFETY: the load checks its bounds, and every bit pattern is a number.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
    }
}
