import HTTPTypes
import Ren
import RenCore
import RenEngine
import RenJSON
import RenJournal

/// What happened in a run, gathered: its problems and its timeline.
extension Backend {
    var problemsRoute: Route {
        Route(
            .get, "/api/v1/runs/{run}/problems",
            "Failures of a run in groups of one kind: same name, same frame, same message but for numbers, ids and URLs.",
            answers: [
                .json(
                    .ok, "the groups, the largest first",
                    .answer([
                        "items": .list(of: .ref("ProblemGroup")), "as_of": .count,
                    ]))
            ], problems: [404], isLong: true
        ) { call in
            let row = try self.run(call.capture("run"))
            let (groups, head) = try self.journal.read { view throws(RenError) in
                (try view.problems(of: row.number), try view.head().sequence)
            }
            var names = EventNames(self.journal)
            var items: [JSON] = []
            for group in groups { items.append(.object(try ProblemView(group, of: row.number, &names).json)) }
            return .json(["items": .array(items), "as_of": JSON(head.rawValue)])
        }
    }

    var timelineRoute: Route {
        Route(
            .get, "/api/v1/runs/{run}/timeline", "What a run did, node by node, in stretches of equal length.",
            parameters: [
                .query("from", "nothing before it; the begin of the run", .time),
                .query("to", "nothing after it; the end of the run, or now, or the time of as_of", .time),
                .query("buckets", "how many stretches", .integer(from: 1, to: 500, default: 100)), Self.asOf,
            ],
            answers: [.json(.ok, "the timeline", .ref("Timeline"))], problems: [404], isLong: true
        ) { call in
            let row = try self.run(call.capture("run"))
            let (from, to) = (try call.time("from"), try call.time("to"))
            if let from, let to, to <= from {
                throw RenError(.init("time.range"), "to is not after from", hint: "exchange the two")
            }
            let timeline = try self.journal.timeline(
                of: row.number, from: from, to: to, buckets: call.integer("buckets") ?? 100, now: self.engine.now(),
                asOf: call.integer("as_of").map { JournalSequence($0) })
            guard let timeline else { throw RenError(.runNotFound, "there is no run \(row.id)") }
            return .json(try self.json(of: timeline, row))
        }
    }

    private func json(of timeline: Timeline, _ row: RunRow) throws(RenError) -> JSONObject {
        var names = EventNames(journal)
        var lanes: [JSON] = []
        for lane in timeline.lanes {
            func column(_ value: (Timeline.Bucket) -> Int) -> JSON { .array(lane.buckets.map { JSON(value($0)) }) }
            lanes.append([
                "node": .string(try names.name(of: lane.node, in: row.number)), "started": column { $0.started },
                "succeeded": column { $0.succeeded }, "failed": column { $0.failed }, "running": column { $0.running },
            ])
        }
        return [
            "from": JSON(timeline.from), "to": JSON(timeline.to),
            "width_milliseconds": .double(Double(timeline.width.nanoseconds) / 1e6), "lanes": .array(lanes),
            "pauses": .array(timeline.pauses.map { ["from": JSON($0.from), "to": JSON($0.to)] }),
            "restarts": .array(timeline.restarts.map { JSON($0) }), "as_of": JSON(timeline.asOf.rawValue),
        ]
    }

    static let problemSchema: JSON = .answer([
        "fingerprint": fingerprintSchema, "name": .text("of the exception"), "message": .text("the first one"),
        "frame": .textOrNull("the topmost own one"), "failures": .count, "attempts": .count, "first": .time,
        "last": .time, "samples": .list(of: .answer(["node": .text("its name"), "key": .textOrNull("of the item")])),
    ])

    static let timelineSchema: JSON = .answer([
        "from": .time, "to": .time, "width_milliseconds": ["type": "number"],
        "lanes": .list(
            of: .answer([
                "node": .text("its name"), "started": .list(of: .count), "succeeded": .list(of: .count),
                "failed": .list(of: .count), "running": .list(of: .count),
            ])),
        "pauses": .list(of: .answer(["from": .time, "to": .timeOrNull])), "restarts": .list(of: .time),
        "as_of": .count,
    ])
}
