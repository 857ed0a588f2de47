package import RenCore

// A fork's first versions are records of its ancestors, which are read where they stand (SEMANTICS.md 7).

extension RunRow {
    /// More ancestors than these would not fit the row.
    package static let segmentsMax = 64

    /// A stretch of a fork's history that is another run's.
    package struct Segment: Hashable, Sendable {
        package var run: RunNumber
        /// The last version of it; the first one follows the segment before.
        package var through: RunVersion
    }

    /// The last version that is an ancestor's record; `.none` for a run that is no fork.
    package var inherited: RunVersion { segments.last?.through ?? .none }

    /// Whose record a version is, and up to which one that holds.
    func owner(of version: RunVersion) -> Segment {
        segments.first { version <= $0.through } ?? Segment(run: number, through: self.version)
    }

    /// Those of a fork that shares this run's versions up to `version`.
    func segments(through version: RunVersion) -> [Segment] {
        let shared = segments.prefix { $0.through < version }
        return shared + [Segment(run: owner(of: version).run, through: version)]
    }

    /// How far the rows of a fork are, of 100; nil when they are complete.
    package var preparingPercent: Int? {
        preparing.map { Int($0.rawValue * 100 / max(1, version.rawValue)) }
    }
}

/// What one run is to another one that shares its events.
struct ForkLink: OptionSet {
    let rawValue: UInt8
    /// The fork was made from it.
    static let parent = ForkLink(rawValue: 1)
    /// Some of the fork's history are its records.
    static let records = ForkLink(rawValue: 2)
}
