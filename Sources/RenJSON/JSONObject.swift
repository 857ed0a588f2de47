/// The members of a JSON object, in written order, with unique keys.
///
/// Keys are compared by their Unicode scalars. A lookup is linear up to 16 members and hashed above.
public struct JSONObject: Sendable {
    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }

        public static func == (left: Member, right: Member) -> Bool {
            ExactString(left.key) == ExactString(right.key) && left.value == right.value
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(ExactString(key))
            hasher.combine(value)
        }
    }

    public private(set) var members: [Member] = []

    /// Positions by key; nil while a linear search is as quick.
    private var positions: [ExactString: Int]?

    static let membersWithoutIndexMax = 16

    public init() {}

    /// - Precondition: no key stands twice.
    public init(members: [Member]) {
        self.init(uniqueMembers: members)
        if let positions {
            precondition(positions.count == members.count, "a key stands twice among \(members.count) members")
        } else {
            for (position, member) in members.enumerated() {
                precondition(self.position(of: member.key) == position, "the key \"\(member.key)\" stands twice")
            }
        }
    }

    /// For the parser and copies of an object, where uniqueness is known.
    init(uniqueMembers members: [Member]) {
        self.members = members
        indexIfLarge()
    }

    /// The value of a key. Setting keeps the place of a known key, appends a new one, and with nil removes it.
    ///
    /// - Complexity: removal is O(*n*).
    public subscript(key: String) -> JSON? {
        get { position(of: key).map { members[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                members[position].value = value
            case (let position?, nil):
                members.remove(at: position)
                indexIfLarge()
            case (nil, let value?):
                members.append(Member(key: key, value: value))
                if positions == nil { indexIfLarge() } else { positions?[ExactString(key)] = members.count - 1 }
            case (nil, nil):
                break
            }
        }
    }

    public var keys: some RandomAccessCollection<String> { members.lazy.map(\.key) }

    /// Where the key stands among the members.
    public func position(of key: String) -> Int? {
        let key = ExactString(key)
        return if let positions { positions[key] } else { members.firstIndex { ExactString($0.key) == key } }
    }

    private mutating func indexIfLarge() {
        guard members.count > Self.membersWithoutIndexMax else { return positions = nil }
        var index = [ExactString: Int](minimumCapacity: members.count)
        for (position, member) in members.enumerated() { index[ExactString(member.key)] = position }
        positions = index
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public subscript(position: Int) -> Member { members[position] }
}

extension JSONObject: Hashable {
    /// The same members in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        // A sum does not depend on the order of the members.
        hasher.combine(members.reduce(0) { $0 &+ $1.hashValue })
    }
}
