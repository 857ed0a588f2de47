package import RenJSON

/// A flow made ready to be run: who follows whom, and what holds for each node after all levels are put together.
package final class Plan: Sendable {
    package let flow: Flow
    package let graph: FlowGraph
    package let layout: GraphLayout
    /// For each node, how many others it names in `after`.
    package let predecessorCounts: [Int]
    /// For each node, whether some node has `x.failed` in its `after`: then its failure is handled.
    package let handlesFailure: [Bool]
    /// The pause nodes, in flow order.
    package let pauses: [PauseSite]
    private let numbers: [String: NodeNumber]
    private let calls: [Call?]

    /// What a run may wait for a person at.
    package struct PauseSite: Sendable {
        package var node: NodeNumber
        /// Nil when it is computed.
        package var signal: String?
        package var form: JSONSchema?
    }

    /// An argument that is exactly `{var: nodes.x.items}`: handed over page by page.
    package struct LazyArgument: Sendable, Hashable {
        package var name: String
        package var source: NodeNumber
    }

    /// A function node with the levels put together.
    private struct Call: Sendable {
        var signature: FunctionSignature?
        var shape: ArgumentShape
        var policy: Policy
        var once: Bool
        var lazyArguments: [LazyArgument]
    }

    /// - Parameter signatures: of the functions that are registered, by name; a function that is missing there takes
    ///   any arguments and has no decorator.
    package init(_ flow: Flow, signatures: [String: FunctionSignature] = [:]) {
        self.flow = flow
        graph = FlowGraph(after: flow.nodes.map(\.after))
        layout = GraphLayout(graph)
        predecessorCounts = graph.predecessors.map(\.count)
        numbers = Dictionary(uniqueKeysWithValues: flow.nodes.enumerated().map { ($1.name, NodeNumber($0)) })
        var handlesFailure = Array(repeating: false, count: flow.nodes.count)
        for entry in flow.nodes.lazy.flatMap(\.after) where entry.way == .failed {
            handlesFailure[entry.node.index] = true
        }
        self.handlesFailure = handlesFailure
        pauses = flow.nodes.enumerated().compactMap { index, node in
            guard case .pause(let pause) = node.kind else { return nil }
            var signal: String?
            if case .literal(.string(let name)) = pause.signal { signal = name }
            return PauseSite(node: NodeNumber(index), signal: signal, form: pause.form)
        }
        calls = flow.nodes.map { node in
            guard let call = node.call else { return nil }
            let signature = signatures[call.name]
            return Call(
                signature: signature, shape: signature.map(ArgumentShape.init) ?? .unknown,
                policy: node.policy.completed(by: signature?.policy ?? Policy()).completed(by: flow.defaults),
                once: node.once ?? signature?.once ?? false, lazyArguments: Self.lazyArguments(call))
        }
    }

    private static func lazyArguments(_ call: Node.FunctionCall) -> [LazyArgument] {
        (call.with ?? []).compactMap { argument in
            guard case .reference(let reference) = argument.value, reference.path.isEmpty,
                case .node(let source, .items) = reference.root
            else { return nil }
            return LazyArgument(name: argument.key, source: source)
        }
    }
}

extension Plan {
    /// For each node those that name it in `after`, in flow order.
    package var followers: [[NodeNumber]] { graph.followers }

    /// For each node those it names in `after`, in written order.
    package var predecessors: [[NodeNumber]] { graph.predecessors }

    /// Every node after all that it follows.
    package var order: [NodeNumber] { graph.order }

    /// The nodes by the longest way to them, in the order of the drawing.
    package var layers: [[NodeNumber]] { layout.layers }

    package var flowTimeout: Duration? { flow.timeout }

    package func number(of name: String) -> NodeNumber? { numbers[name] }

    /// Whether `node` is settled before `other` can start.
    package func isUpstream(_ node: NodeNumber, of other: NodeNumber) -> Bool { graph.isUpstream(node, of: other) }

    package func isEnd(_ node: NodeNumber) -> Bool {
        if case .end = flow.nodes[node.index].kind { true } else { false }
    }

    /// Whether the node itself has attempts: a function without `each`.
    package func isAttempted(_ node: NodeNumber) -> Bool {
        calls[node.index] != nil && flow.nodes[node.index].each == nil
    }

    package func tolerance(of node: NodeNumber) -> Node.Tolerance {
        flow.nodes[node.index].each?.tolerate ?? .count(0)
    }

    // MARK: Functions

    /// What a function node calls, as far as it is known.
    package func signature(of node: NodeNumber) -> FunctionSignature? { calls[node.index]?.signature }

    package func shape(of node: NodeNumber) -> ArgumentShape { calls[node.index]?.shape ?? .unknown }

    package func isSwift(node: NodeNumber) -> Bool { signature(of: node)?.language == .swift }

    /// The arguments that a worker gets page by page.
    package func lazyArguments(of node: NodeNumber) -> [LazyArgument] { calls[node.index]?.lazyArguments ?? [] }

    /// The node's own over the function's decorator over the flow's `defaults`; nothing for other kinds of nodes.
    package func policy(of node: NodeNumber) -> Policy { calls[node.index]?.policy ?? Policy() }

    package func once(_ node: NodeNumber) -> Bool { calls[node.index]?.once ?? false }

    /// One attempt where nothing is written, and for `once`.
    package func retry(of node: NodeNumber) -> RetryPolicy {
        guard let call = calls[node.index], !call.once else { return .none }
        return call.policy.retry ?? .none
    }

    /// The time limit of an attempt, if it is written as a time; a computed one is in the event of its start.
    package func timeout(of node: NodeNumber) -> Duration? {
        if case .fixed(let duration)? = calls[node.index]?.policy.timeout { duration } else { nil }
    }

    package func heartbeat(of node: NodeNumber) -> Duration? { calls[node.index]?.policy.heartbeat }
}

extension Node {
    /// What a function node calls.
    package var call: FunctionCall? { if case .function(let call) = kind { call } else { nil } }
}
