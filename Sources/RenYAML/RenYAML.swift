// RenYAML: the YAML that flow files need, read into `Located` JSON.
//
// Knows: block and flow maps and lists, plain, quoted and block scalars, the YAML 1.2 core schema, and the exact place
// of every value and key. Must not know: files, flows, Foundation. What could make a small text large or strange
// (anchors, aliases, merge keys, tags, directives, complex keys) is refused by name, and every size has a limit.
// Start at `YAML`, then `YAMLReader`.
//
// Where it is narrower than YAML 1.2 on purpose: a key stands on one line, an entry of a flow map has its `: `
// (`{a, b}` is refused), and the core schema decides values only: a key is the text that was written.
// Where it is wider: the bracket that closes a flow map or list may stand at any column.
