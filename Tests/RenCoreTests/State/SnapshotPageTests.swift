import RenJSON
import Testing

@testable import RenCore

/// The pages of a state: what is in them comes back, and damaged ones are no state or another, never a trap.
///
/// `PropertyTests` sends every state of random histories through them.
@Suite("Pages of a state")
struct SnapshotPageTests {
    private static let plan: Plan = {
        let nodes = JSONObject(members: (0..<40).map { .init(key: "n\($0)", value: ["function": "f"]) })
        do {
            return Plan(try FlowDecoder.decode(stored: JSON.object(["flow": "wide", "nodes": .object(nodes)]).compact))
        } catch { preconditionFailure("\(error)") }
    }()

    private static let digest = Digest(repeatElement(7, count: 32))

    private static func apply(_ facts: [(Fact, Event.Subject)], to state: inout RunState) {
        for (fact, subject) in facts {
            var event = Event(fact, subject, at: state.time + .milliseconds(3), attempt: 1)
            if case .signalReceived = fact { event.payload = PayloadMark(length: 3, hash: digest) }
            state.record(&event)
        }
    }

    private static func item(_ index: Int) -> Event.Subject { .item(NodeNumber(1), ItemIndex(index)) }
    private static func node(_ index: Int) -> Event.Subject { .node(NodeNumber(index)) }

    /// A state with something of everything.
    private static func rich() -> RunState {
        var state = RunState(plan: plan)
        let start = Fact.started(AttemptStart(input: digest, code: digest, timeout: .seconds(5), alone: true))
        let failure = Failure("ValueError", String(repeating: "é", count: 900), frame: "a.py:1", item: "k")
        let wait = SignalWait(signal: "go", message: "Go on?", until: Timestamp(nanoseconds: 99))
        let creation = RunCreation(id: "r", flow: digest, flowName: "wide", functions: digest)
        let opening = MapOpening(total: 9_000, source: digest, concurrency: 7)
        var facts: [(Fact, Event.Subject)] = [
            (.runCreated(creation), .run), (.mapOpened(opening), node(1)), (start, node(2)),
            (.checkpointed, node(2)), (.attemptFailed(failure, retryAt: Timestamp(nanoseconds: 5)), node(2)),
            (.waiting(wait), node(3)), (.signalReceived(name: "other"), .run),
            (.decided(way: "then", operands: .null), node(4)),
            (.skipped(.notTaken, operands: nil), node(5)), (start, node(6)), (.unknown(.workerDied), node(6)),
            (start, node(39)), (.attemptFailed(failure, retryAt: nil), node(39)), (.cancelled, node(8)),
        ]
        for index in 0..<5_000 {
            facts.append((start, item(index)))
            switch index % 9 {
            case 0: facts.append((.skipped(.when, operands: nil), item(index)))
            case 1: facts.append((.cancelled, item(index)))
            case 2: facts.append((.unknown(.timeout), item(index)))
            case 3 where index % 5 == 0: break
            case 4: facts.append((.failed(failure), item(index)))
            default: facts.append((.succeeded(instead: nil), item(index)))
            }
        }
        apply(facts, to: &state)
        var reopening = Reopening()
        reopening.items = [NodeNumber(1): ItemRanges([4, 13, 22].map { ItemIndex($0) })]
        reopening.allowed = [NodeNumber(5)]
        reopening.affected = [NodeNumber(4)]
        reopening.codeChangedRunsAgain = true
        apply([(.runReopened(reopening), .run), (.runPauseRequested(now: true, reason: "disk"), .run)], to: &state)
        return state
    }

    private static func pages(_ state: RunState, since base: RunState? = nil) -> [SnapshotPage.Place: [UInt8]] {
        Dictionary(uniqueKeysWithValues: state.snapshotPages(since: base).map { ($0.place, $0.bytes) })
    }

    private static func restored(_ pages: [SnapshotPage.Place: [UInt8]]) throws -> RunState? {
        try RunState(plans: [plan]) { pages[$0] }
    }

    @Test("A state comes back from its pages, and equal states have equal bytes")
    func comesBack() throws {
        let state = Self.rich()
        let pages = Self.pages(state)
        #expect(try Self.restored(pages) == state)
        #expect(Set(pages.keys) == Set(state.snapshotPlaces))
        #expect(Self.pages(Self.rich()) == pages)
        #expect(try Self.restored(Self.pages(RunState(plan: Self.plan))) == RunState(plan: Self.plan))
    }

    @Test("Only pages that changed come again, and make the new state with the old ones")
    func changes() throws {
        let base = Self.rich()
        var state = base
        Self.apply([(.started(AttemptStart(input: Self.digest, code: nil)), Self.item(4_999 + 1))], to: &state)
        let changed = Self.pages(state, since: base)
        let places: Set<SnapshotPage.Place> = [
            .root, .nodes(0), .items(NodeNumber(1), 1), .open(NodeNumber(1), 5_000 / SnapshotPage.openPerPage),
        ]
        #expect(Set(changed.keys) == places)
        #expect(try Self.restored(Self.pages(base).merging(changed) { $1 }) == state)
        #expect(Set(Self.pages(base, since: base).keys) == [.root])
    }

    @Test("A map that is opened anew shares no page with the one before")
    func openedAnew() throws {
        let base = Self.rich()
        var state = base
        var reopening = Reopening()
        reopening.affected = [NodeNumber(1)]
        Self.apply([(.runReopened(reopening), .run)], to: &state)
        #expect(try Self.restored(Self.pages(base).merging(Self.pages(state, since: base)) { $1 }) == state)
        Self.apply(
            [(.mapOpened(MapOpening(total: 10, source: Self.digest, concurrency: nil)), Self.node(1))], to: &state)
        Self.apply([(.kept(), Self.item(5))], to: &state)
        Self.apply([(.started(AttemptStart(input: Self.digest, code: nil)), Self.item(0))], to: &state)
        let node = state[NodeNumber(1)]
        #expect(node.recorded?.map?.total == 9_000 && node.map?.isKept == true && node.map?.again.count == 4)
        #expect(try Self.restored(Self.pages(base).merging(Self.pages(state, since: base)) { $1 }) == state)
    }

    @Test("A run that followed other flows comes back in the one it follows now")
    func followed() throws {
        let next = Plan(Self.plan.flow)
        var state = RunState(plan: Self.plan, then: [next])
        let creation = RunCreation(id: "f", flow: Self.digest, flowName: "wide", functions: nil)
        let numbers: [NodeNumber?] = (0..<40).map { $0 == 3 ? nil : NodeNumber(39 - $0) }
        let fork = Fork(creation: creation, parent: "r", version: RunVersion(1), hash: Self.digest, nodes: numbers)
        Self.apply([(.runCreated(creation), .run), (.runForked(fork), .run)], to: &state)
        let pages = Self.pages(state)
        let restored = try RunState(plans: [Self.plan, next]) { pages[$0] }
        #expect(restored == state && restored?.plan === next)
        #expect(try Self.restored(pages) == nil, "a flow that is not known is no state")
    }

    @Test("A page that is missing or cut is no state; one with other bytes is none or another, and no trap")
    func damage() throws {
        let pages = Self.pages(Self.rich())
        for (place, bytes) in pages {
            var damaged = pages
            damaged[place] = nil
            #expect(try Self.restored(damaged) == nil, "\(place)")
            damaged[place] = Array(bytes.dropLast())
            #expect(try Self.restored(damaged) == nil, "\(place)")
            // Each state takes a while to read: a few places of each page, the first ones among them.
            for offset in [0, 1, 2, 3, 5, bytes.count / 3, bytes.count / 2] where offset < bytes.count {
                damaged[place] = bytes
                damaged[place]?[offset] ^= 0xFF
                _ = try Self.restored(damaged)
            }
        }
    }
}
