import Ren
import RenCore
import RenEngine
import RenJSON
import Testing

/// Flows as a user writes them, with real Python functions in real worker processes.
@Suite(
    "A user's flows with Python", .enabled(if: hasPython, "python3 (3.9 or later) is not here"), .timeLimit(.minutes(3))
)
struct UserFlowTests {
    /// An invoice run: read orders, price each one, choose what to do with large and with foreign ones, send reminders
    /// of which some fail, book what failed by hand, and report whatever happened.
    private static let flow = """
        flow: invoices
        input:
          type: object
          properties: {orders: {type: integer}, large: {type: number}, foreign: {type: boolean}}
          required: [orders, large, foreign]
        nodes:
          orders: {function: invoices.orders, with: {count: {var: input.orders}}}
          price:
            function: invoices.price
            after: [orders]
            each: {var: nodes.orders.output}
            key: {var: item.id}
            with: {order: {var: item}}
            concurrency: 3
            retry: {attempts: 2, every: 10ms}
            tolerate: 25%
          total: {function: invoices.total, after: [price], with: {prices: {var: nodes.price.items}}}
          is-large: {condition: {">": [{var: nodes.total.output}, {var: input.large}]}, after: [total]}
          is-foreign: {condition: {var: input.foreign}, after: [is-large.then]}
          declare: {function: invoices.note, after: [is-foreign.then], with: {text: declared}}
          insure: {function: invoices.note, after: [is-foreign.else], with: {text: insured}}
          file: {function: invoices.note, after: [is-large.else], with: {text: filed}}
          paper: {function: invoices.note, after: [declare, insure, file], with: {text: {cat: [paper of, " ", {var: nodes.total.output}]}}}
          remind:
            function: invoices.remind
            after: [price]
            each: {var: nodes.price.items}
            with: {price: {var: item}}
            key: {var: index}
          by-hand: {function: invoices.note, after: [remind.failed], with: {text: {var: nodes.remind.error.name}}}
          celebrate: {function: invoices.note, after: [remind], with: {text: all reminded}}
          report:
            function: invoices.report
            after: [paper, remind, by-hand, celebrate]
            join: settled
            with:
              paper: {var: nodes.paper.output}
              by_hand: {var: nodes.by-hand.output}
              priced: {var: nodes.price.succeeded}
              lost: {var: nodes.price.failed}
              reminded: {var: nodes.remind.status}
        output: {var: nodes.report.output}
        """

    private static let functions = #"""
        import ren

        @ren.function
        def orders(count: int) -> list:
            return [{"id": f"o{n}", "price": n * 10} for n in range(count)]

        @ren.function
        def price(order: dict, ctx: ren.Context) -> float:
            if order["id"] == "o1" and ctx.attempt == 1:
                raise ConnectionError("not now")
            if order["id"] == "o3":
                raise ren.Permanent("no such order")
            return order["price"]

        @ren.function
        async def total(prices: list) -> float:
            return sum(prices)

        @ren.function
        def remind(price: float) -> str:
            if price == 20:
                raise ValueError("no address")
            return "reminded"

        @ren.function
        def note(text: str) -> str:
            return text

        @ren.function
        def report(paper, by_hand, priced, lost, reminded) -> dict:
            return {"paper": paper, "by_hand": by_hand, "priced": priced, "lost": lost, "reminded": reminded}
        """#

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var input: JSON
        var statuses: String
        var output: JSON

        var testDescription: String { name }
    }

    private static let settled = "orders=succeeded price=succeeded total=succeeded is-large=succeeded "
    private static let rest = "remind=failed by-hand=succeeded celebrate=skipped report=succeeded"

    static let rows = [
        Row(
            name: "large and foreign", input: ["orders": 5, "large": 50, "foreign": true],
            statuses: settled
                + "is-foreign=succeeded declare=succeeded insure=skipped file=skipped paper=succeeded " + rest,
            output: [
                "paper": "paper of 70", "by_hand": "TooManyFailed", "priced": 4, "lost": 1, "reminded": "failed",
            ]),
        Row(
            name: "large, not foreign", input: ["orders": 6, "large": 50, "foreign": false],
            statuses: settled
                + "is-foreign=succeeded declare=skipped insure=succeeded file=skipped paper=succeeded " + rest,
            output: [
                "paper": "paper of 120", "by_hand": "TooManyFailed", "priced": 5, "lost": 1, "reminded": "failed",
            ]),
        Row(
            name: "small", input: ["orders": 4, "large": 50, "foreign": true],
            statuses: settled + "is-foreign=skipped declare=skipped insure=skipped file=succeeded paper=succeeded "
                + rest,
            output: [
                "paper": "paper of 30", "by_hand": "TooManyFailed", "priced": 3, "lost": 1, "reminded": "failed",
            ]),
        Row(
            name: "nothing fails", input: ["orders": 2, "large": 50, "foreign": true],
            statuses: settled
                + "is-foreign=skipped declare=skipped insure=skipped file=succeeded paper=succeeded remind=succeeded by-hand=skipped celebrate=succeeded report=succeeded",
            output: ["paper": "paper of 10", "by_hand": nil, "priced": 2, "lost": 0, "reminded": "succeeded"]),
        Row(
            name: "nothing at all", input: ["orders": 0, "large": 50, "foreign": true],
            statuses: settled
                + "is-foreign=skipped declare=skipped insure=skipped file=succeeded paper=succeeded remind=succeeded by-hand=skipped celebrate=succeeded report=succeeded",
            output: ["paper": "paper of 0", "by_hand": nil, "priced": 0, "lost": 0, "reminded": "succeeded"]),
    ]

    @Test("Two maps, nested conditions, a failing branch with x.failed, and join: settled: node by node")
    func invoices() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("invoices.py", Self.functions)
        try await withRen(scratch) { ren in
            try scratch.load(Self.flow, into: ren)
            for row in Self.rows {
                let run = try await ren.start("invoices", input: row.input, functions: [file])
                let result = try await run.result()
                #expect(result.canonical == row.output.canonical, "\(row.name): \(result)")
                #expect(try await statuses(run, in: ren) == row.statuses, "\(row.name)")
            }
        }
    }

    /// `a=succeeded b=skipped`, in flow order, folded from the run's recorded events.
    private func statuses(_ run: Run, in ren: Ren) async throws -> String {
        var statuses: [String: String] = [:]
        for try await event in run.events() {
            guard let node = event.node, event.item == nil else { continue }
            switch event.type {
            case "node.succeeded", "node.decided": statuses[node] = "succeeded"
            case "node.failed": statuses[node] = "failed"
            case "node.skipped": statuses[node] = "skipped"
            case "node.cancelled": statuses[node] = "cancelled"
            default: break
            }
        }
        let order =
            ["orders", "price", "total", "is-large", "is-foreign", "declare", "insure", "file", "paper", "remind"]
            + ["by-hand", "celebrate", "report"]
        return order.map { "\($0)=\(statuses[$0] ?? "pending")" }.joined(separator: " ")
    }

    @Test("Two runs at once with equal function names from different files")
    func equalNames() async throws {
        let scratch = try Scratch()
        let files = try ["red", "blue"].map { colour in
            try scratch.write(
                "\(colour)/shop.py",
                """
                import ren

                @ren.function
                def paint(n: int) -> str:
                    return f"{n} {COLOUR}"

                COLOUR = "\(colour)"
                """)
        }
        try await withRen(scratch) { ren in
            try scratch.load(
                "flow: paint\nnodes:\n  m: {function: shop.paint, each: {var: input}, with: {n: {var: item}}}\noutput: {var: nodes.m.items}",
                into: ren)
            let input = JSON.array((0..<40).map { .integer($0) })
            let red = try await ren.start("paint", id: "red", input: input, functions: [files[0]])
            let blue = try await ren.start("paint", id: "blue", input: input, functions: [files[1]])
            for (run, colour) in [(blue, "blue"), (red, "red")] {
                #expect(try await run.result() == .array((0..<40).map { .string("\($0) \(colour)") }))
            }
        }
    }

    @Test("A run with Python functions goes on in another engine with the files that it was started with")
    func resumed() async throws {
        let scratch = try Scratch()
        let file = try scratch.write(
            "steps.py",
            """
            import ren

            @ren.function
            def first() -> int:
                return 1

            @ren.function
            def second(n: int) -> int:
                return n + 1
            """)
        try await withRen(scratch) { ren in
            try scratch.load(
                """
                flow: steps
                nodes:
                  one: {function: steps.first}
                  ask: {pause: {message: Go on?, signal: go}, after: [one]}
                  two: {function: steps.second, after: [ask], with: {n: {var: nodes.one.output}}}
                output: {var: nodes.two.output}
                """, into: ren)
            #expect(try await ren.start("steps", functions: [file]).wait() == .waiting)
        }
        try await withRen(scratch) { ren in
            let run = try await ren.resume("@last")
            try await run.signal("go")
            #expect(try await run.result() == 2)
        }
    }
}
