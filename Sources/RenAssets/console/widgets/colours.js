// The colours of the stylesheet for what is drawn on canvases.

import { ITEM_STATES } from "../store.js";
import { tone } from "./badge.js";

let known = null;
const listeners = new Set();

/** Colours as the page has them now. */
export function palette() {
    if (known) return known;
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    const tones = Object.fromEntries(
        ["ok", "bad", "go", "warn", "ask", "idle"].map((name) => [name, of(`--cell-${name}`)]),
    );
    known = {
        ground: of("--surface"),
        line: of("--line"),
        text: of("--text"),
        quiet: of("--quiet"),
        band: of("--band"),
        tones,
        states: ITEM_STATES.map(
            (state) => (state === "skipped" || state === "cancelled" ? of("--cell-off") : tones[tone(state)]),
        ),
        ramp: [1, 2, 3, 4, 5].map((step) => of(`--ramp-${step}`)),
    };
    return known;
}

/** Gives back how to stop listening. */
export function onThemeChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function themeChanged() {
    known = null;
    for (const listener of listeners) listener();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeChanged);
