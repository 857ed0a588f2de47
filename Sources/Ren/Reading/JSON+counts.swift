import RenJSON

extension JSON {
    /// By name, in the order of the cases; what does not occur is left out.
    init<What: CaseIterable & RawRepresentable<String>>(counts: [What: Int]) {
        let members = What.allCases.compactMap { what in
            counts[what].map { JSONObject.Member(key: what.rawValue, value: JSON($0)) }
        }
        self = .object(JSONObject(members: members))
    }
}
