// RenWorkers: where functions run and how ren talks to them.
//
// Knows: Swift functions, sets of Python files, their environments, worker processes, the worker protocol.
// Must not know: the journal, runs and their states, retry; an attempt is over when its one `ended` report is sent.
// Start at `FunctionHost`, the seam to the engine; then `WorkerPool` and `WorkerConnection`, its state machine.
// The protocol is a page of its own: `RenWorkers.docc/WorkerProtocol.md`.

/// Where hosts send what they have to tell; called on threads of theirs, never while a lock is held.
package typealias ReportSink = @Sendable ([CallReport]) -> Void
