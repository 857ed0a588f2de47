// RenTestKit: what several test targets share.
//
// Knows: histories made by hand or from a seed, the conformance suite that every journal passes, journals and workers
// that misbehave on order, a clock that a test moves, seeded randomness.
// Must not know: a testing framework (suites return what they found wrong), the command line, the network.
// Start at `HistoryBuilder`, `JournalConformance` and `ScriptedWorker`.
