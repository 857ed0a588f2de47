// RenCore: what a run is and what follows next, as plain functions on values.
//
// Knows: flows, events, the state of a run as a fold over its events, admission of requests, decisions, retry.
// Must not know: clocks, randomness, files, LMDB, workers, `async`, Foundation; those come in as arguments.
// Start at `Flow`, then `RunState`, `admit` and `decide`. The rules are the rows of SEMANTICS.md sections 2 to 5.
