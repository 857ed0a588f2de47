import JSONLogic
package import RenJSON

/// Whether the functions that a flow names exist and know the arguments it gives them.
package enum FunctionCheck {
    /// All errors: `function.unknown`, `function.unknown_argument`, `function.missing_argument`, `flow.ambiguous_object`.
    ///
    /// - Parameter document: what the flow was decoded from, for the places.
    package static func errors(
        of flow: Flow, in document: Located?, signatures: [String: FunctionSignature]
    ) -> [RenError] {
        let names = signatures.keys.sorted()
        var errors: [RenError] = []
        for node in flow.nodes {
            guard case .function(let call) = node.kind else { continue }
            let written = document?["nodes"]?[node.name]
            guard let signature = signatures[call.name] else {
                errors.append(
                    RenError(
                        .functionUnknown,
                        "node \(quoted(node.name)) calls \(quoted(call.name)), there is no such function",
                        hint: hint(for: call.name, among: names), at: written?["function"]?.place))
                continue
            }
            if let arguments = call.with, signature.parameters != nil {
                errors += check(arguments, of: node.name, signature, written)
            }
        }
        return errors.sortedByPlace()
    }

    /// How many calls the worker processes of a pool take at a time.
    package struct Pool: Sendable {
        package var processes: Int
        /// In each process, of functions that block.
        package var blocking: Int
        /// In each process, of `async` functions.
        package var async: Int

        package init(processes: Int, blocking: Int, async: Int) {
            self.processes = processes
            self.blocking = blocking
            self.async = async
        }
    }

    /// `flow.over_pool` where a written `concurrency` is more than the pool can give. A call with `once` has a process
    /// to itself; Swift functions do not run in the pool.
    package static func warnings(
        of flow: Flow, in document: Located?, signatures: [String: FunctionSignature], pool: Pool
    ) -> [RenError] {
        flow.nodes.compactMap { node in
            guard case .function(let call) = node.kind, case .fixed(let wanted)? = node.each?.concurrency,
                let signature = signatures[call.name], signature.language == .python
            else { return nil }
            let isOnce = node.once ?? signature.once
            let each = isOnce ? 1 : signature.isAsync ? pool.async : pool.blocking
            guard wanted > pool.processes * each else { return nil }
            let kind = isOnce ? "with once" : signature.isAsync ? "of async functions" : "of blocking functions"
            return RenError(
                .flowOverPool,
                "concurrency of node \(quoted(node.name)) is \(wanted), but the workers take at most "
                    + "\(pool.processes * each) calls \(kind) at a time (\(pool.processes) processes × \(each))",
                hint: isOnce || signature.isAsync
                    ? "ask for less, or raise workers: {processes} in ren.yaml"
                    : "ask for less, raise workers: {processes, slots} in ren.yaml, or make the function async",
                at: document?["nodes"]?[node.name]?["concurrency"]?.place)
        }.sortedByPlace()
    }

    private static func check(
        _ arguments: [Template.Member], of node: String, _ signature: FunctionSignature, _ written: Located?
    ) -> [RenError] {
        let shape = ArgumentShape(signature)
        let with = written?["with"]
        var members: [Located.Member] = []
        if case .object(let all)? = with?.value { members = all }
        var errors: [RenError] = []
        let given = arguments.map(\.key)
        for name in given where !shape.isOpen && !shape.names.contains(name) {
            let place = members.first { $0.key == name }?.keyPlace
            var hint = suggestion(for: name, in: shape.names)
            if hint == nil {
                hint = shape.names.isEmpty ? "it takes no arguments" : "it takes \(list(shape.names))"
                if Operators.isOperator(name) { hint = "with is a mapping of argument names; \(hint ?? "")" }
            }
            errors.append(
                RenError(
                    .functionUnknownArgument,
                    "node \(quoted(node)) gives \(quoted(name)), which \(quoted(signature.name)) does not take",
                    hint: hint, at: place))
        }
        let missing = shape.required.filter { !given.contains($0) }
        if !missing.isEmpty {
            errors.append(
                RenError(
                    .functionMissingArgument,
                    "node \(quoted(node)) does not give \(list(missing)), which \(quoted(signature.name)) needs",
                    at: with?.place))
        }
        for member in members { findAmbiguous(member.value, shape.names, signature.name, &errors) }
        return errors
    }

    /// Objects whose only key is an operator as well as a parameter of the function: what was meant cannot be told.
    private static func findAmbiguous(
        _ value: Located, _ names: [String], _ function: String, _ errors: inout [RenError]
    ) {
        switch value.value {
        case .array(let elements):
            for element in elements { findAmbiguous(element, names, function, &errors) }
        case .object(let members):
            guard let member = value.onlyMember, Operators.isOperator(member.key) else {
                for member in members { findAmbiguous(member.value, names, function, &errors) }
                return
            }
            guard names.contains(member.key) else { return }
            let key = member.key
            errors.append(
                RenError(
                    .flowAmbiguousObject,
                    "\(quoted(key)) is an operator and a parameter of \(quoted(function)): what is {\(key): …} here?",
                    hint: "as data write {eachKey: {\(key): …}} or {preserve: {\(key): …}}, "
                        + "as an expression {\"??\": [{\(key): …}]}", at: member.keyPlace))
        default:
            break
        }
    }

    /// The nearest name; else those of which the last part is the same.
    /// What to do about a function that is not there.
    package static func hint(for name: String, among names: [String]) -> String {
        guard !names.isEmpty else { return "no functions are loaded: name their files in ren.yaml, or with -f" }
        return near(name, names) ?? "known: \(list(names))"
    }

    private static func near(_ name: String, _ names: [String]) -> String? {
        if let hint = suggestion(for: name, in: names) { return hint }
        let last = name.split(separator: ".").last
        let others = names.filter { $0.split(separator: ".").last == last }
        return others.isEmpty ? nil : "did you mean \(others.map { "\"\($0)\"" }.joined(separator: " or "))?"
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
}
