/// Where the nodes of a flow stand in a drawing: layers from left to right, few crossings within them.
///
/// Longest-path layers with barycentre sweeps (Sugiyama, Tagawa, Toda 1981), without the dummy nodes of long edges:
/// flows are small and people look at layers first. The same flow always gives the same drawing.
package struct GraphLayout: Sendable, Hashable {
    package struct Point: Sendable, Hashable {
        /// The layer, from 0.
        package var x: Int
        /// Distance from the middle line, in rows; halves occur.
        package var y: Double
    }

    /// For each node in flow order.
    package private(set) var points: [Point]
    /// The nodes of each layer, from top to bottom.
    package private(set) var layers: [[NodeNumber]]

    private static let sweeps = 4

    package init(_ graph: FlowGraph) {
        var layers: [[NodeNumber]] = Array(repeating: [], count: (graph.layer.max() ?? -1) + 1)
        for (index, layer) in graph.layer.enumerated() { layers[layer].append(NodeNumber(index)) }
        var row = Array(repeating: 0.0, count: graph.layer.count)
        func number(_ layer: [NodeNumber]) {
            for (index, node) in layer.enumerated() {
                row[node.index] = Double(index) - Double(layer.count - 1) / 2
            }
        }
        layers.forEach(number)
        for sweep in 0..<Self.sweeps {
            let isForward = sweep % 2 == 0
            for index in isForward ? Array(layers.indices) : layers.indices.reversed() {
                let neighbours = isForward ? graph.predecessors : graph.followers
                layers[index] = Self.sorted(layers[index], by: neighbours, row)
                number(layers[index])
            }
        }
        self.layers = layers
        points = graph.layer.indices.map { Point(x: graph.layer[$0], y: row[$0]) }
    }

    /// By the middle of their neighbours; a node without any keeps its row, equal ones keep their order.
    private static func sorted(_ layer: [NodeNumber], by neighbours: [[NodeNumber]], _ row: [Double]) -> [NodeNumber] {
        let middles = layer.map { node -> Double in
            let others = neighbours[node.index]
            guard !others.isEmpty else { return row[node.index] }
            return others.reduce(0) { $0 + row[$1.index] } / Double(others.count)
        }
        return layer.indices.sorted { (middles[$0], $0) < (middles[$1], $1) }.map { layer[$0] }
    }
}
