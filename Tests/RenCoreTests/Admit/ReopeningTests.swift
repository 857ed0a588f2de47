import RenCore
import RenJSON
import Testing

/// SEMANTICS.md 7: which nodes and items a reopening opens, and which it keeps.
@Suite("Reopening")
struct ReopeningTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var nodes: String
        var told: String
        var nodesChosen: [String]
        var gives: String

        init(_ what: String, _ nodes: String, _ told: String, choose: [String] = [], gives: String) {
            self.what = what
            self.nodes = nodes
            self.told = told
            nodesChosen = choose
            self.gives = gives
        }

        var testDescription: String { what }
    }

    /// scrape → images → export beside a list that all of them read.
    static let products = """
        list: {function: f, with: {}}
        scrape: {function: f, each: {var: nodes.list.output}, after: [list], with: {url: {var: item}}, tolerate: 5}
        images: {function: f, each: {var: nodes.scrape.items}, after: [scrape], with: {page: {var: item}}}
        enough: {condition: {">": [{var: nodes.images.succeeded}, 1]}, after: [images]}
        export: {function: f, after: [enough.then], with: {pages: {var: nodes.images.items}}}
        few: {fail: too few, after: [enough.else]}
        """

    // Gives: items | again | affected | kept.
    static let rows = [
        Row(
            "what failed runs again, and what was skipped because of it is looked at",
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, with: {}}",
            "a failed, b upstream-failed, c ok, run failed", gives: " | a | b | c"),
        Row(
            "that reaches through all that follow",
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, after: [b]}\nd: {function: f, with: {}}",
            "a failed, b upstream-failed, c upstream-failed, d ok, run failed", gives: " | a | b c | d"),
        Row(
            "what handled the failure is looked at: it may not be needed any more",
            "a: {function: f}\nrescue: {function: g, after: [a.failed], with: {}}\nb: {function: f, after: [a]}",
            "a failed, rescue ok, b not-taken, run succeeded", gives: " | a | rescue b | "),
        Row(
            "a node without with reads those before it",
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f}", "a ok, b ok, c ok, run succeeded",
            choose: ["a"], gives: " | a | b | c"),
        Row(
            "failed items run again, what reads the map is looked at", products,
            "list ok, scrape 3, scrape[0] ok, scrape[1] failed, scrape[2] ok, scrape ok, images 2, images[0] ok, "
                + "images[1] ok, images ok, enough then, export ok, few not-taken, run succeeded",
            gives: "scrape=1 |  | images enough export few | list"),
        Row(
            "a map that is chosen by name gives its failed items", products,
            "list ok, scrape 3, scrape[0] failed, scrape[1] failed, scrape[2] ok, scrape ok, images 1, images[0] ok, "
                + "images ok, enough then, export ok, few not-taken, run succeeded",
            choose: ["scrape"], gives: "scrape=0-1 |  | images enough export few | list"),
        Row(
            "a map without any is opened anew", products,
            "list ok, scrape 1, scrape[0] ok, scrape ok, images 1, images[0] ok, images ok, enough then, export ok, "
                + "few not-taken, run succeeded",
            choose: ["images"], gives: " | images | enough export few | list scrape"),
        Row(
            "a map with failed items behind a node that runs again is looked at item by item", products,
            "list ok, scrape 2, scrape[0] failed, scrape[1] ok, scrape ok, images 1, images[0] failed, images failed, "
                + "enough upstream-failed, export upstream-failed, few upstream-failed, run failed",
            gives: "scrape=0 |  | images enough export few | list"),
        Row(
            "a list that could not be opened is opened again", products,
            "list ok, scrape failed, images upstream-failed, enough upstream-failed, export upstream-failed, "
                + "few upstream-failed, run failed",
            gives: " | scrape | images enough export few | list"),
        Row(
            "of a stopped run, what was cancelled goes on too", products,
            "list ok, scrape 4, scrape[0] ok, scrape[1] failed, scrape[2] started, run stopping, scrape[2] cancelled, "
                + "scrape cancelled, images cancelled, enough cancelled, export cancelled, few cancelled, run stopped",
            gives: "scrape=1-2 | images enough export few |  | list"),
        Row(
            "unless a node is chosen",
            "a: {function: f, with: {}}\nb: {function: f, with: {}}\nc: {function: f, after: [b]}",
            "a started, run stopping, a cancelled, b cancelled, c cancelled, run stopped", choose: ["b"],
            gives: " | b | c | a"),
        Row(
            "a timeout of the flow cancels as a stop does", "a: {function: f, with: {}}\nb: {function: f, with: {}}",
            "a ok, run timeout, b cancelled, run failed", gives: " | b |  | a"),
        Row(
            "an end node that failed the run is reached anew, and what it cut short goes on",
            "a: {function: f, with: {}}\nend: {fail: no, after: [a]}\nb: {function: f, with: {}}",
            "a ok, b started, end ends, b cancelled, run failed", gives: " | end b |  | a"),
        Row(
            "what nobody knows is chosen by name",
            "a: {function: f, once: true, with: {}}\nb: {function: f, after: [a]}",
            "a started, a unknown, run stopping, b cancelled, run stopped", choose: ["a"], gives: " | a | b | "),
        Row(
            "left alone it keeps those behind it waiting",
            "a: {function: f, once: true, with: {}}\nb: {function: f, after: [a]}\nc: {function: f, with: {}}",
            "a started, a unknown, c failed, run stopping, b cancelled, run stopped", gives: " | b c |  | "),
    ]

    @Test("The sets", arguments: rows)
    func sets(_ row: Row) throws {
        var story = try Story(row.nodes, row.told)
        var choice = RetryChoice()
        choice.nodes = try row.nodesChosen.map { try story.number($0) }
        let sets = try story.state.reopening(choice)
        #expect(story.text(sets) == row.gives)
        // Folded, exactly they are open.
        let control = story.state.control
        try story.ask(.retry(choice))
        #expect(!story.state.isEnded)
        #expect(story.state.control > control)
        for node in sets.again + sets.affected { #expect(story.state[node].status.isOpen, "\(story.statuses)") }
        for node in sets.kept(in: story.state) { #expect(story.state[node].isSettled) }
        for (node, items) in sets.items {
            #expect(story.state[node].phase == .mapping)
            #expect(items.items.allSatisfy { story.state[node].map?.state(of: $0) == .pending })
        }
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var nodes: String
        var told: String
        var choose: [String] = []
        var code: RenError.Code

        var testDescription: String { "\(told) → \(code.rawValue)" }
    }

    static let refusals = [
        Refusal(nodes: "a: {function: f}", told: "a ok, run succeeded", code: .retryNothing),
        Refusal(nodes: "a: {function: f, once: true}", told: "a started, a unknown", code: .retryNothing),
        Refusal(nodes: "a: {function: f}", told: "a started", choose: ["a"], code: .retryNothing),
        Refusal(
            nodes: "a: {function: f}\nb: {function: f}", told: "a failed, b started", choose: ["a"],
            code: .runNotEnded),
        Refusal(nodes: "a: {function: f}\nb: {function: f}", told: "a failed, b started", code: .runNotEnded),
        Refusal(nodes: "a: {function: f}", told: "a started, run stopping", code: .runEnding),
        Refusal(
            nodes: "a: {function: f}\nend: {succeed: 1}\nb: {function: f}",
            told: "b failed, a started, end ends, a cancelled, run failed", choose: ["b"], code: .retryNothing),
    ]

    @Test("What cannot run again is refused with a way out", arguments: refusals)
    func refused(_ row: Refusal) throws {
        let story = try Story(row.nodes, row.told)
        var choice = RetryChoice()
        choice.nodes = try row.choose.map { try story.number($0) }
        let error = #expect(throws: RenError.self) { try story.state.reopening(choice) }
        #expect(error?.code == row.code)
        #expect(error?.hint != nil)
    }

    @Test("While a run goes on, failed items of an open map run again, and nothing else is touched")
    func openMap() throws {
        var story = try Story(Self.products, "list ok, scrape 3, scrape[0] failed, scrape[1] started")
        let choice = RetryChoice()
        #expect(story.text(try story.state.reopening(choice)) == "scrape=0 |  |  | list")
        try story.ask(.retry(choice))
        let map = try #require(story.state[try story.number("scrape")].map)
        #expect(map.state(of: ItemIndex(0)) == .pending)
        #expect(map.state(of: ItemIndex(1)) == .open)
        #expect(map.running == 1)
        #expect(story.state.running == 1)
    }

    @Test("An item is chosen by itself, whatever became of it, once it has ended")
    func items() throws {
        let story = try Story(
            Self.products,
            "list ok, scrape 3, scrape[0] ok, scrape[1] ok, scrape[2] started, run stopping, "
                + "scrape[2] cancelled, scrape cancelled, run stopped")
        let scrape = try story.number("scrape")
        var choice = RetryChoice()
        choice.items = [scrape: ItemRanges([ItemIndex(1)])]
        #expect(try story.state.reopening(choice).items == choice.items)
        choice.items = [scrape: ItemRanges([ItemIndex(3)])]
        let error = #expect(throws: RenError.self) { try story.state.reopening(choice) }
        #expect(error?.code == .retryNothing)
    }

    @Test("Chosen items begin where too many others stay failed, but in runs of the semantics before")
    func chosen() throws {
        for semantics in [1, 2] {
            var story = try Story(
                Self.products, "list ok, scrape 3, scrape[0] failed, scrape[1] failed, scrape failed, run failed",
                semantics: semantics)
            let scrape = try story.number("scrape")
            var choice = RetryChoice()
            choice.items = [scrape: ItemRanges([ItemIndex(0)])]
            try story.ask(.retry(choice))
            let map = try #require(story.state[scrape].map)
            #expect(map.isExceeded(.count(0), for: ItemIndex(0)) == (semantics == 1))
            #expect(map.isExceeded(.count(0), for: ItemIndex(2)), "nobody chose it")
            #expect(map.chosen == (semantics == 1 ? ItemRanges() : ItemRanges([ItemIndex(0)])))
            try story.go("scrape[0] ok")
            #expect(story.state[scrape].map?.chosen.isEmpty == true)
        }
    }

    @Test("What waited for a retry when too many others had failed goes on with those that failed")
    func waiting() throws {
        let story = try Story(
            Self.products,
            "list ok, scrape 3, scrape[0] failed, scrape[1] started, scrape[1] retrying, scrape failed, run failed")
        let scrape = try story.number("scrape")
        var choice = RetryChoice()
        let both = [scrape: ItemRanges([ItemIndex(0), ItemIndex(1)])]
        #expect(try story.state.reopening(choice).items == both)
        choice.nodes = [scrape]
        #expect(try story.state.reopening(choice).items == both)
        choice.items = [scrape: ItemRanges([ItemIndex(1)])]
        var reopening = try story.state.reopening(choice)
        #expect(reopening.items == choice.items)
        reopening.items = both
        var state = story.state
        state.apply(Event(.runReopened(reopening), .run, at: state.time))
        let map = try #require(state[scrape].map)
        #expect(map.state(of: ItemIndex(0)) == .pending && map.state(of: ItemIndex(1)) == .open)
    }

    @Test("Attempt numbers go on, and the budget for retries starts anew")
    func attempts() throws {
        var story = try Story("a: {function: f}", "a started, a failed, run failed")
        try story.ask(.retry(RetryChoice()))
        let work = story.state[NodeNumber(0)].work
        #expect(work.attempts == 1)
        #expect(work.counted == 0)
        #expect(work.last > .none)
    }

    // MARK: skip

    @Test("A value for a failed node counts as success, and what read it is looked at")
    func value() throws {
        var story = try Story(
            "a: {function: f}\nb: {function: f, after: [a]}\nc: {function: f, with: {}}",
            "a failed, b upstream-failed, c ok, run failed")
        let given = Payload(bytes: Array("2".utf8), hash: Story.value.hash)
        let events = try story.ask(.skip(.node(NodeNumber(0)), .value(given), reason: "known"))
        #expect(events.count == 2)
        #expect(story.statuses == "a=succeeded b=pending c=succeeded")
        #expect(story.state.failure == nil)
        #expect(story.state.phase == .running)
    }

    @Test("A value for an item lets its map close")
    func valueOfItem() throws {
        var story = try Story(
            "m: {function: f, each: [1, 2]}\nb: {function: f, after: [m]}",
            "m 2, m[0] ok, m[1] failed, m failed, b upstream-failed, run failed")
        let given = Payload(bytes: Array("2".utf8), hash: Story.value.hash)
        try story.ask(.skip(.item(NodeNumber(0), ItemIndex(1)), .value(given), reason: nil))
        #expect(story.state[NodeNumber(0)].map?.counts.succeeded == 2)
        #expect(story.state[NodeNumber(0)].map?.counts.failed == 0)
        var slots = Slots(kinds: [.blocking, .blocking], free: [:])
        let facts = story.state.decide(at: story.state.time, slots: &slots).events.map(\.fact)
        guard facts.count == 2, case .mapClosed = facts[0], case .succeeded = facts[1] else {
            return #expect(facts.isEmpty, "the map does not close")
        }
    }

    struct SkipRow: Sendable, CustomTestStringConvertible {
        var told: String
        var who: String
        var how: String
        var gives: String

        init(_ told: String, _ who: String, _ how: String, _ gives: String) {
            (self.told, self.who, self.how, self.gives) = (told, who, how, gives)
        }

        var testDescription: String { "\(told): skip \(who) with \(how) → \(gives)" }
    }

    static let skips = [
        SkipRow("a started, a unknown", "a", "value", "succeeded"),
        SkipRow("a started, a unknown", "a", "fail", "failed"),
        SkipRow("a started, a unknown", "a", "keep", "skip.nothing_kept"),
        SkipRow("a started", "a", "value", "skip.running"),
        SkipRow("m 2", "a", "value", "succeeded"),
        SkipRow("a failed", "a", "value", "run.not_ended"),
        SkipRow("a failed, run failed", "a", "fail", "skip.settled"),
        SkipRow("a ok", "a", "value", "run.not_ended"),
        SkipRow("a ok, run succeeded", "a", "value", "skip.succeeded"),
        SkipRow("a ok", "if", "value", "skip.kind"),
        SkipRow("m 2, m[0] failed", "m[0]", "value", "succeeded"),
        SkipRow("m 2, m[0] started", "m[0]", "value", "skip.running"),
        SkipRow("m 2, m[0] ok", "m[0]", "value", "skip.succeeded"),
        SkipRow("m 2", "m[1]", "value", "succeeded"),
        SkipRow("m 2", "m[2]", "value", "skip.kind"),
        SkipRow("m 2, m[0] started, m[0] unknown", "m[0]", "fail", "failed"),
        SkipRow("run stopping", "a", "value", "run.ending"),
    ]

    @Test("Skipping", arguments: skips)
    func skipping(_ row: SkipRow) throws {
        var story = try Story(
            "a: {function: f, once: true}\nm: {function: f, each: [1, 2]}\nif: {condition: true, after: [a]}", row.told)
        let subject = try story.subject(row.who)
        let skip: Skip =
            switch row.how {
            case "fail": .fail("given up")
            case "keep": .keep(cause: .none)
            default: .value(Payload(bytes: Array("2".utf8), hash: Story.value.hash))
            }
        do {
            try story.ask(.skip(subject, skip, reason: "because"))
        } catch let error as RenError {
            #expect(error.code.rawValue == row.gives)
            #expect(error.hint != nil || error.code == .skipKind)
            return
        }
        let status =
            switch subject {
            case .item(let node, let item): story.state[node].map?.state(of: item).name
            default: subject.node.map { story.state[$0].status }
            }
        #expect(status == row.gives)
    }
}

extension String {
    /// A node that is to be looked at.
    fileprivate var isOpen: Bool { !["succeeded", "failed", "skipped", "cancelled"].contains(self) }
}
