// The colours of the stylesheet for what is drawn on canvases.

import { ITEM_STATES } from "../store.js";
import { tone } from "./badge.js";

let known = null;
const listeners = new Set();

/** Colours as the page has them now. */
export function palette() {
    if (known) return known;
    // Which of its two values a colour has, is known of elements that have it.
    const probe = document.createElement("span");
    document.body.append(probe);
    const of = (name) => {
        probe.style.color = `var(${name})`;
        return getComputedStyle(probe).color;
    };
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
    probe.remove();
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
