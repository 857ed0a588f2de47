import ArgumentParser
import Ren
import RenCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Standard output and standard error, and what they can show.
enum Terminal {
    /// The command line asks for JSON: errors are JSON too, also those of the command line itself.
    static let wantsJSON: Bool = {
        let arguments = CommandLine.arguments.prefix { $0 != "--" }
        for (argument, next) in zip(arguments, arguments.dropFirst() + [""]) {
            if ["-o", "--output"].contains(argument), ["json", "jsonl"].contains(next) { return true }
            if ["-ojson", "-ojsonl", "--output=json", "--output=jsonl"].contains(argument) { return true }
        }
        return false
    }()

    static func print(_ text: String, terminator: String = "\n") {
        StandardOutput.write(text + terminator)
    }

    /// JSON for a program, or for a person whose terminal obeys control characters: those are then written as escapes
    /// of JSON, which mean the same.
    static func printJSON(_ text: String) {
        print(outputIsTerminal ? escapedJSON(text) : text)
    }

    /// A line to standard error.
    static func complain(_ text: String) {
        writeToStandardError(text + "\n")
    }

    /// Hands what was printed to the operating system: before a wait, and before other code writes.
    static func flush() {
        StandardOutput.flush()
    }

    /// What cannot be written is lost: a run does not end because nobody reads its progress.
    static func writeToStandardError(_ text: String) {
        flush()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }

    // MARK: What it is

    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    /// Lines can be repainted: a terminal that is not dumb, and nobody's log.
    static let errorsCanRepaint =
        isatty(STDERR_FILENO) == 1 && SystemFile.environment["TERM"] != "dumb" && SystemFile.environment["CI"] == nil
    static let inputIsTerminal = isatty(STDIN_FILENO) == 1

    static var columns: Int { size.map { Int($0.ws_col) } ?? 100 }
    static var rows: Int { size.map { Int($0.ws_row) } ?? 30 }

    private static var size: winsize? {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return nil }
        return size
    }

    // MARK: Escapes

    /// `text` with control bytes and bidirectional overrides shown instead of obeyed (RELIABILITY.md 3.2, rule 8).
    ///
    /// - Parameter lines: line ends and tabs stay; for text of a function, not for one line of ours.
    static func escaped(_ text: String, lines: Bool = false) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard isHarmful(scalar), !(lines && (scalar == "\n" || scalar == "\t")) else {
                result.append(scalar)
                continue
            }
            switch scalar {
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\t": result.append(contentsOf: "\\t".unicodeScalars)
            case "\r": result.append(contentsOf: "\\r".unicodeScalars)
            default: result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            }
        }
        return String(result)
    }

    /// JSON text with the same characters as `\uXXXX`; line ends and tabs stay, they stand between values only.
    static func escapedJSON(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            guard isHarmful(scalar), scalar != "\n", scalar != "\t" else {
                result.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            let zeros = String(repeating: "0", count: 4 - digits.count)
            result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
        }
        return String(result)
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

/// Ends the process; what was printed is written out first. Success is none when output was lost.
func leave(_ status: ExitCode) -> Never {
    Terminal.flush()
    guard let failure = StandardOutput.failure else { exit(status.rawValue) }
    let error = RenError(.outputLost, "the output could not be written: \(String(cString: strerror(failure)))")
    let complaint = Complaint(error, status: status == .success ? nil : status)
    complaint.print()
    exit(complaint.status.rawValue)
}

extension RenError.Code {
    static let outputLost = Self("output.lost")
}
