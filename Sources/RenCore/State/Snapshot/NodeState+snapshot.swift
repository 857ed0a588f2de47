extension NodeState.Phase: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        switch self {
        case .pending: bytes.append(0)
        case .waiting(let wait):
            bytes.append(1)
            bytes.append(part: wait)
        case .mapping: bytes.append(2)
        case .failing(let failure):
            bytes.append(3)
            bytes.append(part: failure)
        case .succeeded: bytes.append(4)
        case .failed: bytes.append(5)
        case .skipped(let reason):
            bytes.append(6)
            bytes.append(name: reason)
        case .cancelled: bytes.append(7)
        case .unknown(let reason):
            bytes.append(8)
            bytes.append(name: reason)
        }
    }

    init(from reader: inout ByteReader) {
        switch reader.byte() {
        case 0: self = .pending
        case 1: self = .waiting(reader.part())
        case 2: self = .mapping
        case 3: self = .failing(reader.part())
        case 4: self = .succeeded
        case 5: self = .failed
        case 6: self = .skipped(reader.name(.notTaken))
        case 7: self = .cancelled
        case 8: self = .unknown(reader.name(.timeout))
        default:
            reader.breakOff()
            self = .pending
        }
    }
}

extension NodeState.Output: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        switch self {
        case .none: bytes.append(0)
        case .payload(let reference):
            bytes.append(1)
            bytes.append(part: reference)
        case .items: bytes.append(2)
        }
    }

    init(from reader: inout ByteReader) {
        switch reader.byte() {
        case 0: self = .none
        case 1: self = .payload(reader.part())
        case 2: self = .items
        default:
            reader.breakOff()
            self = .none
        }
    }
}

extension NodeState.Recorded: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(varint: version.rawValue)
        bytes.append(part: output)
        bytes.append(optional: input) { $0.append($1) }
        bytes.append(optional: code) { $0.append($1) }
        bytes.append(optional: asked)
        bytes.append(optional: map)
    }

    init(from reader: inout ByteReader) {
        self.init(
            version: reader.version(), output: reader.part(), input: reader.optional { $0.digest() },
            code: reader.optional { $0.digest() }, asked: reader.optionalPart(), map: reader.optionalPart())
    }
}

extension NodeState.RecordedMap: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(varint: opened.rawValue)
        bytes.append(source)
        bytes.append(count: total)
        bytes.append(count: succeeded)
    }

    init(from reader: inout ByteReader) {
        self.init(
            opened: reader.version(), source: reader.digest(), total: reader.number(), succeeded: reader.number())
    }
}

/// A node but for its map, which needs its pages.
extension NodeState: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(part: phase)
        bytes.append(part: work)
        bytes.append(part: output)
        bytes.append(optional: way)
        bytes.append(optional: error)
        bytes.append(optional: asked)
        bytes.append(optional: recorded)
    }

    init(from reader: inout ByteReader) {
        phase = reader.part()
        work = reader.part()
        output = reader.part()
        way = reader.optional { $0.text() }
        error = reader.optionalPart()
        asked = reader.optionalPart()
        recorded = reader.optionalPart()
    }
}

/// A map without its items.
struct MapOutline: SnapshotPart {
    var opening: MapOpening
    var version: RunVersion
    var next: Int
    var counts: MapCounts
    var chosen: ItemRanges
    var isClosed: Bool
    var isKept: Bool

    init(_ map: MapState) {
        opening = map.opening
        version = map.version
        next = map.next
        counts = map.counts
        chosen = map.chosen
        isClosed = map.isClosed
        isKept = map.isKept
    }

    var pageCount: Int { (next + MapState.pageItems - 1) / MapState.pageItems }

    func write(to bytes: inout [UInt8]) {
        bytes.append(part: opening)
        bytes.append(varint: version.rawValue)
        bytes.append(count: next)
        bytes.append(part: counts)
        bytes.append(text: chosen.description)
        bytes.append(flag: isClosed)
        bytes.append(flag: isKept)
    }

    init(from reader: inout ByteReader) {
        opening = reader.part()
        version = reader.version()
        next = reader.number()
        counts = reader.part()
        chosen = ItemRanges(reader.text()) ?? ItemRanges()
        isClosed = reader.flag()
        isKept = reader.flag()
        // No number of damaged bytes leads to work without end.
        guard opening.total <= Self.itemsMax, next <= opening.total else {
            reader.breakOff()
            next = 0
            return
        }
    }

    private static let itemsMax = 10_000_000
}

extension MapState.Page: SnapshotPart {
    /// The words up to the last one that is not 0, then, for the items whose two bits say `open`, their states in runs
    /// of equal ones: length × 4 + 0 open, 1 skipped, 2 cancelled, 3 unknown.
    func write(to bytes: inout [UInt8]) {
        let used = (words.lastIndex { $0 != 0 } ?? -1) + 1
        bytes.append(count: used)
        for word in words[..<used] { bytes.append(bigEndian: word) }
        var length: UInt64 = 0
        var code: UInt64 = 0
        for place in places(.open) {
            let next = sparse[UInt16(place)].map { UInt64($0.rawValue) - 3 } ?? 0
            if next != code, length > 0 {
                bytes.append(varint: length << 2 | code)
                length = 0
            }
            code = next
            length += 1
        }
        if length > 0 { bytes.append(varint: length << 2 | code) }
    }

    init(from reader: inout ByteReader) {
        let used: Int = reader.number()
        guard used <= words.count else {
            reader.breakOff()
            return
        }
        for index in 0..<used { words[index] = reader.bigEndian() }
        var places = places(.open)[...]
        while !places.isEmpty, !reader.isBroken {
            let run = reader.varint()
            guard run >> 2 > 0, run >> 2 <= UInt64(places.count) else {
                reader.breakOff()
                return
            }
            let state = run & 3 == 0 ? nil : MapState.ItemState(rawValue: UInt8(run & 3) + 3)
            for place in places.prefix(Int(run >> 2)) { sparse[UInt16(place)] = state }
            places = places.dropFirst(Int(run >> 2))
        }
    }

    /// Places of items that have begun and are not settled.
    var openPlaces: [Int] { places(.open).filter { sparse[UInt16($0)] == nil } }
}
