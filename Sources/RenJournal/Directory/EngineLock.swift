#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

import LMDB
package import RenCore
import RenJSON

/// Makes this process the engine of a data directory, until the last reference goes or the process ends.
///
/// `ren.lock` holds, as JSON text for others, who has it. The text of one who is gone stays; only the lock counts.
package final class EngineLock: Sendable {
    /// Who has the lock.
    package struct Holder: Sendable, Equatable {
        package var process: Int32
        /// Of the boot in which the process number means something; empty where the system has none.
        package var boot: String
        package var started: Timestamp
        package var command: String
        /// Which runs it carries; nil for one that only passes by: it leaves in an instant.
        package var carries: JournalOpening.Carries?
        /// The pid namespace it is in; nil where there are none.
        package var namespace: UInt64?
        /// Where it can be reached: name → address.
        package var addresses: [String: String] = [:]

        /// This process.
        package static func current(
            command: String, carries: JournalOpening.Carries?, started: Timestamp
        ) -> Holder {
            Holder(
                process: getpid(), boot: bootID, started: started, command: command, carries: carries,
                namespace: PidNamespace.current)
        }

        private static var bootID: String {
            let text = Paths.text(of: "/proc/sys/kernel/random/boot_id") ?? ""
            return String(text.prefix { $0 != "\n" })
        }
    }

    /// How long one waits for another who only passes by.
    package static let patienceMilliseconds = 2_000
    private static let pauseMicroseconds: UInt32 = 20_000

    private let lock: FileLock
    package let holder: Holder

    private init(_ lock: FileLock, _ holder: Holder) throws(RenError) {
        self.lock = lock
        self.holder = holder
        do { try lock.write(holder.text) } catch { throw RenError(error) }
    }

    /// Takes the lock of `directory`. Waits 2 s for one who passes by, not at all for an engine.
    ///
    /// - Throws: `engine.locked`, naming the holder: exit code 73.
    package static func acquire(
        in directory: DataDirectory, as holder: Holder, patienceMilliseconds: Int = patienceMilliseconds
    ) throws(RenError) -> EngineLock {
        let deadline = ContinuousClock.now + .milliseconds(patienceMilliseconds)
        while true {
            do {
                if let lock = try FileLock.tryAcquire(directory.lock) { return try EngineLock(lock, holder) }
            } catch let error as RenError {
                throw error
            } catch { throw RenError(.directoryFailed, "cannot lock \(directory.lock): \(error)") }
            let other = try self.holder(in: directory)
            let isEngine = other?.carries != nil
            if isEngine || ContinuousClock.now >= deadline { throw lockedError(directory, other) }
            usleep(pauseMicroseconds)
        }
    }

    /// Who has the lock at this moment; nil when it is free. Of one who has not written its text yet, an empty holder.
    package static func holder(in directory: DataDirectory) throws(RenError) -> Holder? {
        do {
            guard try FileLock.isHeld(directory.lock) else { return nil }
            return Holder(text: try FileLock.read(directory.lock) ?? "") ?? .unknown
        } catch { throw RenError(error) }
    }

    /// Tells others where this engine is reached now.
    package func update(addresses: [String: String]) throws(RenError) {
        var holder = holder
        holder.addresses = addresses
        do { try lock.write(holder.text) } catch { throw RenError(error) }
    }

    private static func lockedError(_ directory: DataDirectory, _ other: Holder?) -> RenError {
        guard let other, other != .unknown else {
            return RenError(
                .engineLocked, "another process holds the data directory \(directory.path)",
                hint: "wait for it to end, or give another data directory with --data")
        }
        return RenError(
            .engineLocked, "process \(other.process) (\(other.command)) holds the data directory \(directory.path)",
            hint: "wait for it to end, or give another data directory with --data")
    }
}

extension EngineLock.Holder {
    /// Someone whose text cannot be read, since it is being written.
    static let unknown = EngineLock.Holder(
        process: 0, boot: "", started: Timestamp(nanoseconds: 0), command: "", carries: nil, namespace: nil)

    var text: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("pid", process)
        writer.field("boot", boot)
        writer.field("started", started.nanoseconds)
        writer.field("command", command)
        if let carries { writer.field("carries", carries.rawValue) }
        if let namespace { writer.field("namespace", Int64(bitPattern: namespace)) }
        writer.key("addresses")
        writer.beginObject()
        for (name, address) in addresses.sorted(by: { $0.key < $1.key }) { writer.field(name, address) }
        writer.endObject()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }

    /// Nil for a text that is not, or not wholly, what a holder writes.
    init?(text: String) {
        guard let json = try? JSON(parsing: text), let process = json["pid"]?.integerValue,
            let boot = json["boot"]?.stringValue, let started = json["started"]?.integerValue,
            let command = json["command"]?.stringValue
        else { return nil }
        self.process = Int32(truncatingIfNeeded: process)
        self.boot = boot
        self.started = Timestamp(nanoseconds: started)
        self.command = command
        carries = json["carries"]?.stringValue.flatMap(JournalOpening.Carries.init)
        namespace = json["namespace"]?.integerValue.map { UInt64(bitPattern: $0) }
        for member in json["addresses"]?.objectValue?.members ?? [] {
            addresses[member.key] = member.value.stringValue
        }
    }
}
