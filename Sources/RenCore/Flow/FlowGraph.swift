/// Who follows whom in a flow: order, layers, and what is upstream of a node.
package struct FlowGraph: Sendable {
    /// For each node those that name it in `after`, in flow order, each once.
    package let followers: [[NodeNumber]]
    /// For each node those it names in `after`, in written order, each once.
    package let predecessors: [[NodeNumber]]
    /// Every node after all that it follows; shorter than the flow when nodes wait for each other.
    package let order: [NodeNumber]
    /// The length of the longest way to each node; nodes of one layer do not follow each other.
    package let layer: [Int]
    /// False for nodes that wait for each other and for what follows them.
    package let isOrdered: [Bool]
    private let upstream: [NodeSet]

    /// - Complexity: O(nodes × edges / 64).
    package init(after: [[Node.After]]) {
        var followers: [[NodeNumber]] = Array(repeating: [], count: after.count)
        var predecessors = followers
        for (index, entries) in after.enumerated() {
            for entry in entries where !predecessors[index].contains(entry.node) {
                predecessors[index].append(entry.node)
                followers[entry.node.index].append(NodeNumber(index))
            }
        }
        // Kahn's algorithm, first ready first served: the order depends on nothing but the flow.
        var order: [NodeNumber] = []
        var waiting = predecessors.map(\.count)
        var layer = Array(repeating: 0, count: after.count)
        var upstream = Array(repeating: NodeSet(count: after.count), count: after.count)
        order.append(contentsOf: after.indices.filter { waiting[$0] == 0 }.map { NodeNumber($0) })
        var next = 0
        while next < order.count {
            let node = order[next]
            next += 1
            for follower in followers[node.index] {
                layer[follower.index] = max(layer[follower.index], layer[node.index] + 1)
                upstream[follower.index].formUnion(upstream[node.index])
                upstream[follower.index].insert(node)
                waiting[follower.index] -= 1
                if waiting[follower.index] == 0 { order.append(follower) }
            }
        }
        var isOrdered = Array(repeating: false, count: after.count)
        for node in order { isOrdered[node.index] = true }
        self.isOrdered = isOrdered
        self.followers = followers
        self.predecessors = predecessors
        self.order = order
        self.layer = layer
        self.upstream = upstream
    }

    /// Whether `node` is settled before `other` can start.
    package func isUpstream(_ node: NodeNumber, of other: NodeNumber) -> Bool {
        upstream[other.index].contains(node)
    }

    /// Nodes that wait for each other, each ring once, in the order in which they follow each other.
    ///
    /// Of rings that share nodes at least one is given.
    package var cycles: [[NodeNumber]] {
        var walk = Array(repeating: -1, count: predecessors.count)
        var cycles: [[NodeNumber]] = []
        // Every node of the rest follows another one of the rest, so walking back from it ends in a ring.
        for start in predecessors.indices where !isOrdered[start] && walk[start] < 0 {
            var path: [NodeNumber] = []
            var node = NodeNumber(start)
            while walk[node.index] < 0 {
                walk[node.index] = start
                path.append(node)
                guard let previous = predecessors[node.index].first(where: { !isOrdered[$0.index] }) else { break }
                node = previous
            }
            guard walk[node.index] == start, let first = path.firstIndex(of: node) else { continue }
            let ring = Array(path[first...].reversed())
            let lowest = ring.indices.min { ring[$0] < ring[$1] } ?? 0
            cycles.append(Array(ring[lowest...] + ring[..<lowest]))
        }
        return cycles
    }
}

/// A set of nodes as bits.
struct NodeSet: Sendable {
    private var words: [UInt64]

    init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

    mutating func insert(_ node: NodeNumber) { words[node.index / 64] |= 1 << UInt64(node.index % 64) }

    func contains(_ node: NodeNumber) -> Bool { words[node.index / 64] >> UInt64(node.index % 64) & 1 == 1 }

    mutating func formUnion(_ other: NodeSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }
}
