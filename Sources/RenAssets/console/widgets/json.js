// A JSON value to look through: folded where it is long, every text as text.

import { h } from "../h.js";
import { count, visible } from "../format.js";

const OPEN_DEPTH = 2;
const SHOWN = 100;
const TEXT_MAX = 400;

/** Remembers what is folded out; one for each value on the page. */
export class JSONView {
    #open = new Map();
    #paint;

    constructor(paint) {
        this.#paint = paint;
    }

    view(value) {
        return h("div", { class: "json" }, this.#value(value, "", 0, null));
    }

    #value(value, at, depth, name) {
        const label = name === null ? null : h("span", { class: "key" }, `${visible(name, { max: 200 })}: `);
        if (value === null || typeof value !== "object") return h("div", { key: at }, label, this.#plain(value, at));
        const entries = Array.isArray(value) ? value.map((each, index) => [index, each]) : Object.entries(value);
        const [before, after] = Array.isArray(value) ? "[]" : "{}";
        if (!entries.length) return h("div", { key: at }, label, before + after);
        const state = this.#open.get(at) ?? { isOpen: depth < OPEN_DEPTH && entries.length <= 50, shown: SHOWN };
        const set = (changes) => {
            this.#open.set(at, { ...state, ...changes });
            this.#paint();
        };
        const size = h("span", { class: "quiet" }, Array.isArray(value) ? `${count(entries.length)} in a list` : null);
        return h(
            "div", { key: at, class: "branch" },
            h(
                "button",
                {
                    type: "button",
                    class: "fold",
                    "aria-expanded": state.isOpen,
                    onclick: () => set({ isOpen: !state.isOpen }),
                },
                h("span", { class: "mark", "aria-hidden": "true" }, state.isOpen ? "▾" : "▸"), label, before,
                state.isOpen ? null : ` ${excerpt(entries, Array.isArray(value))} ${after}`, " ", size,
            ),
            state.isOpen && h(
                "div", { class: "members" },
                entries.slice(0, state.shown).map(([key, each]) => this.#value(each, `${at}/${key}`, depth + 1, key)),
                entries.length > state.shown && h(
                    "button", { type: "button", class: "small", onclick: () => set({ shown: state.shown + 1000 }) },
                    `${count(entries.length - state.shown)} more`),
            ),
        );
    }

    #plain(value, at) {
        if (typeof value !== "string") return h("span", { class: "literal" }, String(value));
        const isLong = value.length > TEXT_MAX;
        const isOpen = this.#open.get(at)?.isOpen;
        const max = isOpen ? 100_000 : TEXT_MAX;
        return h(
            "span", { class: "text" }, `"${visible(value, { max, lines: true })}"`,
            isLong && !isOpen && h(
                "button",
                {
                    type: "button", class: "small", onclick: () => {
                        this.#open.set(at, { isOpen: true });
                        this.#paint();
                    },
                }, "more"),
        );
    }
}

function excerpt(entries, isList) {
    if (isList) return "…";
    const names = entries.slice(0, 4).map(([name]) => visible(name, { max: 20 }));
    return `${names.join(", ")}${entries.length > 4 ? ", …" : ""}`;
}

/** A short form for one line of a table. */
export function shortJSON(value, max = 120) {
    const text = JSON.stringify(value, (_, each) =>
        typeof each === "string" && each.length > max ? `${each.slice(0, max)}…` : each) ?? "";
    return visible(text, { max });
}
