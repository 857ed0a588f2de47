// ASCII bytes read as characters: `byte == "["` and `case "[":` instead of a table of constants.

func == (byte: UInt8, character: Unicode.Scalar) -> Bool {
    UInt32(byte) == character.value
}

func != (byte: UInt8, character: Unicode.Scalar) -> Bool {
    UInt32(byte) != character.value
}

func ~= (character: Unicode.Scalar, byte: UInt8) -> Bool {
    UInt32(byte) == character.value
}

extension UInt8 {
    /// A space or a tab: what separates words within a line.
    var isBlank: Bool { self == " " || self == "\t" }

    var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// One of the five bytes that end a plain scalar inside `[ ]` and `{ }`.
    var isFlowIndicator: Bool {
        switch self {
        case ",", "[", "]", "{", "}": true
        default: false
        }
    }

    /// The second or later byte of a Unicode scalar in UTF-8.
    var isContinuation: Bool { self & 0xC0 == 0x80 }

    /// 0 to 15 for a hexadecimal digit of either case.
    var hexValue: UInt32? {
        switch self {
        case 0x30...0x39: UInt32(self - 0x30)
        case 0x41...0x46: UInt32(self - 0x41 + 10)
        case 0x61...0x66: UInt32(self - 0x61 + 10)
        default: nil
        }
    }
}
