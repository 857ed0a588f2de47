import NIOCore
import Ren
import RenAPI
import RenCore
import RenJSON

/// The log of a run as it is written, as lines of text or as `text/event-stream`, until the client leaves.
struct LogText: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    enum Form: Sendable { case lines, events }

    let reader: LogReader
    let filter: LogReader.Filter
    let form: Form
    /// What is given first.
    let first: LogReader.Page
    /// Lines of text are over when this says no.
    let isOpen: @Sendable () throws -> Bool

    init(
        reader: LogReader, filter: LogReader.Filter, form: Form, first: LogReader.Page,
        isOpen: @escaping @Sendable () throws -> Bool
    ) {
        self.reader = reader
        self.filter = filter
        self.form = form
        self.first = first
        self.isOpen = isOpen
    }

    func makeAsyncIterator() -> Iterator { Iterator(log: self, page: first) }

    struct Iterator: AsyncIteratorProtocol {
        /// An engine writes the last lines out soon after the end of a run.
        private static let lastInterval = Duration.milliseconds(500)

        let log: LogText
        /// Read and not given yet; nil when it was.
        var page: LogReader.Page?
        private var position: LogReader.Position
        private var patience = LogPatience()
        /// The run had ended before the last look.
        private var isOver = false
        private var isLast = false

        init(log: LogText, page: LogReader.Page) {
            self.log = log
            self.page = page
            position = page.position
        }

        mutating func next() async throws -> ByteBuffer? {
            let deadline = ContinuousClock.now + StreamReply.heartbeat
            while !Task.isCancelled {
                if let page = page {
                    self.page = nil
                    let text = log.form == .lines ? page.plainText : page.eventText
                    if text.readableBytes > 0 {
                        patience.linesCame()
                        return text
                    }
                    if page.isAtEnd {
                        if isLast { return nil }
                        isLast = isOver
                        if isLast { try await Task.sleep(for: Self.lastInterval) } else { try await patience.wait() }
                    }
                }
                // A sign of life for what stands between: it would take a silent connection for a dead one. A line of
                // text would be one too many.
                if log.form == .events, .now >= deadline { return ByteBuffer(string: ": still here\n\n") }
                let look = try await BlockingReads.run { [log, position] () throws -> (Bool, LogReader.Page) in
                    // Asked before the look, which then finds all that was said.
                    let isOver = try log.form == .lines && !log.isOpen()
                    return (isOver, try log.reader.page(after: position, log.filter))
                }
                isOver = look.0
                page = look.1
                position = look.1.position
            }
            return nil
        }
    }
}

extension LogReader.Page {
    /// A line for each entry, as `ren logs` prints it.
    var plainText: ByteBuffer {
        var text = ByteBuffer()
        if droppedFiles > 0 { text.writeString("(\(droppedFiles) older files of this log had to make room)\n") }
        for line in lines { text.writeString(line.plainText + "\n") }
        return text
    }

    var eventText: ByteBuffer {
        var text = ByteBuffer()
        if droppedFiles > 0 { text.writeString("event: gap\ndata: {\"dropped_files\":\(droppedFiles)}\n\n") }
        for line in lines {
            text.writeString("id: \(line.position)\nevent: log\ndata: ")
            text.writeBytes(JSON.object(line.json).compact)
            text.writeString("\n\n")
        }
        return text
    }
}

extension LogReader.Line {
    /// `2026-11-23T03:21:07.123Z warning scrape[sku-1] text`; what steers terminals is written as `\u{1b}`.
    var plainText: String {
        var place = entry["node"]?.stringValue ?? "-"
        if let key = entry["key"]?.stringValue { place += "[\(key)]" }
        if let attempt = entry["attempt"]?.integerValue, attempt > 1 { place += " attempt \(attempt)" }
        let words = [
            entry["time"]?.stringValue, entry["level"]?.stringValue, place, entry["text"]?.stringValue,
            entry["fields"].map(\.text),
        ]
        return Self.visible(words.compactMap(\.self).joined(separator: " "))
    }

    /// One line for one entry: a function cannot make up lines of others.
    private static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.reduce(into: "") { text, scalar in
            text += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }
}
