// CLITests: the `ren` binary as people and scripts meet it: exit codes, JSON, refusals, signals.
//
// Every test has a folder and a data directory of its own. The binary is the one that REN_BINARY names, else the debug
// product of this package. Nothing sleeps: a test waits for something that it can see, with a limit.
