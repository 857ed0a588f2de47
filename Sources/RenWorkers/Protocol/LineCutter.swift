/// Cuts what a process prints into lines of at most 8 KiB; bytes beyond are counted, not kept.
struct LineCutter {
    private var line: [UInt8] = []
    private var dropped = 0

    /// The lines that `bytes` complete.
    mutating func feed(_ bytes: some Collection<UInt8>) -> [String] {
        var lines: [String] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            add(rest[..<end])
            lines.append(take())
            rest = rest[rest.index(after: end)...]
        }
        add(rest)
        return lines
    }

    /// What stands without a newline at the end of the stream.
    mutating func finish() -> String? {
        line.isEmpty && dropped == 0 ? nil : take()
    }

    private mutating func add(_ part: some Collection<UInt8>) {
        let taken = part.prefix(LogLine.textMax - line.count)
        line.append(contentsOf: taken)
        dropped += part.count - taken.count
    }

    private mutating func take() -> String {
        defer {
            line.removeAll(keepingCapacity: true)
            dropped = 0
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        return dropped > 0 ? "\(text)… (\(dropped) bytes more)" : text
    }
}

/// How much log text a worker may send: 1 MiB a second, so that one that prints without end fills no memory and no disk.
///
/// What was lost is told to the call that said it, with its next line that is taken or at its end.
struct LogAllowance {
    static let bytesPerSecond = 1 << 20

    private var used = 0
    private var second: Int64 = 0
    /// How many lines were lost and not told yet, by call; nil: said outside of calls.
    private var dropped: [CallID?: Int] = [:]

    /// - Parameter second: a clock's whole seconds.
    /// - Returns: whether a line of this size is taken.
    mutating func take(_ size: Int, of call: CallID?, at second: Int64) -> Bool {
        if second != self.second {
            self.second = second
            used = 0
        }
        guard used + size <= Self.bytesPerSecond else {
            dropped[call, default: 0] += 1
            return false
        }
        used += size
        return true
    }

    /// How many lines of the call were lost, to be told once.
    mutating func takeDropped(of call: CallID?) -> Int { dropped.removeValue(forKey: call) ?? 0 }
}
