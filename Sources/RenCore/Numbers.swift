/// A number with a meaning: two of different kinds never mix.
package protocol Number: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible
where RawValue: FixedWidthInteger {
    init(rawValue: RawValue)
}

extension Number {
    @inlinable package init(_ value: some BinaryInteger) {
        self.init(rawValue: RawValue(value))
    }

    @inlinable package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }

    @inlinable package var next: Self { Self(rawValue: rawValue + 1) }

    package var description: String { String(rawValue) }
}

/// The global number of an event in the journal, from 1, without gaps; 0 stands before the first.
package struct JournalSequence: Number {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A run's number in the tables of one data directory; 0 is the run `journal`, which holds the events of no run.
package struct RunNumber: Number {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let journal = RunNumber(rawValue: 0)
}

/// The number of an event within its run, from 1; 0 stands for "none".
package struct RunVersion: Number {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let none = RunVersion(rawValue: 0)
}

/// A node's number: its place in the flow, from 0.
package struct NodeNumber: Number {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package var index: Int { Int(rawValue) }
}

/// An item's place in its node's list, from 0.
package struct ItemIndex: Number {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package var index: Int { Int(rawValue) }
}
