import JSONLogic
import RenJSON

/// Tells a misspelt operator from a word of its own, so that `{vra: input.shop}` is not passed on as data in silence.
///
/// The rule: a key is nearly an operator when, capitals and `_`, `-` and spaces aside, it is one; or when it is made of
/// signs and one sign away from one (or `&&` and its like from other languages); or when one slip of the keyboard (a letter left out, put in, changed, or swapped with its
/// neighbour; two in operators of six letters and more, if the first letter is right) makes it one of at least three
/// letters. A word that begins with the operator (`maximum`, `filters`; not `mapp`) and the everyday words below are
/// themselves, unless the value shows what was meant: a path into the scope beside nearly `var` or `val`.
enum NearOperator {
    /// The operator that was probably meant.
    static func find(key: String, value: Located) -> String? {
        guard !key.isEmpty, key.utf8.count <= 20, !Operators.isOperator(key) else { return nil }
        if key.utf8.allSatisfy({ signs.contains($0) }) { return aliases[key] ?? nearestSign(to: key) }
        let plain = plainForm(key)
        if let same = words.first(where: { $0.plain == plain }) { return same.name }
        if readsScope(value), let reader = ["var", "val"].first(where: { slips(plain, $0) == 1 }) { return reader }
        guard !ownWords.contains(plain) else { return nil }
        return words.first { word in
            let length = word.plain.utf8.count
            guard length >= 3, abs(plain.utf8.count - length) <= (length < 6 ? 1 : 2) else { return false }
            if plain.hasPrefix(word.plain) { return plain.utf8.count == length + 1 && plain.last == word.plain.last }
            let slips = slips(plain, word.plain)
            return slips == 1 || slips == 2 && length >= 6 && plain.utf8.first == word.plain.utf8.first
        }?.name
    }

    /// `input.shop`, or a list that begins so.
    private static func readsScope(_ value: Located) -> Bool {
        guard let text = value.text ?? value[0]?.text else { return false }
        let parts = text.split(separator: ".", maxSplits: 1)
        return parts.count == 2 && Scope.words.contains(String(parts[0]))
    }

    private static let words = Operators.names.filter { !$0.utf8.allSatisfy { signs.contains($0) } }.sorted()
        .map { (name: $0, plain: plainForm($0)) }
    private static let signs = Set("=!<>+-*/%?:&|".utf8)
    private static let aliases = [
        "&&": "and", "||": "or", "=": "==", "<>": "!=", "=>": ">=", "=<": "<=", "&": "and", "|": "or",
    ]

    private static func nearestSign(to key: String) -> String? {
        Operators.names.filter { $0.utf8.allSatisfy { signs.contains($0) } }.sorted().first { slips(key, $0) == 1 }
    }

    private static func plainForm(_ text: String) -> String {
        String(text.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " })
    }

    /// How many letters must be left out, put in, changed, or swapped with their neighbour; 3 stands for more than 2.
    private static func slips(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard abs(left.count - right.count) <= 2 else { return 3 }
        let width = right.count + 1
        var costs = Array(repeating: 0, count: (left.count + 1) * width)
        for row in 0...left.count {
            for column in 0...right.count {
                let at = row * width + column
                guard row > 0, column > 0 else {
                    costs[at] = row + column
                    continue
                }
                let change = left[row - 1] == right[column - 1] ? 0 : 1
                costs[at] = min(costs[at - width] + 1, costs[at - 1] + 1, costs[at - width - 1] + change)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    costs[at] = min(costs[at], costs[at - 2 * width - 2] + 1)
                }
            }
        }
        return min(costs[left.count * width + right.count], 3)
    }

    /// Everyday words and field names within a slip of an operator.
    private static let ownWords = Set(
        """
        act add ads age air ally amp amt ant any arm art axis ball bar bat bin bit bone bool cab call cam can cap car \
        cart cast cats chat city coat come cost cry ctr cut data date day days dome done dry dsc end ext fall far fast \
        fat fax fee fiber filler fin finder fitter folder fry gal gap gone gym hall hand hat home hot idea item jar kat \
        key lab land lap large law lax length lent line list lot mac mad main mall man many marge mask mat may men meta \
        mid mine mini mint mission mix mob mod mode model mop name nap near next node nose note nth one out pal pan par \
        part pat pay pin pix pos presence ray rat raw reserve reuse role rome row run same sand sat sin sole sort spa \
        sub subset sum tag tall tap tar tax tip tin title toe tone top toy tray trip true two type url vac valid van \
        vars vat vet vol wall war wax way win wrap zone
        """.split(separator: " ").map(String.init))
}
