import NIOCore
import NIOWebSocket
import Testing

@testable import RenWebSocket

/// One frame of a client.
struct Frame: Sendable {
    var opcode: UInt8
    var payload: [UInt8] = []
    var fin = true
    var reserved: UInt8 = 0
    var isMasked = true

    static func text(_ text: String, fin: Bool = true) -> Frame {
        Frame(opcode: 1, payload: Array(text.utf8), fin: fin)
    }
    static func more(_ payload: [UInt8], fin: Bool) -> Frame { Frame(opcode: 0, payload: payload, fin: fin) }
    static func more(_ text: String, fin: Bool) -> Frame { more(Array(text.utf8), fin: fin) }
    static func close(_ code: UInt16?, _ reason: [UInt8] = []) -> Frame {
        Frame(opcode: 8, payload: (code.map { [UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? []) + reason)
    }

    private static let key: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]

    /// As on the wire.
    var bytes: [UInt8] {
        var bytes = [(fin ? 0x80 : 0) | reserved << 4 | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ...125: bytes.append(mask | UInt8(payload.count))
        case ...65_535: bytes += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        default:
            bytes.append(mask | 127)
            bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
        }
        guard isMasked else { return bytes + payload }
        return bytes + Self.key + payload.enumerated().map { $1 ^ Self.key[$0 % 4] }
    }

    /// As the decoder hands it over.
    var decoded: WebSocketFrame {
        var data = ByteBuffer(bytes: payload)
        guard let opcode = WebSocketOpcode(encodedWebSocketOpcode: opcode) else { fatalError("four bits") }
        let key = isMasked ? WebSocketMaskingKey(Self.key) : nil
        if let key { data.webSocketMask(key) }
        return WebSocketFrame(
            fin: fin, rsv1: reserved & 4 != 0, rsv2: reserved & 2 != 0, rsv3: reserved & 1 != 0,
            opcode: opcode, maskKey: key, data: data)
    }
}

/// What a row wants: one word per action.
enum Wanted: Equatable, Sendable {
    case text(String)
    case pong([UInt8])
    case ping
    case fail(UInt16)
    case answer(UInt16?)
    case close(UInt16)
    case end

    init(_ action: WebSocketMachine.Action) {
        self =
            switch action {
            case .deliver(let text): .text(text)
            case .ping: .ping
            case .pong(let data): .pong(Array(data.readableBytesView))
            case .close(let code, _, .shutOutput): .fail(code ?? 0)
            case .close(let code, _, .end): .answer(code)
            case .close(let code, _, .awaitReply): .close(code ?? 0)
            case .end: .end
            }
    }
}

struct MachineRow: Sendable, CustomTestStringConvertible {
    let rule: String
    let frames: [Frame]
    let wanted: [Wanted]

    init(_ rule: String, _ frames: [Frame], _ wanted: [Wanted]) {
        (self.rule, self.frames, self.wanted) = (rule, frames, wanted)
    }

    var testDescription: String { rule }
}

private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

/// The server cases of RFC 6455, numbered as in its sections.
private let framing: [MachineRow] = [
    MachineRow("5.2 an unmasked text is refused", [Frame(opcode: 1, payload: [0x61], isMasked: false)], [.fail(1002)]),
    MachineRow("5.1 an unmasked ping is refused", [Frame(opcode: 9, isMasked: false)], [.fail(1002)]),
    MachineRow("5.6 a text is delivered", [.text("Hello")], [.text("Hello")]),
    MachineRow("5.6 an empty text is delivered", [.text("")], [.text("")]),
    MachineRow("5.6 two texts keep their order", [.text("a"), .text("b")], [.text("a"), .text("b")]),
    MachineRow("5.6 binary is not spoken", [Frame(opcode: 2, payload: [1])], [.fail(1003)]),
]
private let reserved: [MachineRow] =
    [1, 2, 4, 7].map { (bits: UInt8) in
        MachineRow("5.2 reserved bits \(bits)", [Frame(opcode: 1, reserved: bits)], [.fail(1002)])
    }
    + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map { (opcode: UInt8) in
        MachineRow("5.2 unknown opcode \(opcode)", [Frame(opcode: opcode)], [.fail(1002)])
    }
    + [MachineRow("5.2 reserved bit on a ping", [Frame(opcode: 9, reserved: 4)], [.fail(1002)])]
private let fragments: [MachineRow] = [
    MachineRow("5.4 two fragments", [.text("Hel", fin: false), .more("lo", fin: true)], [.text("Hello")]),
    MachineRow(
        "5.4 empty fragments", [.text("", fin: false), .more("", fin: false), .more("", fin: true)], [.text("")]),
    MachineRow(
        "5.4 a ping between fragments",
        [.text("a", fin: false), Frame(opcode: 9, payload: [7]), .more("b", fin: true)],
        [.pong([7]), .text("ab")]),
    MachineRow("5.4 a continuation of nothing", [.more("a", fin: true)], [.fail(1002)]),
    MachineRow("5.4 an open continuation of nothing", [.more("a", fin: false)], [.fail(1002)]),
    MachineRow("5.4 a text inside a message", [.text("a", fin: false), .text("b")], [.fail(1002)]),
    MachineRow(
        "5.4 a continuation after the end", [.text("a", fin: false), .more("b", fin: true), .more("c", fin: true)],
        [.text("ab"), .fail(1002)]),
    MachineRow("5.4 a close between fragments", [.text("a", fin: false), .close(1000)], [.answer(1000)]),
]
private let control: [MachineRow] = [
    MachineRow("5.5.2 a ping is answered", [Frame(opcode: 9, payload: Array("x".utf8))], [.pong(Array("x".utf8))]),
    MachineRow("5.5.2 an empty ping", [Frame(opcode: 9)], [.pong([])]),
    MachineRow("5.5 a ping of 125 bytes", [Frame(opcode: 9, payload: zeros(125))], [.pong(zeros(125))]),
    MachineRow("5.5 a ping of 126 bytes", [Frame(opcode: 9, payload: zeros(126))], [.fail(1002)]),
    MachineRow("5.5 a fragmented ping", [Frame(opcode: 9, fin: false)], [.fail(1002)]),
    MachineRow("5.5 a fragmented close", [Frame(opcode: 8, fin: false)], [.fail(1002)]),
    MachineRow("5.5.3 a pong nobody asked for", [Frame(opcode: 10, payload: [1])], []),
    MachineRow("5.5 a fragmented pong", [Frame(opcode: 10, fin: false)], [.fail(1002)]),
]
private let texts: [MachineRow] =
    [
        MachineRow("8.1 UTF-8 of four bytes", [.text("κόσμε 🧵")], [.text("κόσμε 🧵")]),
        MachineRow(
            "8.1 a character across fragments",
            [Frame(opcode: 1, payload: [0xf0, 0x9f], fin: false), .more([0xa7, 0xb5], fin: true)], [.text("🧵")]),
        MachineRow("8.1 U+0000 and U+10FFFF", [.text("\u{0}\u{10FFFF}")], [.text("\u{0}\u{10FFFF}")]),
        MachineRow(
            "8.1 the first half of a character only",
            [Frame(opcode: 1, payload: [0xf0, 0x9f], fin: false), .more([], fin: true)], [.fail(1007)]),
    ]
    + [[0xff], [0x80], [0xc0, 0xaf], [0xe0, 0x80, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xce]].map {
        (bytes: [UInt8]) in
        MachineRow("8.1 invalid UTF-8 \(bytes)", [Frame(opcode: 1, payload: bytes)], [.fail(1007)])
    }
private let closes: [MachineRow] =
    [
        MachineRow("5.5.1 an empty close", [.close(nil)], [.answer(nil)]),
        MachineRow("5.5.1 a close with a reason", [.close(1000, Array("bye".utf8))], [.answer(1000)]),
        MachineRow("5.5.1 nothing is heard after a close", [.close(1000), .text("a"), .close(1000)], [.answer(1000)]),
        MachineRow("5.5.1 a close of one byte", [Frame(opcode: 8, payload: [3])], [.fail(1002)]),
        MachineRow("5.5.1 a reason that is not UTF-8", [.close(1000, [0xff])], [.fail(1007)]),
        MachineRow(
            "7.1.4 a refused peer is heard only for its close", [.more("", fin: true), .text("a"), .close(1002)],
            [.fail(1002), .end]),
    ]
    + [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4401, 4999].map { (code: UInt16) in
        MachineRow("7.4 close code \(code)", [.close(code)], [.answer(code)])
    }
    + [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map { (code: UInt16) in
        MachineRow("7.4 close code \(code) must not be sent", [.close(code)], [.fail(1002)])
    }
private let sizes: [MachineRow] = [
    MachineRow(
        "a frame at its limit", [Frame(opcode: 1, payload: zeros(64))], [.text(String(repeating: "a", count: 64))]),
    MachineRow("a frame over its limit", [Frame(opcode: 1, payload: zeros(65))], [.fail(1009)]),
    MachineRow(
        "a message at its limit", [.text("", fin: false), .more(zeros(50), fin: false), .more(zeros(50), fin: true)],
        [.text(String(repeating: "a", count: 100))]),
    MachineRow(
        "a message over its limit",
        [.text("", fin: false), .more(zeros(64), fin: false), .more(zeros(37), fin: false)],
        [.fail(1009)]),
]

@Suite("WebSocket machine")
struct WebSocketMachineTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        (limits.frameBytesMax, limits.messageBytesMax) = (130, 200)
        return limits
    }

    @Test("The server cases of RFC 6455", arguments: framing + reserved + fragments + control + texts + closes)
    func serverCases(_ row: MachineRow) {
        var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
        #expect(row.frames.flatMap { machine.receive($0.decoded) }.map(Wanted.init) == row.wanted)
    }

    @Test("Frame and message limits", arguments: sizes)
    func sizeLimits(_ row: MachineRow) {
        var limits = ConnectionLimits()
        (limits.frameBytesMax, limits.messageBytesMax) = (64, 100)
        var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
        #expect(row.frames.flatMap { machine.receive($0.decoded) }.map(Wanted.init) == row.wanted)
    }

    @Test("Errors of the decoder become close codes")
    func decoderErrors() {
        let rows: [(NIOWebSocketError, UInt16)] = [
            (.invalidFrameLength, 1009), (.fragmentedControlFrame, 1002), (.multiByteControlFrameLength, 1002),
        ]
        for (error, code) in rows {
            var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
            #expect(machine.decodingFailed(error).map(Wanted.init) == [.fail(code)])
            #expect(machine.closeCode == code)
        }
    }

    @Test("Our close waits for the answer and hears nothing else")
    func closingHandshake() {
        var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
        #expect(machine.close(1013, reason: "resume after 7").map(Wanted.init) == [.close(1013)])
        #expect(machine.close(1000, reason: "").isEmpty)
        #expect(machine.receive(Frame.text("late").decoded).isEmpty)
        #expect(machine.receive(Frame.close(1013).decoded) == [.end])
        #expect(machine.closeCode == 1013)
    }

    @Test("A peer that stays silent is pinged twice and closed")
    func heartbeat() {
        var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
        func tick(_ seconds: Int64, isFlowing: Bool = true) -> [Wanted] {
            machine.tick(now: start + .seconds(seconds), isFlowing: isFlowing).map(Wanted.init)
        }
        #expect(tick(14) == [])
        #expect(tick(15) == [.ping])
        #expect(machine.receive(Frame(opcode: 10).decoded).isEmpty)
        #expect(tick(30) == [.ping])
        #expect(tick(45) == [.ping])
        #expect(machine.deadline == start + .seconds(60))
        #expect(tick(60) == [.fail(1001)])
        #expect(machine.deadline == .distantFuture)
    }

    @Test("A peer that is not read cannot be blamed for its pongs")
    func heartbeatWhileNotReading() {
        var machine = WebSocketMachine(limits: limits, isTrusted: true, now: start)
        for round in 1...10 {
            let now = start + .seconds(Int64(15 * round))
            #expect(machine.tick(now: now, isFlowing: false).map(Wanted.init) == [.ping])
        }
    }

    @Test("An untrusted socket is closed after 5 s with 4401")
    func untrustedTime() {
        var machine = WebSocketMachine(limits: ConnectionLimits(), isTrusted: false, now: start)
        #expect(machine.deadline == start + .seconds(5))
        #expect(machine.tick(now: start + .seconds(4), isFlowing: true).isEmpty)
        var trusted = machine
        trusted.trust()
        #expect(trusted.tick(now: start + .seconds(5), isFlowing: true).isEmpty)
        #expect(machine.tick(now: start + .seconds(5), isFlowing: true).map(Wanted.init) == [.fail(4401)])
    }

    @Test("An untrusted socket may send 4 KiB in all, control frames included")
    func untrustedBytes() {
        var machine = WebSocketMachine(limits: ConnectionLimits(), isTrusted: false, now: start)
        #expect(machine.receive(Frame(opcode: 1, payload: zeros(4_000)).decoded).count == 1)
        var trusted = machine
        trusted.trust()
        #expect(machine.receive(Frame(opcode: 9, payload: zeros(97)).decoded).map(Wanted.init) == [.fail(1009)])
        #expect(trusted.receive(Frame(opcode: 9, payload: zeros(97)).decoded).map(Wanted.init) == [.pong(zeros(97))])
    }
}
