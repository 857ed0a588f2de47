import RenCore
import Testing

@Suite("Names")
struct IdentifierTests {
    private static let good = [
        "a", "Z9", "products", "r_7k2m", "a.b-c_d", "9lives", String(repeating: "x", count: 100),
    ]
    private static let bad = [
        "", "..", ".", "a/b", "a\\b", "-a", "_a", "CON", "con", "nul.txt", "Lpt1", "com9.log", "a b", "é", "🙂",
        "a\u{202E}b", "a\u{0}", "a\n", String(repeating: "x", count: 101),
    ]

    @Test("Flow names and run ids that are taken", arguments: good)
    func goodNames(_ name: String) throws {
        try Identifier.check(flowName: name)
        try Identifier.check(runID: name)
    }

    @Test("Flow names and run ids that are refused", arguments: bad)
    func badNames(_ name: String) {
        let errors = [
            #expect(throws: RenError.self) { try Identifier.check(flowName: name) },
            #expect(throws: RenError.self) { try Identifier.check(runID: name) },
        ]
        for error in errors {
            #expect(error?.code == .idInvalid)
            #expect(error?.message.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E } == false)
        }
    }

    @Test("The run journal is ren's own, a flow may be called so")
    func journal() throws {
        #expect(throws: RenError.self) { try Identifier.check(runID: "journal") }
        try Identifier.check(flowName: "journal")
    }

    @Test("Node names have no dots and begin with a letter", arguments: ["a", "too-few", "a_1", "Con"])
    func goodNodeNames(_ name: String) throws { try Identifier.check(nodeName: name) }

    @Test(
        "Node names that are refused",
        arguments: ["", "1a", "a.b", "-a", "a b", "ä", String(repeating: "x", count: 101)])
    func badNodeNames(_ name: String) {
        #expect(throws: RenError.self) { try Identifier.check(nodeName: name) }
    }
}

@Suite("Written times")
struct DurationTextTests {
    @Test(
        "Times that are taken",
        arguments: [
            ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
            ("24h", .seconds(86_400)),
            ("30d", .seconds(2_592_000)), ("1.5m", .seconds(90)), ("0.25s", .milliseconds(250)),
            ("0.000001ms", .nanoseconds(1)), ("3650d", .seconds(315_360_000)), ("007s", .seconds(7)),
        ])
    func good(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
    }

    @Test(
        "Times that are refused",
        arguments: [
            ("", "syntax"), ("s", "syntax"), ("30", "syntax"), ("30 s", "syntax"), ("30sec", "syntax"),
            ("1.s", "syntax"),
            (".5s", "syntax"), ("1.2.3s", "syntax"), ("PT1Y", "syntax"), ("1e3s", "syntax"), ("+5s", "syntax"),
            ("--5s", "syntax"), ("５s", "syntax"), ("0s", "range"), ("-5s", "range"), ("-0s", "range"),
            ("0.0000001ms", "range"), ("3653d", "range"), ("10000000h", "range"), ("99999999999999999999d", "range"),
            ("9223372036854775807s", "range"),
        ])
    func bad(text: String, code: String) {
        let error = #expect(throws: RenError.self) { try DurationText.parse(text) }
        #expect(error?.code.rawValue == "duration." + code)
    }

    @Test(
        "The shortest text",
        arguments: [
            (Duration.milliseconds(1500), "1500ms"), (.seconds(90), "90s"), (.seconds(120), "2m"),
            (.seconds(86_400), "1d"),
            (.seconds(7200), "2h"),
        ])
    func texts(duration: Duration, text: String) throws {
        #expect(DurationText.text(duration) == text)
        #expect(try DurationText.parse(text) == duration)
    }
}
