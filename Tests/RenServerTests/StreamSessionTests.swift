import RenAPI
import RenCore
import RenJSON
import RenJournal
import RenServer
import RenTestKit
import Testing

@Suite("Streams", .timeLimit(.minutes(2)))
struct StreamSessionTests {
    private static let hello = StreamRequest.hello(token: nil, batch: .milliseconds(5))

    @Test("hello is answered with welcome: server, journal, head")
    func welcome() async throws {
        let fixture = StreamFixture()
        try await fixture.addRun("r", items: 1)
        let peer = FakePeer()
        var settings = StreamSession.Settings()
        settings.server = "0.0.1"
        try await withStream(fixture, peer, settings: settings) {
            peer.say(Self.hello)
            try await eventually { !peer.sent.isEmpty }
            let welcome = peer.sent[0]
            #expect(welcome["op"] == "welcome" && welcome["server"] == "0.0.1" && welcome["head"] == 5)
            #expect(welcome["heartbeat_s"] == 15)
            #expect(welcome["journal"]?.stringValue?.hasPrefix("j_") == true)
        }
    }

    @Test(
        "A peer that is not trusted yet must begin with the token",
        arguments: [
            (#"{"op":"hello","token":"secret"}"#, nil), (#"{"op":"hello","token":"other"}"#, "auth.invalid"),
            (#"{"op":"hello"}"#, "auth.invalid"), (#"{"op":"subscribe","id":"a","topic":"journal"}"#, "watch.hello"),
            ("nonsense", "json.syntax"),
        ])
    func token(_ text: String, _ refusal: String?) async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        try await withStream(fixture, peer, token: "secret") {
            peer.say(text)
            try await eventually { !peer.sent.isEmpty || peer.isClosed }
            #expect(peer.isTrusted == (refusal == nil))
            #expect(peer.closed?.code == (refusal == nil ? nil : 4401))
            #expect(peer.closed?.reason == refusal)
            #expect(peer.sent.count == (refusal == nil ? 1 : 0))
        }
    }

    @Test(
        "What is wrong is answered with an error, and the stream goes on",
        arguments: [
            ("nonsense", "json.syntax", nil), ("[]", "watch.message", nil), (#"{"id":"b"}"#, "watch.message", "b"),
            (#"{"op":"subscribe","topic":"runs"}"#, "watch.id", nil),
            (#"{"op":"subscribe","id":"","topic":"runs"}"#, "watch.id", ""),
            (#"{"op":"subscribe","id":"b"}"#, "watch.topic", "b"),
            (#"{"op":"subscribe","id":"b","topic":"weather"}"#, "watch.topic", "b"),
            (#"{"op":"subscribe","id":"b","topic":"run"}"#, "watch.topic", "b"),
            (#"{"op":"subscribe","id":"b","topic":"node","run":"r"}"#, "watch.topic", "b"),
            (#"{"op":"subscribe","id":"b","topic":"item","run":"r","node":"n"}"#, "watch.topic", "b"),
            (#"{"op":"subscribe","id":"b","topic":"runs","kinds":["event","smell"]}"#, "watch.kind", "b"),
            (#"{"op":"subscribe","id":"b","topic":"runs","kinds":"event"}"#, "watch.kind", "b"),
            (#"{"op":"subscribe","id":"b","topic":"run","run":"none"}"#, "run.not_found", "b"),
            (#"{"op":"subscribe","id":"b","topic":"runs","since":99}"#, "watch.future", "b"),
            (#"{"op":"subscribe","id":"b","topic":"runs","since":-1}"#, "watch.bad_sequence", "b"),
            (#"{"op":"subscribe","id":"b","topic":"runs","since":"1"}"#, "watch.bad_sequence", "b"),
            (#"{"op":"subscribe","id":"a","topic":"runs"}"#, "watch.id", "a"),
        ])
    func errors(_ text: String, _ code: String, _ id: String?) async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        try await fixture.addRun("r", items: 1)
        try await withStream(fixture, peer) {
            peer.say(Self.hello)
            peer.say(.subscribe(StreamSubscription(id: "a", topic: .journal, since: JournalSequence(0))))
            try await eventually { peer.sequences().count == 5 }
            peer.say(text)
            try await eventually { !peer.messages("error").isEmpty }
            let error = peer.messages("error")[0]
            #expect(error["problem"]?["code"] == .string(code))
            #expect(error["id"] == (id.map(JSON.string) ?? .null))
            // The subscription that was there is not touched.
            try await fixture.addRun("next", items: 0)
            try await eventually { peer.sequences().count == 8 }
            #expect(peer.closed == nil)
        }
    }

    @Test("Unknown words and members of a later ren are passed over")
    func unknown() async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        try await withStream(fixture, peer) {
            peer.say(#"{"op":"hello","colour":"red"}"#)
            peer.say(#"{"op":"dance"}"#)
            peer.say(#"{"op":"ack","id":"a","sequence":1}"#)
            peer.say(#"{"op":"unsubscribe","id":"nobody"}"#)
            peer.say(#"{"op":"subscribe","id":"a","topic":"journal","kinds":["event"],"since":0,"x":1}"#)
            try await fixture.addRun("r", items: 0)
            try await eventually { peer.sequences().count == 3 }
            #expect(peer.messages("error").isEmpty)
        }
    }

    @Test("A client has at most 100 subscriptions; one that is ended makes room")
    func tooMany() async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        try await withStream(fixture, peer) {
            peer.say(Self.hello)
            for number in 0..<101 { peer.say(.subscribe(StreamSubscription(id: "s\(number)", topic: .journal))) }
            try await eventually { peer.messages("subscribed").count == 100 && !peer.messages("error").isEmpty }
            #expect(peer.messages("error").map { $0["problem"]?["code"] } == ["watch.too_many"])
            #expect(peer.messages("error")[0]["id"] == "s100")
            peer.say(.unsubscribe(id: "s7"))
            peer.say(.subscribe(StreamSubscription(id: "s7", topic: .journal)))
            try await eventually { peer.messages("subscribed").count == 101 }
            #expect(peer.messages("error").count == 1)
        }
    }

    @Test(
        "Each topic brings its events",
        arguments: [
            (StreamSubscription(id: "a", topic: .journal), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
            (StreamSubscription(id: "a", topic: .runs), [1, 7, 8, 12]),
            (StreamSubscription(id: "a", topic: .run, run: "other"), [8, 9, 10, 11, 12]),
            (StreamSubscription(id: "a", topic: .journal, since: JournalSequence(9)), [10, 11, 12]),
            (StreamSubscription(id: "a", topic: .workers), []),
        ])
    func topics(_ wanted: StreamSubscription, _ sequences: [Int64]) async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        try await fixture.addRun("r", items: 2)
        try await fixture.addRun("other", items: 1)
        try await withStream(fixture, peer) {
            peer.say(Self.hello)
            var wanted = wanted
            wanted.since = wanted.since ?? JournalSequence(0)
            peer.say(.subscribe(wanted))
            try await eventually { peer.sequences().count >= sequences.count && !peer.messages("subscribed").isEmpty }
            // What is unwanted is behind the next event of the run journal.
            var history = HistoryBuilder("journal")
            history.add(.functionUnparked(name: "f", set: Digest(hashing: [1])))
            try await fixture.journal.base.append(history.take().events, to: .journal, after: .none)
            let last: [Int64] = wanted.topic == .journal || wanted.topic == .workers ? [13] : []
            try await eventually { peer.sequences().count >= sequences.count + last.count }
            #expect(peer.sequences() == sequences + last)
        }
    }

    @Test("Progress comes with the first look and after the last event, and counts")
    func progress() async throws {
        let (fixture, peer) = (StreamFixture(), FakePeer())
        let run = try await fixture.addRun("r", items: 10, isEnded: false)
        try await withStream(fixture, peer) {
            peer.say(Self.hello)
            peer.say(.subscribe(StreamSubscription(id: "a", topic: .run, run: "r", kinds: [.progress])))
            try await eventually { !peer.messages("progress").isEmpty }
            let nodes = peer.messages("progress")[0]["nodes"]
            #expect(nodes?["0"]?["done"] == 10 && nodes?["0"]?["total"] == 10 && nodes?["0"]?["running"] == 0)
            var end = HistoryBuilder("r")
            end.add(.mapClosed(MapCounts()), .node(0))
            end.add(.succeeded(instead: nil), .node(0))
            let events = end.take().events
            try await fixture.journal.base.append(events, to: run, after: RunVersion(22))
            try await eventually { peer.messages("progress").last?["nodes"]?["0"]?["state"] == "succeeded" }
            #expect(peer.sequences().isEmpty)
        }
    }

    @Test("A client that does not read is closed with 1013 and the place to resume from; others see all")
    func slowClient() async throws {
        let fixture = StreamFixture()
        let run = try await fixture.addRun("r", items: 2_000)
        // It takes welcome, subscribed and three messages with events.
        let (slow, other) = (FakePeer(room: 5), FakePeer())
        var settings = StreamSession.Settings()
        settings.patience = .milliseconds(300)
        let impatient = settings
        let wanted = StreamSubscription(id: "a", topic: .run, run: "r", since: JournalSequence(0))
        let all = try fixture.all(of: run).map { Int64($0.sequence.rawValue) }
        try await withStream(fixture, slow, settings: impatient) {
            try await withStream(fixture, other, settings: impatient) {
                for peer in [slow, other] {
                    peer.say(Self.hello)
                    peer.say(.subscribe(wanted))
                }
                try await eventually { other.sequences().count == all.count }
                #expect(other.sequences() == all)
                try await eventually { slow.closed != nil }
                #expect(fixture.journal.openCount == 0)
                let last = try #require(slow.sequences().last)
                #expect(slow.sequences() == Array(all.prefix(slow.sequences().count)))
                #expect(slow.closed?.code == 1013)
                #expect(slow.closed?.reason.hasSuffix("resume from \(last)") == true)
            }
        }
        // It comes back where it was sent away.
        let last = try #require(slow.sequences().last)
        let again = FakePeer()
        try await withStream(fixture, again) {
            again.say(Self.hello)
            var rest = wanted
            rest.since = JournalSequence(last)
            again.say(.subscribe(rest))
            try await eventually { slow.sequences().count + again.sequences().count >= all.count }
            #expect(slow.sequences() + again.sequences() == all)
        }
    }

    @Test("A client that reads slowly misses no event; of progress it is told what it missed")
    func lagging() async throws {
        let fixture = StreamFixture()
        let run = try await fixture.addRun("r", items: 0, isEnded: false)
        let peer = FakePeer(room: 3)
        try await withStream(fixture, peer) {
            peer.say(Self.hello)
            peer.say(
                .subscribe(
                    StreamSubscription(
                        id: "a", topic: .run, run: "r", kinds: [.event, .progress], since: JournalSequence(0))))
            try await eventually { peer.sent.count == 3 }
            var history = HistoryBuilder("r")
            for node in 1...40 { history.start(.node(node)) }
            try await fixture.journal.base.append(history.take().events, to: run, after: RunVersion(2))
            try await eventually { peer.refusedProgress >= 2 }
            peer.makeRoom(nil)
            try await eventually { peer.sequences().count == 42 && !peer.messages("lagged").isEmpty }
            #expect(peer.sequences() == (1...42).map { Int64($0) })
            #expect((peer.messages("lagged")[0]["dropped_progress"]?.integerValue ?? 0) >= 1)
            try await eventually { peer.messages("progress").last?["sequence"] == 42 }
        }
    }
}
