// One slider over a run's events: where in its history the pages of the run stand.

import { h } from "../h.js";
import { debounced } from "../page.js";
import { to } from "../router.js";
import { count, moment } from "../format.js";
import { place, sentence } from "../words.js";
import { EventPages } from "./event-pages.js";
import { icon } from "./icon.js";

/** The place in the history stands in the address (`as_of`); the slider only moves that. */
export class Travel {
    #page;
    #pages = null;
    /** Where the slider is, until what it points to is read. */
    #wanted = null;
    /** The address does not say it yet. */
    #isAhead = false;
    /** Of which event the words were asked for: once, also when they do not come. */
    #asked = -1;

    /** @param {import("../pages/run.js").RunPage} page */
    constructor(page) {
        this.#page = page;
    }

    get keys() {
        return {
            "[": ["Event before", () => this.#step(-1)], "]": ["Next event", () => this.#step(1)],
            "0": ["Back to now", () => this.#page.app.router.set({ as_of: null })],
        };
    }

    get #version() {
        return this.#wanted ?? this.#page.store.snapshot?.version ?? 0;
    }

    #step(by) {
        this.#go(this.#version + by);
    }

    #go(version) {
        const { whole } = this.#page.store;
        if (!whole || version < 1 || version > whole.version) return;
        this.#wanted = version;
        this.#isAhead = true;
        this.#page.paint();
        this.#settle(version);
    }

    #settle = debounced((version) => this.#page.read(async () => {
        await this.#pages.need(version - 1, version);
        const event = this.#pages.at(version - 1);
        if (!event || version !== this.#wanted) return;
        this.#isAhead = false;
        this.#page.app.router.set({ as_of: event.sequence });
    }), 80);

    view() {
        const { store, app, run } = this.#page;
        const { whole, snapshot } = store;
        this.#pages ??= new EventPages(
            app.api, { run, version: whole.version, last: whole.last }, whole.version, this.#page.signal,
            this.#page.soon);
        if (!this.#isAhead && snapshot.as_of === this.#page.asOf) this.#wanted = null;
        const index = this.#version - 1;
        const event = this.#pages.at(index);
        if (!event && this.#asked !== index) {
            this.#asked = index;
            this.#page.read(() => this.#pages.need(index, index + 1));
        }
        // The address may name an event of another run.
        const seq = snapshot.as_of === this.#page.asOf ? snapshot.last : this.#page.asOf;
        const words = event ? [place(event), sentence(event)].filter(Boolean).join(" ") : "";
        return h(
            "section", { class: "travel", "aria-label": "Travel through the run's events" },
            h("div", { class: "line" },
                h("button", {
                    type: "button", "aria-label": "Event before", title: "[", disabled: index < 1,
                    onclick: () => this.#step(-1),
                }, icon("left")),
                h("input", {
                    type: "range", min: 1, max: whole.version, value: this.#version,
                    "aria-label": "Event of the run",
                    "aria-valuetext": `${count(this.#version)} of ${count(whole.version)}: ${words}`,
                    oninput: (input) => this.#go(Number(input.target.value)),
                }),
                h("button", {
                    type: "button", "aria-label": "Next event", title: "]", disabled: index + 1 >= whole.version,
                    onclick: () => this.#step(1),
                }, icon("right")),
                h("span", { class: "numbers" }, `${count(this.#version)} of ${count(whole.version)}`),
                h("button", {
                    type: "button", title: "0", onclick: () => app.router.set({ as_of: null }),
                }, "Back to now")),
            h("p", { class: "cut" },
                "As of ",
                h("a", { href: to.run(run, "journal", { as_of: this.#page.asOf, seq }) }, `event ${count(seq)}`),
                h("span", { class: "quiet" }, `, ${moment(snapshot.updated, { milliseconds: true })} · `),
                words),
        );
    }
}
