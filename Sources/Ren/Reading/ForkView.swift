import RenCore
package import RenJSON
import RenJournal

/// A fork as it would be made: what `--dry-run` shows.
package struct ForkView: Sendable {
    package let draft: ForkDraft
    package let sets: ReopeningView

    package init(_ draft: ForkDraft) {
        self.draft = draft
        sets = ReopeningView(run: draft.fork.creation.id, draft.fork.reopening, in: draft.state)
    }

    /// `node`, or `node/key` of an item.
    package var given: [String] {
        draft.outputs.map { output in output.key.map { "\(output.node)/\($0)" } ?? output.node }
    }

    package var json: JSONObject {
        var object = sets.json
        object["schema"] = "ren.fork/1"
        object["parent"] = .string(draft.parent.id)
        object["at"] = JSON(draft.sequence.rawValue)
        object["version"] = JSON(draft.fork.version.rawValue)
        object["flow_hash"] = .string(draft.fork.creation.flow.description)
        object["new"] = .array(draft.added.map { .string($0) })
        object["gone"] = .array(draft.removed.map { .string($0) })
        object["input_changed"] = .bool(draft.isInputChanged)
        object["given"] = .array(
            given.map { .string($0) })
        return object
    }
}
