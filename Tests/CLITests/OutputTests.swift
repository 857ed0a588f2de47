import ArgumentParser
import RenCore
import RenJSON
import Testing

@testable import ren_cli

/// The pure parts of the tool: escapes, CSV, words, exit codes.
@Suite("Output")
struct OutputTests {
    @Test(
        "Control bytes and bidirectional overrides are shown, not obeyed",
        arguments: [
            ("plain äöü ✓", "plain äöü ✓"), ("\u{1B}[31mred", "\\u{1b}[31mred"), ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{7F}\u{9B}1m", "\\u{7f}\\u{9b}1m"), ("\u{202E}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("\u{0}", "\\u{0}"),
            ("\r\n", "\\r\\n"),
        ])
    func escapes(_ text: String, _ shown: String) {
        #expect(Terminal.escaped(text) == shown)
    }

    @Test(
        "JSON for a terminal has escapes of its own",
        arguments: [("[1,\n\t2]", "[1,\n\t2]"), ("\"\u{202E}\u{9B}\u{7F}ä\"", #""\u202e\u009b\u007fä""#)])
    func escapesInJSON(_ text: String, _ shown: String) {
        #expect(Terminal.escapedJSON(text) == shown)
    }

    @Test("Text of functions keeps its lines")
    func lines() {
        #expect(Terminal.escaped("a\n\tb\u{8}", lines: true) == "a\n\tb\\u{8}")
    }

    @Test(
        "CSV quotes what needs it and defuses formulas",
        arguments: [
            ([JSON.string("a"), 1, .null, true], "a,1,,true"), ([.string("=1+1")], "'=1+1"), ([.string("-x")], "'-x"),
            ([.string("+x")], "'+x"), ([.string("@x")], "'@x"), ([.integer(-1)], "-1"),
            ([.string("a,b"), .string("say \"x\"")], "\"a,b\",\"say \"\"x\"\"\""), ([.string("=a\nb")], "\"'=a\nb\""),
            ([.string("\u{1B}[31m\u{202E}")], "\\u{1b}[31m\\u{202e}"),
        ])
    func csv(_ row: [JSON], _ text: String) {
        #expect(Listing.csv(row) == text)
    }

    @Test(
        "Numbers are grouped",
        arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1000, "-1,000"), (9_311_400, "9,311,400")])
    func grouped(_ number: Int, _ text: String) {
        #expect(Words.grouped(number) == text)
    }

    @Test(
        "Durations in two units at most",
        arguments: [
            (Duration.zero, "0.0s"), (.milliseconds(4149), "4.1s"), (.milliseconds(59_999), "59.9s"),
            (.seconds(125), "2m 5s"),
            (.seconds(20_927), "5h 48m"), (.seconds(273_600), "3d 4h"), (.seconds(-1), "0.0s"),
        ])
    func durations(_ duration: Duration, _ text: String) {
        #expect(Words.duration(duration) == text)
    }

    @Test(
        "Sizes",
        arguments: [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (1_200_000_000, "1.2 GB"), (5 << 50, "5629.5 TB")])
    func sizes(_ count: Int, _ text: String) {
        #expect(Words.bytes(count) == text)
    }

    @Test("Columns count what is on the screen, without colours")
    func columns() {
        let rows = [["\u{1B}[32m✓\u{1B}[0m a", "x"], ["✓ abc", "y"]]
        #expect(Columns.text(rows) == "\u{1B}[32m✓\u{1B}[0m a    x\n✓ abc  y")
    }

    @Test(
        "A bar moves by eighths",
        arguments: [
            (0.0, "                    "), (0.5, "██████████          "), (0.50625, "██████████▏         "),
            (1, "████████████████████"),
        ])
    func bar(_ fraction: Double, _ text: String) {
        #expect(ProgressView.bar(fraction) == text)
    }

    @Test(
        "Words for a shell are quoted when they need it",
        arguments: [("a-b_1", "a-b_1"), ("it's", "'it'\\''s'"), ("", "''"), ("a b", "'a b'")])
    func shell(_ word: String, _ quoted: String) {
        #expect(Shell.quoted(word) == quoted)
    }

    /// One row per code that a command can end with; a new area of codes must be given a status here and in the table.
    static let statuses: [(String, Int32)] = [
        ("run.not_found", 3), ("run.exists", 4), ("run.finished", 4), ("run.ending", 4), ("run.paused", 4),
        ("run.quarantined", 4), ("run.ambiguous", 2), ("node.not_found", 3), ("event.not_found", 3),
        ("journal.missing", 3),
        ("signal.unknown", 2), ("signal.invalid", 2), ("signal.answered", 4), ("input.invalid", 2), ("id.invalid", 2),
        ("flow.unknown_key", 2), ("json.syntax", 2), ("yaml.alias_refused", 2), ("logic.operator", 2),
        ("duration.range", 2),
        ("retry.attempts", 2), ("function.unknown", 2), ("function.broken", 2), ("file.not_found", 2),
        ("environment.missing", 2), ("environment.failed", 5), ("worker.failed", 5), ("python.missing", 78),
        ("config.invalid", 78), ("directory.owner", 78), ("storage.refused", 78), ("storage.busy", 5),
        ("storage.full", 74),
        ("storage.failed", 74), ("journal.damaged", 65), ("journal.newer", 65), ("engine.locked", 73),
        ("engine.running", 4),
        ("output.lost", 74), ("integrity.damaged", 20), ("version.conflict", 4), ("payload.too_large", 2),
        ("internal", 1),
        ("unheard.of", 1),
    ]

    @Test("Every error code has its exit status", arguments: statuses)
    func exitStatus(_ code: String, _ status: Int32) {
        #expect(ExitCode.of(RenError.Code(code)).rawValue == status)
        #expect(ExitCode.meanings.contains { $0.0.rawValue == status })
    }
}
