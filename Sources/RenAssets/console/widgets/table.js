// What tables and small groups of controls have in common on all pages.

import { h } from "../h.js";

/**
 * @param {(string | [string, string])[]} heads names of the columns, some with a class; without a name nothing is said
 * @param {object[]} rows elements `tr`
 */
export function table(heads, rows, props = null) {
    return h("div", { class: "scroll" }, h("table", props,
        h("thead", null, h("tr", null, heads.map((head, place) => {
            const [name, kind] = [head].flat();
            return name ? h("th", { key: place, scope: "col", class: kind }, name) : h("td", { key: place });
        }))),
        h("tbody", null, rows)));
}

/** One of a list of facts. */
export const fact = (name, value) => h("div", { key: name }, h("dt", null, name), h("dd", null, value));

/** Buttons of which one is chosen. @param {[string, unknown][]} choices words and what is shown for them */
export function segments(label, choices, chosen, choose) {
    return h("span", { class: "segments", role: "group", "aria-label": label }, choices.map(([word, shown]) => h(
        "button", { key: word, type: "button", "aria-pressed": word === chosen, onclick: () => choose(word) }, shown)));
}
