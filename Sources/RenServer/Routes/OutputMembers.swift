import Ren
import RenCore
import RenJSON
import RenJournal

extension Backend {
    /// What is longer stands in answers as a reference.
    static let outputBytesMax = 64 << 10

    /// Adds `output`, the JSON, or `output_reference`, where it can be had: `{"length", "sha256", "sequence", "href"}`.
    ///
    /// - Parameter version: of the event that has it as its payload; nil: there is none.
    func addOutput(_ version: RunVersion?, of run: RunNumber, to object: inout JSONObject) throws(RenError) {
        object["output"] = .null
        object["output_reference"] = .null
        guard let version else { return }
        let event = try journal.read { view throws(RenError) in try view.recorded(run, version) }
        guard let event, let payload = event.event.payload else { return }
        guard payload.length <= Self.outputBytesMax else {
            object["output_reference"] = Self.reference(event, payload)
            return
        }
        if let output = try keptJSON(ofPayloadAt: event.sequence) {
            object["output"] = output
        } else {
            object["output_reference"] = Self.reference(event, payload)
        }
    }

    /// The same; nil for one that was pruned: its length and hash are all that is kept.
    func keptJSON(ofPayloadAt sequence: JournalSequence) throws(RenError) -> JSON? {
        do throws(RenError) {
            return try json(ofPayloadAt: sequence)
        } catch {
            guard error.code == .payloadPruned else { throw error }
            return nil
        }
    }

    /// The payload of an event as JSON; functions' files and other payloads that are none are text.
    func json(ofPayloadAt sequence: JournalSequence) throws(RenError) -> JSON {
        let bytes = try journal.read { view throws(RenError) in try view.payload(at: sequence) }
        do throws(JSONError) {
            return try JSON(parsing: bytes, limits: .payload)
        } catch {
            return .string(String(decoding: bytes, as: UTF8.self))
        }
    }

    static func reference(_ event: RecordedEvent, _ payload: PayloadMark) -> JSON {
        [
            "length": JSON(payload.length), "sha256": .string(payload.hash.description),
            "sequence": JSON(event.sequence.rawValue),
            "href": .string("/api/v1/journal/events/\(event.sequence)/payload"),
        ]
    }

    static let outputMembers: JSONObject = [
        "output": ["description": "what it gave; null also where that is longer than 64 KiB"],
        "output_reference": [
            "type": ["object", "null"], "description": "where an output of more than 64 KiB is had",
            "required": ["length", "sha256", "sequence", "href"],
            "properties": ["length": .count, "sha256": .hash, "sequence": .count, "href": ["type": "string"]],
        ],
    ]
}
