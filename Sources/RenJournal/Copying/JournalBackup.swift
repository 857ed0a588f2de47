import LMDB
package import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Copies a journal that an engine may be writing into a data directory of its own, by pages of sequences: no read is
/// longer than a page, so the original does not grow.
package struct JournalBackup {
    package struct Report: Sendable, Equatable {
        package var head: JournalHead
        package var runs = 0
        package var artifacts = 0
        package var logs = 0
        /// Of records and payloads.
        package var bytes = 0
    }

    private static let pageRecords = 1_000
    private static let pageBytes = 4 << 20

    private let journal: any JournalReading
    private let source: DataDirectory
    private let options: JournalOptions
    /// How far it goes: the head when it began, or further, see `page`.
    private var head = JournalSequence(0)

    package init(_ journal: any JournalReading, of source: DataDirectory, options: JournalOptions = JournalOptions()) {
        self.journal = journal
        self.source = source
        var options = options
        options.durability = .none
        options.ballastBytes = 0
        self.options = options
    }

    /// Makes the data directory `target`, which appears under its name when it is complete and was checked whole.
    ///
    /// - Parameters:
    ///   - logs: the runs' logs come too.
    ///   - progress: events done and events in all.
    /// - Throws: `file.exists`; `directory.*`; `storage.full`; `journal.damaged`: a journal that is not whole is not
    ///   backed up in silence.
    package consuming func run(
        to target: String, logs: Bool, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(RenError) -> Report {
        let target = Paths.trimmed(target)
        guard !Paths.exists(target) else {
            throw RenError(.fileExists, "\(target) is there already", hint: "name a directory that is not there yet")
        }
        let partial = DataDirectory(target + ".part")
        guard !partial.exists else {
            throw RenError(
                .fileExists, "\(partial.path) is there: a backup was broken off, or is being made",
                hint: "remove it, or name another directory")
        }
        do throws(RenError) {
            let report = try fill(partial, logs: logs, progress)
            guard rename(partial.path, target) == 0 else { throw Paths.failure(.fileUnwritable, "make", target) }
            try Paths.syncDirectory(Paths.parent(of: target))
            return report
        } catch {
            Paths.removeTree(partial.path)
            throw error
        }
    }

    private mutating func fill(
        _ target: DataDirectory, logs: Bool, _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws(RenError) -> Report {
        try target.prepare()
        let staged = try StagedJournal(beside: target.journal, options)
        let store = try staged.open()
        try Rebuild.writeFormat(in: store)
        var appender = try RecordAppender(store)
        head = try journal.read { view throws(RenError) in try view.head().sequence }
        while appender.state.head < head {
            for record in try page(after: appender.state.head) {
                try record.bytes.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                    try appender.append(bytes, journalHash: record.journalHash)
                }
                for (number, chunk) in record.chunks.enumerated() {
                    try chunk.span.bytes.withUnsafeBytes { bytes throws(RenError) in
                        try appender.append(chunk: bytes, number)
                    }
                }
            }
            progress(Int(appender.state.head.rawValue), Int(head.rawValue))
        }
        _ = try appender.finish()
        // What events name was on the disk before them.
        let artifacts = try copyFiles(of: source.artifacts, to: target.artifacts) { Digest(hex: $0) != nil }
        let verified = try staged.check(store, artifacts: target.artifacts)
        try staged.takePlace()
        var report = Report(head: verified.head, runs: verified.runs, artifacts: artifacts, bytes: verified.bytes)
        guard logs else { return report }
        for run in Paths.entries(of: source.runs).sorted() where !run.hasPrefix(".") {
            try target.make(target.run(run))
            report.logs += try copyFiles(of: source.run(run), to: target.run(run), where: RunLogName.isName)
        }
        return report
    }

    // MARK: Records

    private struct Copied {
        var bytes: [UInt8]
        var chunks: [[UInt8]] = []
        var journalHash: Digest
    }

    /// The next records, as they are.
    ///
    /// A payload that is gone was deleted in the commit of a later event, or after it: without that event the copy would
    /// not be whole, so it goes at least as far as the journal does now.
    private mutating func page(after last: JournalSequence) throws(RenError) -> [Copied] {
        var page: [Copied] = []
        var end = head
        try journal.read { view throws(RenError) in
            var byteCount = 0
            var expected = last.next
            try view.snapshot.walk(.events, from: Key(expected), .ascending) { key, value throws(RenError) in
                let sequence = JournalSequence(rawValue: key.load(UInt64.self, at: 0))
                guard sequence == expected else { throw .damaged(expected, "it is missing") }
                expected = expected.next
                let record = try Record(value, at: sequence)
                var copied = Copied(bytes: Array(value), journalHash: record.journalHash)
                if record.isInChunks {
                    try view.snapshot.walk(.payloads, prefix: Key(sequence)) { _, chunk throws(RenError) in
                        copied.chunks.append(Array(chunk))
                        byteCount += chunk.count
                        return .continue
                    }
                    if copied.chunks.isEmpty { end = max(end, try view.head().sequence) }
                }
                byteCount += value.count
                page.append(copied)
                return page.count < Self.pageRecords && byteCount < Self.pageBytes && sequence < end
                    ? .continue : .stop
            }
        }
        guard !page.isEmpty else { throw .damaged(last.next, "it is missing") }
        head = end
        return page
    }

    // MARK: Files

    private func copyFiles(
        of source: String, to target: String, where isWanted: (String) -> Bool
    ) throws(RenError) -> Int {
        var count = 0
        for name in Paths.entries(of: source).sorted() where isWanted(name) {
            guard let file = try InputFile("\(source)/\(name)") else { continue }
            let copy = try OutputFile("\(target)/\(name)", mayReplace: false)
            try file.forEachPart { part throws(RenError) in
                try copy.write(part)
            }
            try copy.close()
            try copy.rename()
            count += 1
        }
        try Paths.syncDirectory(target)
        return count
    }
}

/// How the files of a run's log are called: `logs.jsonl`, `logs.1.jsonl`, …
enum RunLogName {
    static func isName(_ name: String) -> Bool {
        guard name.hasPrefix("logs."), name.hasSuffix("jsonl") else { return false }
        let age = name.dropFirst("logs.".count).dropLast("jsonl".count)
        return age.isEmpty
            || age.last == "." && (2...3).contains(age.utf8.count)
                && age.dropLast().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
