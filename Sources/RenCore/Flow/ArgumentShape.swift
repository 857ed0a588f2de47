import RenJSON

/// How one value becomes the named arguments of a function, where a flow has no `with`.
package struct ArgumentShape: Sendable {
    /// In the function's order.
    package let names: [String]
    package let required: [String]
    /// Takes arguments of other names too.
    package let isOpen: Bool
    /// Takes any value as it is: there are no names.
    package let isWhole: Bool

    package init(_ signature: FunctionSignature) {
        let schema = signature.parameters
        names = schema?["properties"]?.objectValue.map { Array($0.keys) } ?? []
        required = schema?["required"]?.arrayValue?.compactMap(\.stringValue) ?? []
        isOpen = schema?["additionalProperties"]?.boolValue != false
        isWhole = schema == nil
    }

    /// Of a function that is not known, which takes what it is given.
    package static let unknown = ArgumentShape(FunctionSignature(name: ""))

    /// The JSON text of the arguments that `value` stands for.
    ///
    /// One parameter takes the value. Several take an object whose keys they are, with all that are required;
    /// otherwise the only required one takes the value. A function without parameters is called with nothing.
    /// - Parameter value: JSON text.
    /// - Throws: `BadExpression` when it cannot be told what the value is for.
    package func arguments(forValue value: [UInt8]) throws(Failure) -> [UInt8] {
        if isWhole { return value }
        if names.count == 1, !isOpen || !fits(value) { return object(names[0], value) }
        if names.isEmpty, !isOpen { return Array("{}".utf8) }
        if fits(value) { return value }
        if required.count == 1 { return object(required[0], value) }
        if required.isEmpty, value.elementsEqual("null".utf8) { return Array("{}".utf8) }
        throw Failure(
            Failure.Name.badExpression,
            "the function takes \(names.joined(separator: ", ")) and the value is no mapping of them: write with")
    }

    private func object(_ name: String, _ value: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: value.count + name.utf8.count + 8)
        writer.beginObject()
        writer.key(name)
        writer.raw(value)
        writer.endObject()
        return writer.bytes
    }

    /// Whether the value is an object of known names with all that are required.
    private func fits(_ value: [UInt8]) -> Bool {
        guard value.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return false }
        var members = JSONText.Members()
        var missing = Set(required)
        while let member = members.next(in: value) {
            guard isOpen || names.contains(member.key) else { return false }
            missing.remove(member.key)
        }
        return missing.isEmpty
    }
}
