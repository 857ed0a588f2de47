/// A failure that trying again would not mend: it is not retried.
public struct Permanent: Error, CustomStringConvertible {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
}

/// A failure that is tried again after this time, if the node's `retry` allows another attempt.
public struct RetryAfter: Error, CustomStringConvertible {
    public var wait: Duration
    public var message: String

    public init(_ wait: Duration, _ message: String = "") {
        self.wait = wait
        self.message = message
    }

    public var description: String { message.isEmpty ? "to be tried again after \(wait)" : message }
}

/// The function stopped cleanly because the run pauses or the call was cancelled; it runs again later.
public struct Interrupted: Error, CustomStringConvertible {
    public init() {}

    public var description: String { "stopped because the run pauses or the call was cancelled" }
}
