import RenCore
import RenJSON
import RenJournal

/// Reads `retention:` of `ren.yaml`:
///
///     retention:
///       older_than: 30d            # histories of runs that ended longer ago go,
///       keep: 100                  # but for so many of the newest of each flow;
///       keep_failed: true          # failed runs stay whole
///       payloads_older_than: 7d    # payloads go already then
///       flows:
///         orders: {older_than: 1h} # instead of all of the above, for this flow; {}: it keeps everything
struct RetentionReader {
    private static let keys = ["older_than", "keep", "keep_failed", "payloads_older_than"]

    /// All problems, with their places.
    private(set) var errors: [RenError] = []
    private(set) var retention = Retention()

    init(_ value: Located) {
        guard let members = members(of: value, "retention") else { return }
        retention.rule = rule(members.filter { $0.key != "flows" }, value.place, "retention", allowed: ["flows"])
        if let flows = members.first(where: { $0.key == "flows" })?.value { readFlows(flows) }
        guard errors.isEmpty, retention.rule.isEmpty, retention.flows.isEmpty else { return }
        errors.append(
            RenError(
                .configInvalid, "retention does not say which runs go", hint: "for example older_than: 30d",
                at: value.place))
    }

    private mutating func readFlows(_ flows: Located) {
        for flow in members(of: flows, "retention.flows") ?? [] {
            let name = "retention.flows.\(flow.key)"
            guard let members = members(of: flow.value, name) else { continue }
            retention.flows[flow.key] = rule(members, flow.value.place, name, allowed: [])
        }
    }

    private mutating func rule(
        _ members: [Located.Member], _ place: Place, _ name: String, allowed: [String]
    ) -> Retention.Rule {
        var rule = Retention.Rule()
        for member in members {
            do throws(RenError) { try read(member, of: name, allowed, into: &rule) } catch { errors.append(error) }
        }
        if rule.isEmpty, rule.keepFailed {
            errors.append(
                RenError(
                    .configInvalid, "\(name).keep_failed says which runs stay, but nothing says which go",
                    hint: "add older_than or keep", at: place))
        }
        return rule
    }

    private func read(
        _ member: Located.Member, of name: String, _ allowed: [String], into rule: inout Retention.Rule
    ) throws(RenError) {
        let name = "\(name).\(member.key)"
        switch member.key {
        case "older_than": rule.olderThan = try age(member.value, name)
        case "payloads_older_than": rule.payloadsOlderThan = try age(member.value, name)
        case "keep":
            guard case .integer(let number) = member.value.value, (0...1_000_000).contains(number) else {
                throw RenError(
                    .configInvalid, "\(name) is a whole number from 0 to 1000000", at: member.value.place)
            }
            rule.keep = Int(number)
        case "keep_failed":
            guard case .bool(let flag) = member.value.value else {
                throw RenError(.configInvalid, "\(name) is true or false", at: member.value.place)
            }
            rule.keepFailed = flag
        default:
            let near = nearest(to: member.key, in: Self.keys + allowed)
            throw RenError(
                .configInvalid, "unknown key “\(member.key)” in ren.yaml",
                hint: near.map { "did you mean “\($0)”?" }
                    ?? "known are \((Self.keys + allowed).joined(separator: ", "))",
                at: member.keyPlace)
        }
    }

    private func age(_ value: Located, _ name: String) throws(RenError) -> Duration {
        guard case .string(let text) = value.value else {
            throw RenError(.configInvalid, "\(name) is a time", hint: "write 12h or 30d", at: value.place)
        }
        do {
            return try DurationText.parse(text)
        } catch {
            throw RenError(.configInvalid, "\(name): \(error.message)", hint: error.hint, at: value.place)
        }
    }

    private mutating func members(of value: Located, _ name: String) -> [Located.Member]? {
        if case .object(let members) = value.value { return members }
        errors.append(RenError(.configInvalid, "\(name) is a mapping", at: value.place))
        return nil
    }
}
