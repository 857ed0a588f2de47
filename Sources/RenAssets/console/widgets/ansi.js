// Lines of a log: colours that programs write become colours, other control sequences are left out.

import { h } from "../h.js";
import { visible } from "../format.js";

// CSI, OSC (to BEL or ST) and two-byte sequences (ECMA-48).
const SEQUENCE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** The text without its sequences. */
export const plain = (text) => text.replace(SEQUENCE, "");

/** Cuts a text into descriptions with classes. */
export function coloured(text, max = 4000) {
    if (!text.includes("\u001b")) return visible(text, { max });
    const parts = [];
    let style = {};
    let place = 0;
    let left = max;
    const add = (piece) => {
        if (!piece || left <= 0) return;
        const classes = [style.colour && `ansi-${style.colour}`, style.bold && "ansi-bold", style.dim && "ansi-dim",
            style.underline && "ansi-underline"].filter(Boolean);
        parts.push(h("span", { class: classes.join(" ") || null }, visible(piece, { max: left })));
        left -= piece.length;
    };
    for (const match of text.matchAll(SEQUENCE)) {
        add(text.slice(place, match.index));
        place = match.index + match[0].length;
        if (match[2] === "m") style = styled(style, match[1]);
    }
    add(text.slice(place));
    return parts;
}

function styled(style, codes) {
    let next = { ...style };
    const numbers = (codes || "0").split(/[;:]/).map(Number);
    for (let index = 0; index < numbers.length; index += 1) {
        const code = numbers[index];
        if (code === 0) next = {};
        else if (code === 1) next.bold = true;
        else if (code === 2) next.dim = true;
        else if (code === 4) next.underline = true;
        else if (code === 22) next.bold = next.dim = false;
        else if (code === 24) next.underline = false;
        else if (code >= 30 && code <= 37) next.colour = COLOURS[code - 30];
        else if (code >= 90 && code <= 97) next.colour = COLOURS[code - 90];
        else if (code === 39) next.colour = undefined;
        // Colours by number: their numbers are no codes of their own.
        else if (code === 38 || code === 48) index += numbers[index + 1] === 2 ? 4 : 2;
    }
    return next;
}
