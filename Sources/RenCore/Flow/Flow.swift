package import RenJSON

/// One immutable content of a flow: what `FlowDecoder` makes of a file and the journal keeps as JSON.
package struct Flow: Sendable {
    package var name: String
    /// In written order; a node's number is its place here.
    package var nodes: [Node]
    /// What `input` promises; nil takes anything.
    package var input: JSONSchema?
    package var output: Template?
    package var timeout: Duration?
    package var defaults: Policy
    /// The document as written, keys in written order: its compact form is what is registered and hashed.
    package var source: JSON

    package init(
        name: String, nodes: [Node], input: JSONSchema? = nil, output: Template? = nil,
        timeout: Duration? = nil, defaults: Policy = Policy(), source: JSON
    ) {
        self.name = name
        self.nodes = nodes
        self.input = input
        self.output = output
        self.timeout = timeout
        self.defaults = defaults
        self.source = source
    }
}

/// A named unit of a flow.
package struct Node: Sendable {
    package var name: String
    package var kind: Kind
    package var after: [After] = []
    package var join = Join.standard
    package var when: Expression?
    package var each: Each?
    /// What the node itself writes; `Plan` completes it from the function's decorator and the flow's defaults.
    package var policy = Policy()
    package var once: Bool?
    package var onError = OnError.fail

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    package enum Kind: Sendable {
        case function(FunctionCall)
        /// Way `then` or `else`.
        case condition(Expression)
        case pause(Pause)
        case end(RunOutcome, Template)
    }

    package struct FunctionCall: Sendable {
        package var name: String
        /// Argument names with their templates, in written order; nil when `with` is not written.
        package var with: [Template.Member]?

        package init(name: String, with: [Template.Member]?) {
            self.name = name
            self.with = with
        }
    }

    package struct Pause: Sendable {
        package var message: Template
        package var signal: Template
        package var form: JSONSchema?
        package var timeout: Setting<Duration>?

        package init(message: Template, signal: Template, form: JSONSchema?, timeout: Setting<Duration>?) {
            self.message = message
            self.signal = signal
            self.form = form
            self.timeout = timeout
        }
    }

    /// An entry of `after`: another node, or one of its ways.
    package struct After: Hashable, Sendable {
        package enum Way: Hashable, Sendable {
            case success
            case failed
            /// `then`, `else`; later the cases of a switch.
            case taken(String)
        }

        package var node: NodeNumber
        package var way: Way

        package init(node: NodeNumber, way: Way) {
            self.node = node
            self.way = way
        }
    }

    package enum Join: String, Sendable, CaseIterable {
        /// Unwritten: all settled, none bad, at least one yes.
        case standard
        case all
        case settled
    }

    package struct Each: Sendable {
        /// Gives the list: usually a reference.
        package var source: Template
        package var key: Template?
        package var concurrency: Setting<Int>?
        package var tolerate = Tolerance.count(0)

        package init(source: Template) {
            self.source = source
        }
    }

    package enum Tolerance: Hashable, Sendable {
        case count(Int)
        case percent(Double)

        /// Whether `failed` of `total` items are more than this allows.
        package func isExceeded(failed: Int, total: Int) -> Bool {
            switch self {
            case .count(let count): failed > count
            case .percent(let percent): 100 * Double(failed) > percent * Double(total)
            }
        }
    }

    package enum OnError: Sendable {
        case fail
        case value(Template)
    }
}

/// A number or a time that is written, or computed when it is needed.
package enum Setting<Value: Sendable>: Sendable {
    case fixed(Value)
    case computed(Template)
}

/// How attempts are limited and repeated; what is nil is not written at this level.
package struct Policy: Sendable {
    package var retry: RetryPolicy?
    package var timeout: Setting<Duration>?
    package var heartbeat: Duration?

    package init(retry: RetryPolicy? = nil, timeout: Setting<Duration>? = nil, heartbeat: Duration? = nil) {
        self.retry = retry
        self.timeout = timeout
        self.heartbeat = heartbeat
    }

    /// This policy, completed by what `other` has and this lacks.
    package func completed(by other: Policy) -> Policy {
        Policy(
            retry: retry ?? other.retry, timeout: timeout ?? other.timeout, heartbeat: heartbeat ?? other.heartbeat)
    }
}
