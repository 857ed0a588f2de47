// The values in snapshots, in bytes: fields in the order of `write`, numbers as varints, times as 8 bytes, texts with
// their length in front, an optional value behind a byte 0 or 1. Equal values are equal bytes.

/// A value in a snapshot. Reading never fails: what is no such value breaks the reader.
protocol SnapshotPart {
    func write(to bytes: inout [UInt8])
    init(from reader: inout ByteReader)
}

extension [UInt8] {
    mutating func append(part: some SnapshotPart) { part.write(to: &self) }
    mutating func append(optional part: (some SnapshotPart)?) { append(optional: part) { $1.write(to: &$0) } }
    mutating func append(count: Int) { append(varint: UInt64(count)) }
    mutating func append(flag: Bool) { append(flag ? 1 : 0) }
    mutating func append(duration: Duration) { append(bigEndian: duration.nanoseconds) }
    mutating func append(name: some RawRepresentable<String>) { append(text: name.rawValue) }
}

extension ByteReader {
    mutating func part<T: SnapshotPart>(_ type: T.Type = T.self) -> T { T(from: &self) }
    mutating func optionalPart<T: SnapshotPart>(_ type: T.Type = T.self) -> T? { optional { T(from: &$0) } }
    mutating func flag() -> Bool { byte() != 0 }
    mutating func duration() -> Duration { .nanoseconds(bigEndian(Int64.self)) }
    mutating func version() -> RunVersion { RunVersion(rawValue: varint()) }

    mutating func name<T: RawRepresentable<String>>(_ fallback: T) -> T {
        if let value = T(rawValue: text()) { return value }
        breakOff()
        return fallback
    }

    /// A length of something that takes at least one byte each, so that damage cannot ask for much memory.
    mutating func count() -> Int {
        let count: Int = number()
        guard count <= bytes.count - offset else {
            breakOff()
            return 0
        }
        return count
    }
}

extension PayloadReference: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(varint: version.rawValue)
        bytes.append(count: length)
        bytes.append(hash)
    }

    init(from reader: inout ByteReader) {
        self.init(version: reader.version(), length: reader.number(), hash: reader.digest())
    }
}

extension Failure: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(text: name)
        bytes.append(text: message)
        bytes.append(optional: frame)
        bytes.append(optional: item)
    }

    init(from reader: inout ByteReader) {
        self.init(
            reader.text(), reader.text(), frame: reader.optional { $0.text() }, item: reader.optional { $0.text() })
    }
}

extension SignalWait: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(text: signal)
        bytes.append(text: message)
        bytes.append(optional: until)
    }

    init(from reader: inout ByteReader) {
        self.init(signal: reader.text(), message: reader.text(), until: reader.optional { $0.time() })
    }
}

extension RunCreation: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(text: id)
        bytes.append(flow)
        bytes.append(text: flowName)
        bytes.append(optional: functions) { $0.append($1) }
        bytes.append(count: semantics)
    }

    init(from reader: inout ByteReader) {
        self.init(
            id: reader.text(), flow: reader.digest(), flowName: reader.text(),
            functions: reader.optional { $0.digest() }, semantics: reader.number())
    }
}

extension MapOpening: SnapshotPart {
    func write(to bytes: inout [UInt8]) {
        bytes.append(count: total)
        bytes.append(source)
        bytes.append(optional: concurrency) { $0.append(bigEndian: Int64($1)) }
    }

    init(from reader: inout ByteReader) {
        self.init(
            total: reader.number(), source: reader.digest(),
            concurrency: reader.optional { Int($0.bigEndian(Int64.self)) })
    }
}

extension MapCounts: SnapshotPart {
    private static var fields: [WritableKeyPath<MapCounts, Int>] {
        [\.succeeded, \.failed, \.skipped, \.cancelled, \.unknown, \.pending]
    }

    func write(to bytes: inout [UInt8]) {
        for field in Self.fields { bytes.append(count: self[keyPath: field]) }
    }

    init(from reader: inout ByteReader) {
        self.init()
        for field in Self.fields { self[keyPath: field] = reader.number() }
    }
}

extension Work: SnapshotPart {
    /// There are many of them, so one number says which of the fields follow.
    private struct Presence: OptionSet {
        let rawValue: UInt16
        static let running = Presence(rawValue: 1)
        static let deadline = Presence(rawValue: 2)
        static let alone = Presence(rawValue: 4)
        static let retrying = Presence(rawValue: 8)
        static let nextAlone = Presence(rawValue: 16)
        static let firstBegun = Presence(rawValue: 32)
        static let input = Presence(rawValue: 64)
        static let code = Presence(rawValue: 128)
        static let checkpoint = Presence(rawValue: 256)
        static let failures = Presence(rawValue: 512)
    }

    private var hasFailures: Bool { counted != 0 || workerDeaths != 0 || engineDeaths != 0 }

    func write(to bytes: inout [UInt8]) {
        var presence: Presence = []
        var until: Timestamp?
        switch phase {
        case .ready: break
        case .running(let running):
            presence.insert(.running)
            if running.alone { presence.insert(.alone) }
            if running.deadline != nil { presence.insert(.deadline) }
            until = running.deadline
        case .retrying(let time):
            presence.insert(.retrying)
            until = time
        }
        if nextAlone { presence.insert(.nextAlone) }
        if firstBegun != nil { presence.insert(.firstBegun) }
        if input != nil { presence.insert(.input) }
        if code != nil { presence.insert(.code) }
        if checkpoint != nil { presence.insert(.checkpoint) }
        if hasFailures { presence.insert(.failures) }
        bytes.append(varint: UInt64(presence.rawValue))
        bytes.append(varint: UInt64(attempts))
        bytes.append(varint: last.rawValue)
        if let running { bytes.append(varint: running.token.rawValue) }
        if let until { bytes.append(time: until) }
        if let firstBegun { bytes.append(duration: firstBegun) }
        if let input { bytes.append(input) }
        if let code { bytes.append(code) }
        if let checkpoint { bytes.append(part: checkpoint) }
        if hasFailures { for number in [counted, workerDeaths, engineDeaths] { bytes.append(count: number) } }
    }

    init(from reader: inout ByteReader) {
        let presence = Presence(rawValue: reader.number())
        attempts = reader.number()
        last = reader.version()
        if presence.contains(.running) {
            phase = .running(
                Running(
                    token: reader.version(), deadline: presence.contains(.deadline) ? reader.time() : nil,
                    alone: presence.contains(.alone)))
        } else if presence.contains(.retrying) {
            phase = .retrying(until: reader.time())
        }
        nextAlone = presence.contains(.nextAlone)
        if presence.contains(.firstBegun) { firstBegun = reader.duration() }
        if presence.contains(.input) { input = reader.digest() }
        if presence.contains(.code) { code = reader.digest() }
        if presence.contains(.checkpoint) { checkpoint = reader.part() }
        if presence.contains(.failures) {
            counted = reader.number()
            workerDeaths = reader.number()
            engineDeaths = reader.number()
        }
    }
}
