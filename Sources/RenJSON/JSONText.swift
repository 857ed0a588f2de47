/// Raw JSON text: checking it, and finding parts of it without building values.
///
/// Everything but `validate` takes bytes that were found valid before. Of other bytes the ranges mean nothing, but
/// nothing outside of the bytes is read.
package enum JSONText {
    /// Checks a text as strictly as the parser does, building nothing: the door for worker payloads.
    ///
    /// - Throws: what parsing would throw.
    package static func validate(_ bytes: some Collection<UInt8>, limits: JSONLimits = .payload) throws(JSONError) {
        try withBuffer(bytes) { buffer throws(JSONError) in
            var scanner = JSONScanner(buffer, limits: limits, builder: NothingBuilder())
            try scanner.document()
        }
    }

    /// Where the part stands that a pointer leads to, or nil when there is none.
    ///
    /// - Complexity: O(*n*) in the bytes before the end of the part.
    package static func slice(at pointer: JSONPointer, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var walker = TextWalker(bytes)
        walker.skipSpace()
        var start = walker.offset
        for token in pointer.tokens {
            guard let part = part(token, of: start, in: bytes) else { return nil }
            start = part.lowerBound
        }
        walker.offset = start
        return walker.value()
    }

    package static func slice(at pointer: JSONPointer, in bytes: [UInt8]) -> Range<Int>? {
        bytes.withUnsafeBytes { slice(at: pointer, in: $0) }
    }

    private static func part(_ token: String, of start: Int, in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard start < bytes.count else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "{"):
            var members = Members(openingAt: start)
            let key = ExactString(token)
            while let member = members.next(in: bytes) {
                if ExactString(member.key) == key { return member.value }
            }
            return nil
        case UInt8(ascii: "["):
            guard var skipped = JSONPointer.index(token) else { return nil }
            var elements = Elements(openingAt: start)
            while let element = elements.next(in: bytes) {
                if skipped == 0 { return element }
                skipped -= 1
            }
            return nil
        default:
            return nil
        }
    }
}

extension JSONText {
    /// Walks the elements of an array one by one; holds nothing but an offset, so it can be kept and resumed.
    package struct Elements: Sendable {
        /// Where the next element is looked for.
        package private(set) var offset: Int

        /// From the first element of the array whose bracket stands at `offset` or behind spaces there.
        package init(openingAt offset: Int = 0) {
            self.offset = offset
            needsOpening = true
        }

        /// From the element that starts at `offset`: the lower bound of a range `next` gave, or an earlier `offset`.
        package init(resumingAt offset: Int) {
            self.offset = offset
            needsOpening = false
        }

        private var needsOpening: Bool

        /// The bytes of the next element, or nil behind the last one and when there is no array.
        package mutating func next(in bytes: UnsafeRawBufferPointer) -> Range<Int>? {
            var walker = TextWalker(bytes, at: offset)
            if needsOpening {
                guard walker.skipSpaceAnd(UInt8(ascii: "[")) else { return nil }
                needsOpening = false
            }
            walker.skipSpace()
            defer { offset = walker.offset }
            guard let element = walker.value() else { return nil }
            _ = walker.skipSpaceAnd(UInt8(ascii: ","))
            return element
        }

        package mutating func next(in bytes: [UInt8]) -> Range<Int>? {
            bytes.withUnsafeBytes { next(in: $0) }
        }
    }

    /// Walks the members of an object one by one.
    package struct Members: Sendable {
        private var offset: Int
        private var needsOpening = true

        /// From the first member of the object whose brace stands at `offset` or behind spaces there.
        package init(openingAt offset: Int = 0) {
            self.offset = offset
        }

        /// The key and the bytes of the value of the next member, or nil behind the last one.
        package mutating func next(in bytes: UnsafeRawBufferPointer) -> (key: String, value: Range<Int>)? {
            var walker = TextWalker(bytes, at: offset)
            if needsOpening {
                guard walker.skipSpaceAnd(UInt8(ascii: "{")) else { return nil }
                needsOpening = false
            }
            walker.skipSpace()
            defer { offset = walker.offset }
            guard let key = walker.key(), walker.skipSpaceAnd(UInt8(ascii: ":")) else { return nil }
            walker.skipSpace()
            guard let value = walker.value() else { return nil }
            _ = walker.skipSpaceAnd(UInt8(ascii: ","))
            return (key, value)
        }

        package mutating func next(in bytes: [UInt8]) -> (key: String, value: Range<Int>)? {
            bytes.withUnsafeBytes { next(in: $0) }
        }
    }
}
