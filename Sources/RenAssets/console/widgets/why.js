// Why a node or an item is as it is, in sentences that name their events.

import { path } from "../api.js";
import { h } from "../h.js";
import { count, visible } from "../format.js";

/** Asked only when somebody wants to know. */
export class Why {
    #page;
    #answer = null;
    #of = "";

    /** @param {import("../pages/run.js").RunPage} page of a node or an item */
    constructor(page) {
        this.#page = page;
    }

    /** @param {string} [key] of the item; the node itself without one */
    view(key) {
        const { app, run, route, store } = this.#page;
        const { node } = route.params;
        // An answer from before something happened is none.
        const of = `${key}/${store.snapshot.version}`;
        const ask = () => this.#page.read(async () => {
            const address = key === undefined
                ? path`/runs/${run}/nodes/${node}/why`
                : path`/runs/${run}/items/${node}/${key}/why`;
            this.#answer = await app.api.get(address, null, this.#page.signal);
            this.#of = of;
        });
        const answer = this.#of === of ? this.#answer : null;
        return h(
            "section", { class: "why" },
            h("h3", null, "Why"),
            answer
                ? [
                    h("p", { key: "why", role: "status" }, visible(answer.why, { max: 1000 })),
                    h("ul", { key: "because", class: "latest" }, answer.because.map((reason, place) => h(
                        "li", { key: place },
                        reason.sequence === null ? h("span", { class: "numbers" }, "–") : h(
                            "a",
                            { class: "numbers", href: this.#page.at.tab("journal", { seq: reason.sequence }) },
                            count(reason.sequence),
                        ),
                        h("span", null, visible(reason.text, { max: 1000 })),
                    ))),
                ]
                : h("button", { type: "button", onclick: ask }, key === undefined
                    ? "Why did this node do what it did?" : "Why did this item do what it did?"),
        );
    }
}
