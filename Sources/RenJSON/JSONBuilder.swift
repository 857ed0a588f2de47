/// What the scanner makes of a text: a tree, a tree with places, or nothing.
protocol JSONBuilder {
    associatedtype Value
    /// Where a value or key starts, as far as the builder cares.
    associatedtype Mark
    associatedtype Elements
    associatedtype Members

    /// Whether numbers are needed as values; without it they are only checked.
    static var readsNumbers: Bool { get }

    /// Called in rising order of offsets, before anything of the value is built.
    mutating func mark(_ offset: Int) -> Mark

    /// Null, a boolean or a number.
    func scalar(_ value: JSON, at mark: Mark) -> Value
    func string(_ text: RawText, at mark: Mark) -> Value

    func makeElements() -> Elements
    func append(_ value: Value, to elements: inout Elements)
    func array(_ elements: consuming Elements, at mark: Mark) -> Value

    func makeMembers() -> Members
    func append(_ value: Value, key: RawText, at mark: Mark, to members: inout Members)
    func object(_ members: consuming Members, at mark: Mark) -> Value
}

/// Builds `JSON`.
struct TreeBuilder: JSONBuilder {
    static var readsNumbers: Bool { true }

    func mark(_ offset: Int) {}
    func scalar(_ value: JSON, at mark: Void) -> JSON { value }
    func string(_ text: RawText, at mark: Void) -> JSON { .string(text.string) }

    func makeElements() -> [JSON] { [] }
    func append(_ value: JSON, to elements: inout [JSON]) { elements.append(value) }
    func array(_ elements: consuming [JSON], at mark: Void) -> JSON { .array(elements) }

    func makeMembers() -> [JSONObject.Member] { [] }
    func append(_ value: JSON, key: RawText, at mark: Void, to members: inout [JSONObject.Member]) {
        if members.isEmpty { members.reserveCapacity(4) }  // growing from one costs three allocations
        members.append(JSONObject.Member(key: key.string, value: value))
    }
    func object(_ members: consuming [JSONObject.Member], at mark: Void) -> JSON {
        .object(JSONObject(uniqueMembers: members))
    }
}

/// Builds `Located`.
struct LocatedBuilder: JSONBuilder {
    static var readsNumbers: Bool { true }
    private var tracker: PlaceTracker

    init(_ text: UnsafeBufferPointer<UInt8>) {
        tracker = PlaceTracker(text)
    }

    mutating func mark(_ offset: Int) -> Place { tracker.place(at: offset) }
    func scalar(_ value: JSON, at mark: Place) -> Located { Located(json: value, at: mark) }
    func string(_ text: RawText, at mark: Place) -> Located { Located(.string(text.string), at: mark) }

    func makeElements() -> [Located] { [] }
    func append(_ value: Located, to elements: inout [Located]) { elements.append(value) }
    func array(_ elements: consuming [Located], at mark: Place) -> Located { Located(.array(elements), at: mark) }

    func makeMembers() -> [Located.Member] { [] }
    func append(_ value: Located, key: RawText, at mark: Place, to members: inout [Located.Member]) {
        members.append(Located.Member(key: key.string, keyPlace: mark, value: value))
    }
    func object(_ members: consuming [Located.Member], at mark: Place) -> Located {
        Located(.object(members), at: mark)
    }
}

/// Builds nothing: the scanner's checks are all that is wanted.
struct NothingBuilder: JSONBuilder {
    static var readsNumbers: Bool { false }

    func mark(_ offset: Int) {}
    func scalar(_ value: JSON, at mark: Void) {}
    func string(_ text: RawText, at mark: Void) {}
    func makeElements() {}
    func append(_ value: Void, to elements: inout Void) {}
    func array(_ elements: consuming Void, at mark: Void) {}
    func makeMembers() {}
    func append(_ value: Void, key: RawText, at mark: Void, to members: inout Void) {}
    func object(_ members: consuming Void, at mark: Void) {}
}
