extension Plan: Equatable {
    /// A plan is never changed, so it equals itself alone.
    package static func == (left: Plan, right: Plan) -> Bool { left === right }
}
