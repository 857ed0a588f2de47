package import RenJSON

/// Why an attempt, a node, an item or a run failed, as recorded and as `nodes.x.error` shows it.
package struct Failure: Hashable, Sendable {
    /// The exception's class or one of ren's own names (`Failure.Name`).
    package var name: String
    /// At most 2 KiB.
    package var message: String
    /// The top frame of the user's own code, as `shop.py:41 in fetch`.
    package var frame: String?
    /// Key of the item at fault, where a node with `each` failed because of items.
    package var item: String?

    package init(_ name: String, _ message: String, frame: String? = nil, item: String? = nil) {
        self.name = name
        self.message = message
        self.frame = frame
        self.item = item
    }
}

extension Failure {
    /// The names that ren itself gives; a `for` of `retry` may name them.
    package enum Name {
        package static let timeout = "Timeout"
        package static let tooManyFailed = "TooManyFailed"
        package static let notAList = "NotAList"
        package static let duplicateKey = "DuplicateKey"
        package static let badResult = "BadResult"
        package static let inputTooLarge = "InputTooLarge"
        package static let badExpression = "BadExpression"
        package static let workerDied = "WorkerDied"
        package static let engineDied = "EngineDied"
        package static let failed = "Failed"
    }
}

extension Failure {
    /// `ValueError: no price`; the name alone where there is no message.
    package var text: String { message.isEmpty ? name : "\(name): \(message)" }

    /// As `nodes.x.error` and the CLI's JSON show it: `{"name", "message", "frame"?, "item"?}`.
    package var json: JSON {
        var members = [
            JSONObject.Member(key: "name", value: .string(name)),
            JSONObject.Member(key: "message", value: .string(message)),
        ]
        if let frame { members.append(JSONObject.Member(key: "frame", value: .string(frame))) }
        if let item { members.append(JSONObject.Member(key: "item", value: .string(item))) }
        return .object(JSONObject(members: members))
    }
}
