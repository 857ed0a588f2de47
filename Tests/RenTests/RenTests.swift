// RenTests: the library as a program that embeds it sees it, with real Swift and Python functions.
//
// Start at `LibraryTests`; `UserFlowTests` runs a flow that a user might write, with Python.
