import HTTPTypes
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// How a function did of late: where runs called it, how long that took, and how it failed.
extension Backend {
    var functionCallsRoute: Route {
        Route(
            .get, "/api/v1/functions/{function}/calls", "The newest nodes that called a function, and their failures",
            answers: [.json(.ok, "Of the newest 100 runs, ten nodes at most", .ref("FunctionCalls"))], isLong: true
        ) { call in .json(try self.calls(call.capture("function"))) }
    }

    private static let runsMax = 100
    private static let nodesMax = 10

    private func calls(_ function: String) throws(RenError) -> JSONObject {
        let runs = try journal.read { view throws(RenError) in
            try view.runs(limit: Self.runsMax) { $0.pruned != .histories }
        }
        var nodes: [JSON] = []
        var problems: [JSON] = []
        for run in runs where nodes.count < Self.nodesMax {
            let summary: RunSummary
            do throws(RenError) {
                summary = try RunSummary(run.number, in: journal, engineHolds: true)
            } catch {
                // It was pruned meanwhile.
                guard error.code == .runPruned else { throw error }
                continue
            }
            for (index, node) in summary.flow.nodes.enumerated() where node.call?.name == function {
                guard nodes.count < Self.nodesMax, let row = summary.rows[index] else { continue }
                nodes.append(.object(try members(of: summary, index, row)))
                for problem in summary.problems where problem.node == node.name {
                    problems.append([
                        "run": .string(run.id), "node": .string(node.name),
                        "fingerprint": .string(ProblemView.text(problem.row.fingerprint)),
                        "name": .string(problem.row.name), "message": .string(problem.row.message),
                        "frame": JSON(problem.row.frame), "failures": JSON(problem.row.failures),
                        "attempts": JSON(problem.row.attempts), "last": JSON(problem.row.last),
                    ])
                }
            }
        }
        return ["nodes": .array(nodes), "problems": .array(problems), "runs": JSON(runs.count)]
    }

    private func members(of summary: RunSummary, _ index: Int, _ row: NodeRow) throws(RenError) -> JSONObject {
        let counts = row.map?.counts
        let times = try journal.times(of: summary.row.number, NodeNumber(index), now: engine.now())
        return [
            "run": .string(summary.row.id), "flow": .string(summary.row.flowName),
            "node": .string(summary.flow.nodes[index].name), "status": .string(summary.state(of: index).name),
            "total": JSON(row.map?.total), "succeeded": JSON(counts?[.succeeded] ?? (row.state == .succeeded ? 1 : 0)),
            "failed": JSON(counts?[.failed] ?? (row.state == .failed ? 1 : 0)), "begun": JSON(row.begun),
            "ended": JSON(row.ended), "times": times.map { .object($0.json) } ?? .null,
        ]
    }

    static let functionCallsSchema: JSON = .answer([
        "nodes": .list(
            of: .answer([
                "run": .text("its id"), "flow": .text("its name"), "node": .text("its name"),
                "status": .oneOf(WorkState.allCases.map(\.name)), "total": .countOrNull, "succeeded": .count,
                "failed": .count, "begun": .time, "ended": .timeOrNull, "times": timesSchema,
            ])),
        "problems": .list(
            of: .answer([
                "run": .text("its id"), "node": .text("where it came first"), "fingerprint": fingerprintSchema,
                "name": .text("of the exception"), "message": .text("the first one"),
                "frame": .textOrNull("the topmost own one"), "failures": .count, "attempts": .count, "last": .time,
            ])),
        "runs": ["type": "integer", "minimum": 0, "description": "that were looked at"],
    ])
}
