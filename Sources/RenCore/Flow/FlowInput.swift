package import RenJSON

extension Flow {
    /// The input with defaults filled in, if it is what the flow's `input` promises.
    ///
    /// - Throws: `input.invalid` with every violation.
    package func accept(input given: JSON) throws(RenError) -> JSON {
        guard let schema = input else { return given }
        let filled = schema.fillingDefaults(in: given)
        let violations = schema.validate(filled)
        guard violations.isEmpty else {
            let shown = violations.prefix(20).map(\.description).joined(separator: "; ")
            let rest = violations.count > 20 ? "; and \(violations.count - 20) more" : ""
            throw RenError(
                .inputInvalid, "the input of flow \(quoted(name)) is not what it promises: \(shown)\(rest)",
                hint: "look at input in the flow")
        }
        return filled
    }
}
