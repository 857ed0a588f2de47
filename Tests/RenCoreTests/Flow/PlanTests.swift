import RenCore
import RenJSON
import Testing

@Suite("Plans")
struct PlanTests {
    @Test("Followers, predecessors, order and handled failures")
    func graph() throws {
        let plan = Plan(try #require(try FlowFixtures.check("valid/ways.yaml").flow))
        func names(_ nodes: [NodeNumber]) -> [String] { nodes.map { plan.flow.nodes[$0.index].name } }
        func number(_ name: String) throws -> NodeNumber { try #require(plan.number(of: name)) }
        #expect(names(plan.followers[try number("risky").index]) == ["caught", "report"])
        #expect(names(plan.predecessors[try number("report").index]) == ["caught", "odd", "risky", "many"])
        #expect(plan.predecessorCounts == [0, 1, 1, 1, 1, 1, 1, 1, 4])
        #expect(plan.handlesFailure == [false, false, false, false, false, true, false, false, false])
        let position = Dictionary(uniqueKeysWithValues: plan.order.enumerated().map { ($1, $0) })
        for (node, predecessors) in plan.predecessors.enumerated() {
            for predecessor in predecessors { #expect(position[predecessor]! < position[NodeNumber(node)]!) }
        }
        #expect(
            plan.layers.map { Set(names($0)) } == [
                ["numbers"], ["squares"], ["roots"], ["many"], ["even"], ["risky", "odd"], ["caught"], ["report"],
            ])
        #expect(plan.number(of: "nobody") == nil)
    }

    @Test("A drawing is the same every time and has few crossings")
    func layout() throws {
        let flow = try FlowFixtures.flow(
            """
            flow: crossing
            nodes:
              a: {function: f}
              b: {function: f}
              x: {after: [b], function: f}
              y: {after: [a], function: f}
              z: {after: [x, y], function: f}

            """)
        let plan = Plan(flow)
        #expect(plan.layout == Plan(flow).layout)
        #expect(plan.layers[1] == [NodeNumber(3), NodeNumber(2)])
        #expect(plan.layout.points.map(\.x) == [0, 0, 1, 1, 2])
        #expect(plan.layout.points.map(\.y) == [-0.5, 0.5, 0.5, -0.5, 0])
    }

    @Test("The node wins over the decorator, that over defaults")
    func policies() throws {
        let flow = try FlowFixtures.flow(
            """
            flow: policies
            defaults: {retry: {attempts: 5}, timeout: 1m, heartbeat: 9s}
            nodes:
              own: {function: f, retry: {attempts: 2}, timeout: 3s}
              decorated: {function: f}
              plain: {function: g}
              once: {function: g, once: true}
              not-once: {function: h, once: false}
              decorated-once: {function: h}
              review: {pause: {signal: ok}}

            """)
        var decorated = FunctionSignature(name: "f")
        decorated.policy = Policy(retry: RetryPolicy(attempts: 3), timeout: .fixed(.seconds(2)))
        let once = FunctionSignature(name: "h", once: true)
        let plan = Plan(flow, signatures: ["f": decorated, "h": once])
        let nodes = flow.nodes.indices.map { NodeNumber($0) }
        #expect(nodes.map { plan.retry(of: $0).attempts } == [2, 3, 5, 1, 5, 1, 1])
        #expect(nodes.map { plan.timeout(of: $0) } == [3, 2, 60, 60, 60, 60, nil].map { $0.map { .seconds($0) } })
        #expect(nodes.map { plan.heartbeat(of: $0) } == [9, 9, 9, 9, 9, 9, nil].map { $0.map { .seconds($0) } })
        #expect(nodes.map { plan.once($0) } == [false, false, false, true, false, true, false])
        #expect(nodes.map { plan.isAttempted($0) } == [true, true, true, true, true, true, false])
        #expect(plan.isSwift(node: nodes[0]))
        #expect(!plan.isSwift(node: nodes[2]))
    }

    @Test("Unwritten means one attempt and no time limit")
    func unwritten() throws {
        let plan = Plan(try FlowFixtures.flow("flow: u\nnodes: {a: {function: f}}\n"))
        #expect(plan.retry(of: NodeNumber(0)) == .none)
        #expect(plan.timeout(of: NodeNumber(0)) == nil)
        #expect(plan.flowTimeout == nil)
        #expect(plan.tolerance(of: NodeNumber(0)) == .count(0))
    }
}
