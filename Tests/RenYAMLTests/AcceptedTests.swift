import RenJSON
import RenYAML
import Testing

/// A text and the JSON each of its documents equals, exactly: `1` is not `1.0`, members keep their order.
struct Accepted: Sendable, CustomTestStringConvertible {
    var yaml: String
    var documents: [String]

    init(_ yaml: String, _ documents: String...) {
        self.yaml = yaml
        self.documents = documents
    }

    var testDescription: String { yaml.debugDescription }
}

@Suite("Accepted YAML")
struct AcceptedTests {
    @Test(
        "Block maps and lists",
        arguments: [
            Accepted("a: 1", #"{"a":1}"#),
            Accepted("a: 1\nb:\n  c: 2\n  d: {}\n", #"{"a":1,"b":{"c":2,"d":{}}}"#),
            Accepted("- a\n- b: 1\n  c: 2\n- - x\n  - y\n-\n  - z", #"["a",{"b":1,"c":2},["x","y"],["z"]]"#),
            Accepted("a:\n- 1\n- 2\nb: 2", #"{"a":[1,2],"b":2}"#),
            Accepted("a:\n  - 1\n  -\n  - k: v\n    l: w\nb: ~", #"{"a":[1,null,{"k":"v","l":"w"}],"b":null}"#),
            Accepted("- - - a\n    - b\n  - c\n- d", #"[[["a","b"],"c"],"d"]"#),
            Accepted("- a: \n  - b\n  c:\n  - d", #"[{"a":["b"],"c":["d"]}]"#),
            Accepted("a:\n  b:\n    c:\n  d:\ne:", #"{"a":{"b":{"c":null},"d":null},"e":null}"#),
            Accepted("-\n-\n- ", "[null,null,null]"),
            Accepted(" a: 1\n b: 2", #"{"a":1,"b":2}"#),
            Accepted("a b : 1\n\"c d\" : 2\n'e': 3", #"{"a b":1,"c d":2,"e":3}"#),
            Accepted("a: # comment\n  b: 2 # c\n  # d\n\n  c: x#y\n#", #"{"a":{"b":2,"c":"x#y"}}"#),
            Accepted("a: 1\r\nb:\r\n  - c\r\n", #"{"a":1,"b":["c"]}"#),
            Accepted("a: 1\rb: 2", #"{"a":1,"b":2}"#),
            Accepted("a:\t1 \t\n\t\n \t# comment\n-x: 2", #"{"a":1,"-x":2}"#),
            Accepted(productsFlow, productsFlowJSON),
        ])
    func blockMapsAndLists(_ row: Accepted) throws { try check(row) }

    @Test(
        "Keys are the text that was written",
        arguments: [
            Accepted("1: a\ntrue: b\nnull: c\n~: d\n1.0: e", #"{"1":"a","true":"b","null":"c","~":"d","1.0":"e"}"#),
            Accepted("yes: a\n12:30: b\n-: c\n\"\": d", #"{"yes":"a","12:30":"b","-":"c","":"d"}"#),
            Accepted("\"<<\": a\n'*': b\n\"\\u00e9\": c", #"{"<<":"a","*":"b","é":"c"}"#),
            // Two keys, as in Python and JavaScript, though Swift's `==` for String calls them equal.
            Accepted("\u{E9}: 1\ne\u{301}: 2", "{\"\u{E9}\":1,\"e\u{301}\":2}"),
        ])
    func keys(_ row: Accepted) throws { try check(row) }

    @Test(
        "Flow maps and lists",
        arguments: [
            Accepted("[]", "[]"), Accepted("{}", "{}"), Accepted("[[], {}, [{}]]", "[[],{},[{}]]"),
            Accepted("a: [1, 2,]\nb: {x: y, z: [w], }", #"{"a":[1,2],"b":{"x":"y","z":["w"]}}"#),
            Accepted("{a: 1,\n b: 2}", #"{"a":1,"b":2}"#),
            Accepted("a: {\n  b: 1, # c\n  c: [1,\n\n   2\n  ]\n}\nd: 1", #"{"a":{"b":1,"c":[1,2]},"d":1}"#),
            Accepted(#"{"a":1,"b":[true,null],'c':x}"#, #"{"a":1,"b":[true,null],"c":"x"}"#),
            Accepted("{\n\t\"a\": [\n\t\t1\n\t]\n}", #"{"a":[1]}"#),
            Accepted("[a: b, c, \"d\": [e]]", #"[{"a":"b"},"c",{"d":["e"]}]"#),
            Accepted("[a\n b, c\n\n d]", #"["a b","c\nd"]"#),
            Accepted("{a: , b: }", #"{"a":null,"b":null}"#),
            Accepted("{\"a\"\n : 1}", #"{"a":1}"#),
            Accepted("{-: 1, +: 2, ==: 3, <: 4, /: 5}", #"{"-":1,"+":2,"==":3,"<":4,"/":5}"#),
            Accepted("[a:b, http://x/?y, a#b, -x, ?y, :z]", #"["a:b","http://x/?y","a#b","-x","?y",":z"]"#),
        ])
    func flowMapsAndLists(_ row: Accepted) throws { try check(row) }

    @Test(
        "Plain scalars over several lines",
        arguments: [
            Accepted("a: one\n  two\n\n  three  \nb: x", #"{"a":"one two\nthree","b":"x"}"#),
            Accepted("a:\n  x\n  y\nb:\n  - x\n   y", #"{"a":"x y","b":["x y"]}"#),
            Accepted("one\ntwo\n\n\nthree", #""one two\n\nthree""#),
            Accepted("a: b\n \tc\n# d", #"{"a":"b c"}"#),
            Accepted("a: it's {so} [and] so, on", #"{"a":"it's {so} [and] so, on"}"#),
            Accepted("url: http://x:80/y?z=1#frag", #"{"url":"http://x:80/y?z=1#frag"}"#),
        ])
    func plainScalars(_ row: Accepted) throws { try check(row) }

    @Test(
        "Quoted scalars",
        arguments: [
            Accepted("a: 'it''s'\nb: ''\nc: \"\"", #"{"a":"it's","b":"","c":""}"#),
            Accepted("a: 'x \\n # y'", #"{"a":"x \\n # y"}"#),
            Accepted("a: \"x  \n   y\\\n   z\\n\n   \n   w\"", #"{"a":"x yz\n\nw"}"#),
            Accepted("a: \"x \\\n  \\ y\"", #"{"a":"x  y"}"#),
            Accepted("a: '\n\n  x\n\n  y\n  '", #"{"a":"\nx\ny "}"#),
            Accepted("\" a \t\"", #"" a \t""#),
            Accepted(
                #""\0\a\b\t\n\v\f\r\e\ \"\/\\""#, #""\u0000\u0007\b\t\n\u000b\f\r\u001b \"/\\""#),
            Accepted(#""\N\_\L\P""#, #""\u0085\u00a0\u2028\u2029""#),
            Accepted(#""\x41\u00e9\U0001F600""#, #""Aé😀""#),
            Accepted(#""\ud83d\ude00""#, #""😀""#),
            Accepted("\"a\\\tb\"", #""a\tb""#),
        ])
    func quotedScalars(_ row: Accepted) throws { try check(row) }

    @Test(
        "Literal and folded scalars",
        arguments: [
            Accepted("a: |\n  l1\n   l2\n\n  l3\nb: 1", #"{"a":"l1\n l2\n\nl3\n","b":1}"#),
            Accepted("a: |-\n\n  x\n\n\nb: 1", #"{"a":"\nx","b":1}"#),
            Accepted("a: |+\n  x\n\n\nb: 1", #"{"a":"x\n\n\n","b":1}"#),
            Accepted("a: |\n  x", #"{"a":"x"}"#),
            Accepted("a: |\n  x\n    ", #"{"a":"x\n  "}"#),
            Accepted("a: |\n  # no comment\n  k: v\n# comment\nb: 1", ##"{"a":"# no comment\nk: v\n","b":1}"##),
            Accepted("a: |2\n    two\n  one\nb: |-1\n  x", #"{"a":"  two\none\n","b":" x"}"#),
            Accepted("a: |\n\nb: >-\n", #"{"a":"","b":""}"#),
            Accepted("a: |+\n\n\nb: 1", #"{"a":"\n\n","b":1}"#),
            Accepted("- |\n x\n- >\n y\n- z", #"["x\n","y\n","z"]"#),
            Accepted("- a: |\n    x\n  b: 1", #"[{"a":"x\n","b":1}]"#),
            Accepted(
                "a: >-\n  f1\n  f2\n\n  f3\n   more\n   more2\n  end\n", #"{"a":"f1 f2\nf3\n more\n more2\nend"}"#),
            Accepted("a: >\n\n  x\n  y\n\n\n  z\n", #"{"a":"\nx y\n\nz\n"}"#),
            Accepted("a: >+\n  x\n  y\n\n", #"{"a":"x y\n\n"}"#),
            Accepted("a: |  # comment\n  x\r\n  y\r\n", #"{"a":"x\ny\n"}"#),
            Accepted("a: |\n x\n ---\n", #"{"a":"x\n---\n"}"#),
            Accepted("--- |\nx\ny\n", #""x\ny\n""#),
            Accepted("a:\n  |\n  x\n", #"{"a":"x\n"}"#),
        ])
    func blockScalars(_ row: Accepted) throws { try check(row) }

    @Test(
        "Core schema",
        arguments: [
            Accepted("[null, Null, NULL, ~, nULL]", #"[null,null,null,null,"nULL"]"#),
            Accepted("[true, True, TRUE, false, False, FALSE, tRue]", #"[true,true,true,false,false,false,"tRue"]"#),
            Accepted("[yes, no, on, off, y, n, NO]", #"["yes","no","on","off","y","n","NO"]"#),
            Accepted("[0, 12, -12, +5, 012, -0]", "[0,12,-12,5,12,0]"),
            Accepted("[0o17, 0xFF, 0xfF, 0o8, 0xg, 0b1]", #"[15,255,255,"0o8","0xg","0b1"]"#),
            Accepted(
                "[9223372036854775807, -9223372036854775808, 0x7FFFFFFFFFFFFFFF]",
                "[9223372036854775807,-9223372036854775808,9223372036854775807]"),
            Accepted("[1.5, 1., .5, -.5e-3, +1e3, 1E+2, 1e-999]", "[1.5,1.0,0.5,-0.0005,1000.0,100.0,0.0]"),
            Accepted("[., -., +, .e3, e3, 1e, 1e+, 1.2.3]", #"[".","-.","+",".e3","e3","1e","1e+","1.2.3"]"#),
            Accepted("[2026-01-01, 12:30, 1_000, 1s, 5%, 50/s]", #"["2026-01-01","12:30","1_000","1s","5%","50/s"]"#),
            Accepted(#"["1", 'true', "null", "~", ".inf"]"#, #"["1","true","null","~",".inf"]"#),
        ])
    func coreSchema(_ row: Accepted) throws { try check(row) }

    @Test(
        "Documents",
        arguments: [
            Accepted(""), Accepted(" \n\t\n# only a comment\n"), Accepted("..."),
            Accepted("---", "null"), Accepted("---\n---\n", "null", "null"),
            Accepted("a\n---\nb", #""a""#, #""b""#), Accepted("a\n...\n# c\nb", #""a""#, #""b""#),
            Accepted("--- {a: b}\n--- [x] # c\n... # d\n", #"{"a":"b"}"#, #"["x"]"#),
            Accepted("--- # comment\na: 1\n---\n- b\n", #"{"a":1}"#, #"["b"]"#),
            Accepted("a: |\n x\n---\nb: 1", #"{"a":"x\n"}"#, #"{"b":1}"#),
            Accepted("a: ---\n---x: 1", #"{"a":"---","---x":1}"#),
        ])
    func documents(_ row: Accepted) throws { try check(row) }

    private func check(_ row: Accepted) throws {
        let documents = try YAML.parse(Array(row.yaml.utf8))
        #expect(documents.map(\.json.text) == (try row.documents.map { try JSON(parsing: $0).text }))
    }
}
