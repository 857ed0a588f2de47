// A run as it was after one of its events, and what can be made of that.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { debounced } from "../page.js";
import { to } from "../router.js";
import { count, moment, visible } from "../format.js";
import { sentence, place } from "../words.js";
import { badge } from "../widgets/badge.js";
import { EventPages } from "../widgets/event-pages.js";
import { graphView } from "../widgets/graph.js";
import { icon } from "../widgets/icon.js";
import { empty, loading, problemBox } from "../widgets/problem.js";
import { RunPage } from "./run.js";

export class RunReplayPage extends RunPage {
    #state = null;
    #event = null;
    #pages = null;
    #version = 0;
    #fork = { plan: null, problem: null };

    get back() {
        return to.run(this.run);
    }

    update() {
        if (this.store.snapshot) this.#load();
    }

    get keys() {
        return {
            ...super.keys,
            "[": ["Event before", () => this.#go(this.#version - 1)],
            "]": ["Next event", () => this.#go(this.#version + 1)],
        };
    }

    /** Goes to the run's event of a number. */
    async #go(version) {
        if (!this.#pages || version < 1 || version > this.#pages.count) return;
        this.#version = version;
        this.paint();
        this.#settle(version);
    }

    #settle = debounced(async (version) => {
        await this.read(async () => {
            await this.#pages.need(version - 1, version);
            const event = this.#pages.at(version - 1);
            if (event && version === this.#version) this.app.router.set({ seq: event.sequence });
        });
    }, 120);

    async #load() {
        const { snapshot } = this.store;
        this.#pages ??= new EventPages(this.app.api, snapshot, snapshot.version, this.signal, this.soon);
        const sequence = Number(this.route.query.seq) || snapshot.last;
        await this.read(async () => {
            const index = await this.#pages.indexOf(sequence);
            await this.#pages.need(index, index + 1);
            this.#event = this.#pages.at(index);
            this.#version = index + 1;
            this.#fork = { plan: null, problem: null };
            this.#state = await this.app.api.get(path`/runs/${this.run}/state`, { at: sequence }, this.signal);
        });
    }

    content(snapshot) {
        if (!this.can.state) return empty("This ren cannot show earlier states of a run");
        if (!this.#pages) this.#load();
        if (!this.#pages || !this.#version) return this.problem ? null : loading();
        const total = this.#pages.count;
        const nodes = this.#state?.nodes ?? {};
        return h(
            "div", null,
            h("h2", { class: "sr" }, "Replay"),
            h("div", { class: "line slider" },
                h(
                    "button",
                    {
                        type: "button",
                        "aria-label": "Event before",
                        title: "[",
                        onclick: () => this.#go(this.#version - 1),
                    },
                    "◂",
                ),
                h("input", {
                    type: "range",
                    class: "grow",
                    min: 1,
                    max: total,
                    value: this.#version,
                    "aria-label": "Event of the run",
                    "aria-valuetext": this.#event ? `${this.#version} of ${total}: ${sentence(this.#event)}` : null,
                    oninput: (event) => this.#go(Number(event.target.value)),
                }),
                h(
                    "button",
                    {
                        type: "button",
                        "aria-label": "Next event",
                        title: "]",
                        onclick: () => this.#go(this.#version + 1),
                    },
                    "▸",
                ),
                h("span", { class: "numbers" }, `${count(this.#version)} of ${count(total)}`)),
            this.#event && h("p", null,
                h("span", { class: "quiet" }, "As of "),
                h(
                    "a",
                    { href: to.run(this.run, "journal", { seq: this.#event.sequence }) },
                    `event ${count(this.#event.sequence)}`,
                ),
                h(
                    "span",
                    { class: "quiet" },
                    ` ${moment(this.#event.time, { milliseconds: true })} · `,
                ), place(this.#event), " ", sentence(this.#event)),
            this.#state && h("p", null, badge(this.#state.status ?? snapshot.status)),
            this.#state && graphView(this.store.graph, {
                label: "The run's nodes as they were", address: (name) => to.node(this.run, name),
                now: (name) => nodes[name] && {
                    status: nodes[name].status,
                    total: nodes[name].total,
                    counts: nodes[name].total === undefined ? null : nodes[name],
                },
            }),
            this.can.fork && this.#event && this.#forkView(),
        );
    }

    #forkView() {
        const { plan, problem } = this.#fork;
        return h(
            "section", { class: "panel", "aria-labelledby": "fork" },
            h("h2", { id: "fork" }, "Fork from here"),
            h("p", null, "A new run that shares everything up to this event, and goes on by itself from there."),
            problemBox(problem),
            plan && h("pre", { tabindex: 0 }, visible(JSON.stringify(plan, null, 2), { max: 20_000, lines: true })),
            h("div", { class: "buttons" },
                h("button", { type: "button", onclick: () => this.#forkNow(true) }, "See what it would keep"),
                h(
                    "button",
                    { type: "button", class: "primary", onclick: () => this.#forkNow(false) },
                    icon("fork"),
                    "Fork",
                )));
    }

    async #forkNow(isDry) {
        try {
            const answer = await this.app.api.post(
                `${path`/runs/${this.run}`}:fork`, { at: this.#event.sequence, ...(isDry ? { dry_run: true } : {}) });
            this.#fork = { plan: isDry ? answer : null, problem: null };
            if (!isDry) this.app.router.go(to.run(answer.run));
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            this.#fork = { plan: null, problem: error };
        }
        this.paint();
    }
}

