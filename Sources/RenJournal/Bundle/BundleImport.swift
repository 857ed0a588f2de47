#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

package import RenCore

/// Takes the runs of a bundle into a data directory, all of them or none.
///
/// Everything is written into a copy of the journal, which is rebuilt, checked whole, and then takes the place of the
/// journal in one step: so a bundle of any size needs no transaction of its size, and what cannot be read, folded or
/// verified was never there. The price is that of a compaction.
package struct BundleImport {
    package struct Report: Sendable, Equatable {
        package internal(set) var counts = BundleCounts()
        /// Runs that were added, in the order of their first events.
        package internal(set) var added: [String] = []
        /// Runs that were there already, event by event the same.
        package internal(set) var known: [String] = []
        package internal(set) var flows = 0
        package internal(set) var functions = 0
        /// Events of the run `journal` that tell of the other data directory, and stay there.
        package internal(set) var leftOut = 0
        package internal(set) var bytes = 0
        /// Where this journal ends afterwards.
        package internal(set) var head = JournalHead(
            sequence: JournalSequence(0), hash: .zero, time: Timestamp(nanoseconds: 0))
    }

    private let target: DataDirectory
    private let options: JournalOptions
    private let mayBeOpen: Bool
    private let now: Timestamp
    private var reader: BundleReader

    /// - Parameters:
    ///   - target: prepared; the caller holds its `EngineLock`.
    ///   - mayBeOpen: runs that have not ended are taken too; an engine here may then carry them on.
    ///   - time: of now.
    ///   - source: see `BundleReader`.
    package init(
        into target: DataDirectory, options: JournalOptions = JournalOptions(), mayBeOpen: Bool, at time: Timestamp,
        from source: @escaping (inout [UInt8], Int) throws(RenError) -> Int
    ) {
        self.target = target
        self.options = options
        self.mayBeOpen = mayBeOpen
        now = time
        reader = BundleReader(from: source)
    }

    /// - Parameters:
    ///   - bundleBytes: the size of the file, where it is known: room for it is looked for first.
    ///   - progress: events done.
    /// - Throws: `bundle.*` with the line; `run.exists`; `storage.full`; `journal.damaged`. Nothing was imported then.
    package consuming func run(
        bundleBytes: Int = 0, progress: (Int) -> Void = { _ in }
    ) throws(RenError) -> Report {
        let place = JournalPlace(target.journal)
        try place.prepare()
        let isNew = try place.isMissing()
        let staged = try StagedJournal(beside: target.journal, options)
        var files = BundleFiles(in: target)
        do throws(RenError) {
            // A record takes about as much as its line, and the projections as much again.
            if !isNew { try staged.copyOld(spareBytes: 2 * bundleBytes) }
            let store = try staged.open()
            defer { store.close() }
            if isNew { try Rebuild.writeFormat(in: store) }
            var report = try fill(store, &files, progress)
            report.bytes = reader.byteCount
            guard !report.added.isEmpty || report.flows + report.functions > 0 else {
                report.head = try store.read { snapshot throws(RenError) in try JournalView(snapshot).head() }
                staged.abandon()
                return report
            }
            try files.publish()
            report.head = try staged.check(store, artifacts: target.artifacts).head
            try staged.takePlace()
            return report
        } catch {
            files.abandon()
            staged.abandon()
            throw error
        }
    }

    /// Reads the bundle to its end into `store`.
    private mutating func fill(
        _ store: LMDBStore, _ files: inout BundleFiles, _ progress: (Int) -> Void
    ) throws(RenError) -> Report {
        var counts = BundleCounts()
        var runs = try BundleRuns(RecordAppender(store), at: now)
        while let line = try reader.next() {
            switch line {
            case .header(let header): runs.scope = header.scope
            case .event(let event):
                counts.events += 1
                try runs.add(event, from: &reader)
                if counts.events % 1_000 == 0 { progress(counts.events) }
            case .artifact(let hash, let length):
                counts.artifacts += 1
                try files.addArtifact(hash, length: length, from: &reader)
            case .log(let run, let name, let length):
                counts.logs += 1
                try files.addLog(of: runs.isAdded(run), run, name, length: length, from: &reader)
            case .data: throw reader.refused("it belongs to nothing")
            case .end(let claimed):
                guard claimed == counts else { throw reader.refused("it counts other lines than there are") }
            }
        }
        var report = try runs.finish(in: store, mayBeOpen: mayBeOpen)
        report.counts = counts
        return report
    }
}

extension BundleImport {
    /// The bytes of an open file or pipe, as `init` takes them.
    package static func source(_ descriptor: Int32) -> (inout [UInt8], Int) throws(RenError) -> Int {
        { buffer, limit throws(RenError) in
            let start = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: limit))
            var count = -1
            repeat {
                count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + start, limit) }
            } while count < 0 && errno == EINTR
            buffer.removeLast(limit - max(0, count))
            guard count >= 0 else {
                throw RenError(.fileUnreadable, "the bundle cannot be read: \(String(cString: strerror(errno)))")
            }
            return count
        }
    }
}

extension BundleReader {
    /// - Parameter line: nil: the one that was read last.
    func refused(_ what: String, _ code: RenError.Code = .bundleDamaged, at line: Int? = nil) -> RenError {
        .bundle(code, line: line ?? self.line, what)
    }

    /// The next line, which must be a part of what was named before.
    mutating func nextPart() throws(RenError) -> [UInt8] {
        guard case .data(let bytes)? = try next() else { throw refused("a part of the payload or file is missing") }
        return bytes
    }
}
