// JSON with whole numbers as they are written: beyond 2^53 they become BigInts, which `JSON.stringify` writes as digits.

/** Longest run of digits that a number of JavaScript holds exactly. */
const LONG = /\d{16}/;

/** As `JSON.parse`. Browsers that do not tell how a number is written (before 2025) round it as they always did. */
export function parseJSON(text) {
    return LONG.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

function exactly(_, value, context) {
    return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source)
        ? BigInt(context.source)
        : value;
}

Object.defineProperty(BigInt.prototype, "toJSON", {
    value() {
        return JSON.rawJSON(String(this));
    },
});
