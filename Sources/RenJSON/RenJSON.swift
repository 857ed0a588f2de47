// RenJSON: JSON as ren stores and moves it.
//
// Knows: the value type, text with places (line, column, byte offset), limits while parsing, writing (compact, pretty
// and canonical), JSON Pointer, slices of raw text, and the part of JSON Schema 2020-12 that flow inputs and function
// signatures need. Must not know: files, flows, Foundation.
//
// Start at `JSON`, then `JSONScanner`: the one scanner, which fills `JSON`, `Located`, or nothing (`JSONText.validate`).

// Nothing is called from the C library, but `Int64(exactly:)` of a double needs `trunc` and its kin when it is not
// optimised away, and only this import links the mathematics library into a program that imports nothing else.
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
