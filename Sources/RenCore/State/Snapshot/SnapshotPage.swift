/// A part of a run's state, as a snapshot holds it. What has not changed since the last snapshot is not written again,
/// so the state at a version is made of the newest page of each place at or before it.
package struct SnapshotPage: Sendable, Equatable {
    /// Which places there are follows from what is read: the root names none.
    package enum Place: Hashable, Sendable {
        /// What is not of a node. Written with every snapshot.
        case root
        /// The nodes from this number × `nodesPerPage` on, with their maps but for the items.
        case nodes(Int)
        /// `MapState.pageItems` items of a map, from this number × `pageItems` on: two bits each, and the states that
        /// two bits cannot say.
        case items(NodeNumber, Int)
        /// Those of the `openPerPage` items from this number × `openPerPage` on that are open.
        case open(NodeNumber, Int)
    }

    package static let nodesPerPage = 32
    package static let openPerPage = 64
    /// The layout of the bytes and the meaning of what is folded into them: raise it when either changes. Snapshots of
    /// another layout count as none.
    package static let layout: UInt32 = 2

    package let place: Place
    package let bytes: [UInt8]
}
