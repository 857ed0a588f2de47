import RenCore
import RenJSON
import RenWorkers

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The log of one run: `runs/<run>/logs.jsonl`, JSON Lines in files of 16 MiB, 8 at most, the oldest dropped first.
///
/// It is no truth: lines lost in a crash are lost. `logs.jsonl` is written to; `logs.1.jsonl` is the file before it.
final class RunLog {
    private static let textMax = 8 << 10

    private let directory: String
    private let run: String
    private var buffer: [UInt8] = []
    /// How far the run is in the journal: while it is not there, nothing is written of it.
    private let committed: Watermark

    /// - Parameter directory: the run's folder; it is made when the first line is written.
    init(directory: String, run: String, committed: Watermark) {
        self.directory = directory
        self.run = run
        self.committed = committed
    }

    deinit { flush() }

    /// Adds a line; it is written with the next `flush`.
    func write(
        _ level: LogLine.Level, _ text: String, at time: Timestamp, node: String? = nil, key: String? = nil,
        attempt: UInt32 = 0, fields: JSON? = nil, event: RunVersion
    ) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("time", time.iso8601)
        writer.field("run", run)
        if let node { writer.field("node", node) }
        if let key { writer.field("key", key) }
        if attempt > 0 { writer.field("attempt", Int64(attempt)) }
        writer.field("level", level.rawValue)
        writer.field("text", String(decoding: text.utf8.prefix(Self.textMax), as: UTF8.self))
        if let fields { writer.field("fields", fields) }
        writer.field("event", Int64(event.rawValue))
        writer.endObject()
        buffer += writer.bytes
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count > 64 << 10 { flush() }
    }

    /// Whether something waits for a flush.
    var isBehind: Bool { !buffer.isEmpty }

    /// Hands what was added to the operating system. The file is open only meanwhile: thousands of runs may wait.
    func flush() {
        guard !buffer.isEmpty, committed.load() > .none else { return }
        defer { buffer.removeAll(keepingCapacity: buffer.count <= 64 << 10) }
        // A full disk costs log lines, never the run.
        guard var file = open() else { return }
        if file.size + buffer.count > LogFiles.sizeMax, file.size > 0 {
            close(file.descriptor)
            rotate()
            guard let next = open() else { return }
            file = next
        }
        if file.size == 0, file.number > 0 { buffer.insert(contentsOf: LogFiles.header(file.number), at: 0) }
        _ = buffer.withUnsafeBytes { systemWrite(file.descriptor, $0) }
        close(file.descriptor)
    }

    private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private func path(_ age: Int) -> String { LogFiles.path(age, in: directory) }

    /// The file that is written to; its number is that of the next one where it is new.
    private func open() -> (descriptor: Int32, size: Int, number: Int)? {
        mkdir(directory, 0o700)
        let descriptor = systemOpen(path(0), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        return (descriptor, size, size > 0 ? fileNumber(descriptor) : (newestKept() ?? -1) + 1)
    }

    private func fileNumber(_ descriptor: Int32) -> Int {
        var beginning = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &beginning, beginning.count, 0)
        return LogFiles.number(ofFileBeginning: beginning.prefix(max(0, count)))
    }

    /// Number of the file before the one that is written to; nil when there is none.
    private func newestKept() -> Int? {
        let descriptor = systemOpen(path(1), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return fileNumber(descriptor)
    }

    private func systemOpen(_ path: String, _ flags: Int32) -> Int32 {
        #if canImport(Darwin)
        Darwin.open(path, flags, 0o600)
        #elseif canImport(Glibc)
        Glibc.open(path, flags, 0o600)
        #else
        Musl.open(path, flags, 0o600)
        #endif
    }

    private func rotate() {
        unlink(path(LogFiles.countMax - 1))
        for age in stride(from: LogFiles.countMax - 2, through: 0, by: -1) { rename(path(age), path(age + 1)) }
    }
}
