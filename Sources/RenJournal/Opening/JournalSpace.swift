import LMDB
import RenCore

/// How full the files of a journal are, and who reads them.
package struct JournalSpace: Sendable, Equatable {
    package struct Reader: Sendable, Equatable {
        package var process: Int32
        /// How many commits ago what it looks at was the last one: what was freed since then cannot be used again.
        package var commitsBehind: UInt64
    }

    /// Of the file, from its start to the last page that was ever in use.
    package var fileBytes: Int
    /// Of pages in the file that hold nothing: a compaction gives them back.
    package var freeBytes: Int
    package var pageBytes: Int
    /// How large the file can become.
    package var mapBytes: Int
    /// What the disk has left; nil when the operating system does not say.
    package var diskFreeBytes: Int?
    /// Transactions that are open at this moment, in any process, the oldest first.
    package var readers: [Reader]

    package var freePages: Int { freeBytes / pageBytes }

    init(_ environment: Environment, _ place: JournalPlace) throws(RenError) {
        do throws(LMDBError) {
            // Before this one reads.
            let slots = try environment.readers()
            let used = try environment.bytesInUse()
            let statistics = try environment.statistics()
            fileBytes = statistics.bytesReached
            freeBytes = max(0, statistics.bytesReached - used)
            pageBytes = statistics.pageSizeBytes
            mapBytes = statistics.mapSizeBytes
            diskFreeBytes = environment.freeBytes().map { Int(clamping: $0) }
            readers = slots.compactMap { slot in
                slot.transactionID.map {
                    Reader(
                        process: slot.process,
                        commitsBehind: statistics.lastTransactionID - min($0, statistics.lastTransactionID))
                }
            }.sorted { $0.commitsBehind > $1.commitsBehind }
        } catch { throw RenError(error) }
    }
}
