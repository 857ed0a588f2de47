import RenJSON

/// Reads times, `retry` and what else limits attempts; used for nodes, for `defaults` and for functions' decorators.
struct PolicyReader {
    let problems: Problems

    /// A written time; nil with a problem when it is none.
    func duration(_ value: Located, _ subject: String) -> Duration? {
        guard let text = value.text else {
            problems.add(
                .durationSyntax, "\(subject) must be a time, not \(value.withArticle)",
                hint: value.number.map { "write \(Int(exactly: $0).map(String.init) ?? String($0))s for seconds" }
                    ?? "write 500ms, 30s, 5m, 24h or 30d", at: value.place)
            return nil
        }
        do {
            return try DurationText.parse(text)
        } catch {
            problems.add(RenError(error.code, "\(subject): \(error.message)", hint: error.hint), at: value.place)
            return nil
        }
    }

    /// Signs of life come at most once a second, so that less than this would end attempts that are well.
    static let heartbeatMin = Duration.seconds(2)

    /// A written time of at least `heartbeatMin`; nil with a problem when it is none.
    func heartbeat(_ value: Located, _ subject: String) -> Duration? {
        guard let duration = duration(value, subject) else { return nil }
        guard duration >= Self.heartbeatMin else {
            let least = DurationText.text(Self.heartbeatMin)
            problems.add(
                .heartbeatShort, "\(subject) is \(DurationText.text(duration)), at least \(least) are needed",
                hint: "signs of life come at most once a second: write \(least) or more", at: value.place)
            return nil
        }
        return duration
    }

    /// `retry: {attempts, every, factor, longest, jitter, total}`, or the number of attempts alone.
    func retry(_ value: Located, _ subject: String) -> RetryPolicy? {
        switch value.value {
        case .array:
            problems.notYet("a list of retries in \(subject)", at: value.place)
            return nil
        case .integer:
            return attempts(value, subject).map { RetryPolicy(attempts: $0) }
        default:
            break
        }
        let subject = "retry of \(subject)"
        let known = ["attempts", "every", "factor", "longest", "jitter", "total"]
        guard let fields = Fields(value, subject, known: known, later: ["for"], problems) else { return nil }
        if fields["attempts"] == nil {
            problems.add(
                .retryAttempts, "\(subject) does not say how many attempts", hint: "write attempts: 3",
                at: fields.place)
        }
        var policy = RetryPolicy(attempts: fields["attempts"].flatMap { attempts($0, subject) } ?? 1)
        policy.factor = number(fields["factor"], "factor", 1...1000, .retryFactor, subject) ?? policy.factor
        policy.jitter = number(fields["jitter"], "jitter", 0...1, .retryJitter, subject) ?? policy.jitter
        policy.total = wait(fields["total"], "total", .retryTotal, subject)
        policy.every = wait(fields["every"], "every", .retryEvery, subject) ?? policy.every
        if let longest = fields["longest"] {
            policy.longest = wait(longest, "longest", .retryLongest, subject) ?? max(policy.longest, policy.every)
            if policy.longest < policy.every {
                let (short, long) = (DurationText.text(policy.longest), DurationText.text(policy.every))
                problems.add(
                    .retryLongest, "longest (\(short)) in \(subject) is less than every (\(long))", at: longest.place)
            }
        } else {
            policy.longest = max(policy.longest, policy.every)
        }
        return policy
    }

    private func attempts(_ value: Located, _ subject: String) -> Int? {
        if case .integer(let count) = value.value, (1...1000).contains(count) { return Int(count) }
        problems.add(
            .retryAttempts, "attempts in \(subject) must be a whole number from 1 to 1000, not \(value.withArticle)",
            hint: "the first attempt counts too", at: value.place)
        return nil
    }

    private func number(
        _ value: Located?, _ key: String, _ range: ClosedRange<Double>, _ code: RenError.Code, _ subject: String
    ) -> Double? {
        guard let value else { return nil }
        if let number = value.number, range.contains(number) { return number }
        let wanted = range.upperBound == 1 ? "from 0 to 1" : "from 1 to 1000"
        problems.add(
            code, "\(key) in \(subject) must be a number \(wanted), not \(value.withArticle)", at: value.place)
        return nil
    }

    /// A time within `retry`; out of range it is an error of the retry.
    private func wait(_ value: Located?, _ key: String, _ code: RenError.Code, _ subject: String) -> Duration? {
        guard let value else { return nil }
        guard let text = value.text else { return duration(value, "\(key) in \(subject)") }
        do {
            return try DurationText.parse(text)
        } catch {
            let code = error.code == .durationRange ? code : error.code
            problems.add(code, "\(key) in \(subject): \(error.message)", hint: error.hint, at: value.place)
            return nil
        }
    }
}
