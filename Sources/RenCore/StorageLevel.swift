/// How full the storage is, in steps that ren acts on (SEMANTICS.md 10, "Disk").
package enum StorageLevel: String, Comparable, Sendable, CaseIterable {
    case normal
    /// From 80 %: people are told.
    case warning
    /// From 90 %: no new run.
    case noNewRuns = "no_new_runs"
    /// From 95 %: every run is paused by ren, so that results in flight still fit.
    case pausing

    private var begins: Double {
        switch self {
        case .normal: 0
        case .warning: 0.80
        case .noNewRuns: 0.90
        case .pausing: 0.95
        }
    }

    /// What was shut at 90 % opens again below this, so that ren does not go back and forth at a border.
    private static let opensBelow = 0.88

    /// - Parameters:
    ///   - use: of the map or the disk, the worse one.
    ///   - before: the level until now.
    package static func level(at use: Double, before: StorageLevel) -> StorageLevel {
        let reached = allCases.last { use >= $0.begins } ?? .normal
        return use < opensBelow || before < .noNewRuns ? reached : max(reached, before)
    }

    package static func < (left: StorageLevel, right: StorageLevel) -> Bool { left.begins < right.begins }
}

/// What the journal measured.
package struct StorageUse: Sendable, Equatable {
    /// Bytes of the map in use, without pages that are free again.
    package var mapUsedBytes: Int
    package var mapSizeBytes: Int
    /// What a person allows the journal; nil without a limit.
    package var budgetBytes: Int?
    package var fileBytes: Int
    /// Nil where the system does not tell.
    package var diskFreeBytes: Int?

    package init(
        mapUsedBytes: Int, mapSizeBytes: Int, budgetBytes: Int? = nil, fileBytes: Int, diskFreeBytes: Int?
    ) {
        self.mapUsedBytes = mapUsedBytes
        self.mapSizeBytes = mapSizeBytes
        self.budgetBytes = budgetBytes
        self.fileBytes = fileBytes
        self.diskFreeBytes = diskFreeBytes
    }

    /// 0 to 1 and more: of the map, of the budget, or of the disk that the file has and could have, whichever is fullest.
    package var share: Double { Double(mapUsedBytes) / Double(max(limitBytes, 1)) }

    /// As many bytes the journal may use at most as things are now.
    package var limitBytes: Int {
        let limit = min(mapSizeBytes, budgetBytes ?? .max)
        guard let diskFreeBytes else { return limit }
        // Pages that are free again need no more of the disk.
        return min(limit, max(fileBytes, mapUsedBytes) + diskFreeBytes)
    }
}
