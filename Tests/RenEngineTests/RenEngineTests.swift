// RenEngineTests: the engine as a whole, with its thread, its timer and its journal's writer.
//
// What one run does by itself is in SemanticsTests, on a stage without threads. Start at `Rig`.
