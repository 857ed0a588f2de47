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
            .get, "/api/v1/runs/{run}/timeline",
            "What a run did, node by node, in stretches of equal length; bars of nodes and items while they are few.",
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
                "waiting": column { $0.waiting },
                "bars": try lane.bars.map { bars throws(RenError) in
                    var items: [JSON] = []
                    for bar in bars {
                        let key = try bar.item.map { item throws(RenError) in
                            try names.key(of: item, lane.node, in: row.number)
                        }
                        items.append([
                            "item": JSON(bar.item?.rawValue), "key": JSON(key),
                            "spans": .array(bar.spans.map { .object($0.json) }),
                        ])
                    }
                    return .array(items)
                } ?? .null,
            ])
        }
        return [
            "from": JSON(timeline.from), "to": JSON(timeline.to), "known": JSON(timeline.known),
            "width_milliseconds": .double(Double(timeline.width.nanoseconds) / 1e6), "lanes": .array(lanes),
            "pauses": .array(timeline.pauses.map { ["from": JSON($0.from), "to": JSON($0.to)] }),
            "restarts": .array(timeline.restarts.map { JSON($0) }), "as_of": JSON(timeline.asOf.rawValue),
        ]
    }

    static let failedNow: JSON = [
        "type": "integer", "minimum": 0,
        "description": "nodes and items that have failed so, and have not begun again or got a value since",
    ]
    static let failedEver: JSON = [
        "type": "integer", "minimum": 0, "description": "attempts that ever failed so",
    ]

    static let problemSchema: JSON = .answer([
        "fingerprint": fingerprintSchema, "name": .text("of the exception"), "message": .text("the first one"),
        "frame": .textOrNull("the topmost own one"), "failures": failedNow,
        "attempts": failedEver, "first": .time, "last": .time,
        "samples": .list(of: .answer(["node": .text("its name"), "key": .textOrNull("of the item")])),
    ])

    private static let timelineBar: JSON = .answer([
        "item": .countOrNull, "key": .textOrNull("of the item; null for the node itself"),
        "spans": .list(
            of: .answer([
                "kind": .oneOf(Timeline.Span.Kind.allCases.map(\.rawValue)), "attempt": .count, "from": .time,
                "to": .timeOrNull, "end": .textOrNull("the type of the event that ended it"),
            ])),
    ])

    static let timelineSchema: JSON = .answer([
        "from": .time, "to": .time, "known": .time, "width_milliseconds": ["type": "number"],
        "lanes": .list(
            of: .answer([
                "node": .text("its name"), "started": .list(of: .count), "succeeded": .list(of: .count),
                "failed": .list(of: .count), "running": .list(of: .count), "waiting": .list(of: .count),
                "bars": [
                    "type": ["array", "null"], "items": timelineBar,
                    "description": "null with 200 or more items at work between from and to",
                ],
            ])),
        "pauses": .list(of: .answer(["from": .time, "to": .timeOrNull])), "restarts": .list(of: .time),
        "as_of": .count,
    ])
}

extension Timeline.Span {
    fileprivate var json: JSONObject {
        [
            "kind": .string(kind.rawValue), "attempt": JSON(attempt), "from": JSON(from), "to": JSON(to),
            "end": JSON(end?.name),
        ]
    }
}
