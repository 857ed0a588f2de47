// JSONLogic: expressions as JSON, compiled once and evaluated often.
//
// Knows: the public operator set and its quirks, the community additions, limits while compiling (depth, nodes) and
// while evaluating (steps, size), what an expression reads, and the trace of an evaluation. Must not know: flows,
// scopes by name, files, Foundation. No host call: the set of operators is closed. Start at `Rule`, then `Operators`.
