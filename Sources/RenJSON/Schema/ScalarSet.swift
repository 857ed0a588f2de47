/// The Unicode scalars that one place of a regular expression takes.
struct ScalarSet: Sendable {
    enum Item: Sendable {
        case range(Unicode.Scalar, Unicode.Scalar)
        case digit(Bool)
        case word(Bool)
        case space(Bool)
        /// A general category (`Lu`) or a group of them (`L`).
        case category(String, Bool)
    }

    private let items: [Item]
    private let isNegated: Bool
    /// The answers for ASCII, one bit each.
    private var ascii: (UInt64, UInt64) = (0, 0)

    init(_ items: [Item], isNegated: Bool = false) {
        self.items = items
        self.isNegated = isNegated
        for value in UInt8(0)..<64 where search(Unicode.Scalar(value)) { ascii.0 |= 1 << UInt64(value) }
        for value in UInt8(64)..<128 where search(Unicode.Scalar(value)) { ascii.1 |= 1 << UInt64(value - 64) }
    }

    /// Everything but line ends.
    static let dot = ScalarSet(
        [.range("\n", "\n"), .range("\r", "\r"), .range("\u{2028}", "\u{2029}")], isNegated: true)
    static let word = ScalarSet([.word(true)])

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<64: ascii.0 >> UInt64(scalar.value) & 1 == 1
        case 64..<128: ascii.1 >> UInt64(scalar.value - 64) & 1 == 1
        default: search(scalar)
        }
    }

    private func search(_ scalar: Unicode.Scalar) -> Bool {
        items.contains { Self.matches($0, scalar) } != isNegated
    }

    private static func matches(_ item: Item, _ scalar: Unicode.Scalar) -> Bool {
        switch item {
        case .range(let low, let high): low <= scalar && scalar <= high
        case .digit(let wanted): ("0"..."9").contains(scalar) == wanted
        case .word(let wanted): isWord(scalar) == wanted
        case .space(let wanted): isSpace(scalar) == wanted
        case .category(let name, let wanted): categoryName(of: scalar).hasPrefix(name) == wanted
        }
    }

    /// ASCII letters, digits and the underscore, as in ECMAScript.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t"..."\r", " ", "\u{A0}", "\u{FEFF}", "\u{2028}", "\u{2029}": true
        default: scalar.properties.generalCategory == .spaceSeparator
        }
    }

    static let categoryNames = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm",
        "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    private static func categoryName(of scalar: Unicode.Scalar) -> String {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
