import ArgumentParser
import Ren
import RenCore
import RenJSON
import RenJournal

struct JournalShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print one event with its payload.")

    @Argument(help: "The event's sequence.")
    var sequence: UInt64

    @Flag(name: .long, help: "Print only the payload, byte for byte.")
    var payload = false

    @Flag(name: .long, help: "What it changed, as it was before, with the events it is linked to.")
    var before = false

    @Flag(name: .long, help: "What it changed, as it was after, with the events it is linked to.")
    var after = false

    @OptionGroup var data: DataOption
    @OptionGroup var output: OutputOptions

    private static let payloadShown = 2000

    func run() throws {
        try output.require(.human, .json)
        let reading = try Reading(data)
        let wanted = JournalSequence(sequence)
        let entry = try reading.journal.entries(of: nil, from: sequence, limit: 1).first
        if case .damaged(let event)? = entry, !payload {
            Terminal.print(output.output == .json ? JSON.object(event.json).text : event.text(output.style))
            throw Complaint.damaged(1)
        }
        guard let event = try reading.journal.read({ view throws(RenError) in try view.record(at: wanted) }) else {
            let head = try reading.journal.read { view throws(RenError) in try view.head().sequence }
            throw RenError(
                .eventNotFound, "there is no event #\(sequence)", hint: "the journal has #1 to #\(head.rawValue)")
        }
        let bytes = try payload(of: event, reading.journal)
        if payload {
            guard let bytes else {
                throw RenError(.eventNotFound, "event #\(sequence) (\(event.type.name)) has no payload")
            }
            let text = String(decoding: bytes, as: UTF8.self)
            return Terminal.print(
                Terminal.outputIsTerminal ? Terminal.escaped(text, lines: true) : text, terminator: "")
        }
        var names = EventNames(reading.journal)
        let view = try EventView(event, &names)
        let change = before || after ? try EventChange(event, in: reading.journal, &names) : nil
        output.output == .json ? printJSON(view, bytes, change) : printText(view, bytes, change)
        guard let mark = event.event.payload, let bytes, Payload(hashing: bytes).hash != mark.hash else { return }
        throw Complaint(
            RenError(
                .integrityDamaged, "the payload of event #\(sequence) is damaged: it does not have its hash",
                hint: "make a copy of the data directory, then run `ren journal verify`"))
    }

    private func payload(of event: RecordedEvent, _ journal: JournalReader) throws(RenError) -> [UInt8]? {
        guard event.event.payload != nil else { return nil }
        do {
            return try journal.read { view throws(RenError) in try view.payload(event.run, event.version) }
        } catch  where [.payloadMissing, .payloadPruned].contains(error.code) && !payload {
            return nil  // a checkpoint's is deleted when it is superseded, any by retention; its hash is shown
        }
    }

    private func printJSON(_ view: EventView, _ bytes: [UInt8]?, _ change: EventChange?) {
        var writer = JSONWriter()
        writer.beginObject()
        for member in view.detailed { writer.field(member.key, member.value) }
        if let bytes {
            writer.key("value")
            // A function file is text, all other payloads are JSON.
            let isJSON = (try? JSONText.validate(bytes)) != nil
            if isJSON { writer.raw(bytes) } else { writer.string(String(decoding: bytes, as: UTF8.self)) }
        }
        if let change { for member in change.json { writer.field(member.key, member.value) } }
        writer.endObject()
        Terminal.printJSON(String(decoding: writer.bytes, as: UTF8.self))
    }

    private func printText(_ view: EventView, _ bytes: [UInt8]?, _ change: EventChange?) {
        var rows = view.detailed.map { [$0.key, Terminal.escaped($0.value.stringValue ?? $0.value.text)] }
        if let bytes {
            let text = String(decoding: bytes.prefix(Self.payloadShown), as: UTF8.self)
            rows.append([
                "value", Terminal.escaped(text) + (bytes.count > Self.payloadShown ? "… (--payload prints all)" : ""),
            ])
        }
        Terminal.print(Columns.text(rows))
        if let change { Terminal.print(text(change)) }
    }

    private func text(_ change: EventChange) -> String {
        let differences = change.differences.map { difference in
            ["  " + Terminal.escaped(difference.path)]
                + (before ? [shown(difference.before)] : []) + (before && after ? ["→"] : [])
                + (after ? [shown(difference.after)] : [])
        }
        var links: [[String]] = []
        func add(_ word: String, _ event: EventView) {
            let what = [event.node, event.key].compactMap { $0 }.joined(separator: " ")
            links.append(["  \(word)", "#\(event.event.sequence)", event.event.type.name, Terminal.escaped(what)])
        }
        if let cause = change.cause { add("brought about by", cause) }
        if let previous = change.previous { add("follows", previous) }
        for effect in change.effects {
            add(effect.event.event.cause == change.version ? "brings about" : "followed by", effect)
        }
        if change.hasMore { links.append(["  and perhaps more, further on"]) }
        return [("Changes", differences), ("Links", links)]
            .map { $0.1.isEmpty ? "\($0.0): none" : "\($0.0)\n" + Columns.text($0.1) }.joined(separator: "\n")
    }

    /// Nothing is a dash.
    private func shown(_ value: JSON) -> String {
        value == .null ? "–" : Terminal.escaped((value.stringValue ?? value.text).shortened(to: 80))
    }
}
