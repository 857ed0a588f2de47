// What one event changed in what is shown of its run, and what it is linked to.

import { h } from "../h.js";
import { count, visible } from "../format.js";
import { place } from "../words.js";
import { shortJSON } from "./json.js";

/**
 * @param {object} changes answer of `GET /journal/events/{sequence}/changes`
 * @param {(sequence: number) => string} address of another event
 */
export function eventChange({ changes, links }, address) {
    const link = (event) => h("a", { key: event.sequence, href: address(event.sequence) }, words(event));
    return [
        changes.length
            ? h("div", { key: "changes", class: "scroll" }, h("table", { class: "changes" },
                h("thead", null, h("tr", null, ["What", "Before", "After"].map((name) => h(
                    "th", { key: name, scope: "col" }, name)))),
                h("tbody", null, changes.map(({ path, before, after }) => h("tr", { key: path },
                    h("td", null, visible(path, { max: 200 })),
                    h("td", { class: "code" }, value(before)),
                    h("td", { class: "code" }, value(after)))))))
            : h("p", { key: "changes", class: "quiet" }, "Nothing that is shown of a run."),
        (links.cause || links.previous || links.effects.length > 0) && h("dl", { key: "links", class: "links" },
            links.cause && [h("dt", { key: "ct" }, "brought about by"), h("dd", { key: "cd" }, link(links.cause))],
            links.previous && [h("dt", { key: "pt" }, "before it"), h("dd", { key: "pd" }, link(links.previous))],
            links.effects.length > 0 && [
                h("dt", { key: "et" }, "after it"),
                h("dd", { key: "ed" }, links.effects.slice(0, 20).map((event) => h(
                    "div", { key: event.sequence }, link(event))),
                (links.more_effects || links.effects.length > 20) && h("div", { class: "quiet" }, "and more")),
            ]),
    ];
}

const value = (json) => (json === null ? h("span", { class: "quiet" }, "–") : shortJSON(json, 200));

function words({ sequence, type, node, key }) {
    return `event ${count(sequence)}: ${type} ${place({ node, key })}`;
}
