// A run as it was after one of its events: what that event changed, what can go on from there, and whether the history
// explains itself.

import { path } from "../api.js";
import { h } from "../h.js";
import { to } from "../router.js";
import { count, plural, visible } from "../format.js";
import { eventChange } from "../widgets/event-change.js";
import { ForkForm } from "../widgets/fork-form.js";
import { graphView } from "../widgets/graph.js";
import { icon } from "../widgets/icon.js";
import { loading } from "../widgets/problem.js";
import { sentence } from "../words.js";
import { RunPage } from "./run.js";

export class RunReplayPage extends RunPage {
    #changes = null;
    #changesOf = null;
    #fork = new ForkForm(this);
    /** Answers of `:replay` and `:audit`; null while they are made. */
    #proofs = {};

    get back() {
        return this.at.tab();
    }

    get keys() {
        const button = document.querySelector(".fork [type=submit]");
        return { ...super.keys, F: ["To the fork’s button", () => button?.focus()] };
    }

    /** The address may name an event of another run: `last` is the run's own at that time. */
    async #load({ as_of: asOf, last }) {
        if (asOf !== this.asOf || last === this.#changesOf) return;
        this.#changesOf = last;
        await this.read(async () => {
            const changes = await this.app.api.get(`/journal/events/${last}/changes`, null, this.signal);
            if (last === this.#changesOf) this.#changes = changes;
        });
    }

    content(snapshot) {
        if (!this.store.isPast) {
            // Its place in the history stands in the address, also when it is the newest.
            queueMicrotask(() => this.asOf === null && this.app.router.set({ as_of: snapshot.last }));
            return loading();
        }
        this.#load(snapshot);
        return h(
            "div", { class: "replay" },
            graphView(this.store.graph, {
                label: "The run's nodes as they were", address: (name) => this.at.node(name),
                now: (name) => snapshot.nodes[name] && {
                    status: snapshot.nodes[name].status, total: snapshot.nodes[name].total,
                    counts: this.store.counts(name),
                },
            }),
            h("div", { class: "two" },
                this.#fork.view(),
                h("div", { class: "stack" },
                    h("section", { class: "panel", "aria-labelledby": "changed" },
                        h("h2", { id: "changed" }, "What the event changed"),
                        this.#changes
                            ? eventChange(this.#changes, (other) => to.run(this.run, "replay", { as_of: other }))
                            : this.problem ? null : loading()),
                    this.#proof())),
        );
    }

    #proof() {
        const { replay, audit } = this.#proofs;
        return h(
            "section", { class: "panel", "aria-labelledby": "proof" },
            h("h2", { id: "proof" }, "Proof"),
            h("p", { class: "quiet" },
                "Replay decides the whole history again, without effects, and compares. The audit says who asked "
                    + "what, and whether every record is whole."),
            h("div", { class: "buttons" },
                h("button", { type: "button", disabled: replay === null, onclick: () => this.#prove("replay") },
                    "Replay its decisions"),
                h("button", { type: "button", disabled: audit === null, onclick: () => this.#prove("audit") },
                    "Audit")),
            h("div", { role: "status" },
                (replay === null || audit === null) && loading(),
                replay && this.#replayed(replay),
                audit && this.#audited(audit)),
        );
    }

    async #prove(word) {
        this.#proofs[word] = null;
        this.paint();
        const isRead = await this.read(async () => {
            this.#proofs[word] = await this.app.api.post(`${path`/runs/${this.run}`}:${word}`);
        });
        if (!isRead) this.#proofs[word] = undefined;
    }

    #replayed({ matches, events, divergence }) {
        if (matches) {
            return h("p", { class: "good" }, icon("succeeded", "ok"), ` All ${plural(events, "event")} follow.`);
        }
        return h("div", null,
            h("p", null, icon("failed", "bad"), ` It departs at version ${count(divergence.version)}: `,
                visible(divergence.why, { max: 600 })),
            divergence.recorded && h("p", null, "Recorded is ", h(
                "a", { href: this.at.tab("journal", { seq: divergence.recorded.sequence }) },
                `event ${count(divergence.recorded.sequence)}`), `: ${sentence(divergence.recorded)}`));
    }

    #audited({ matches, findings, attempts, asked, chain }) {
        return h("div", null,
            matches
                ? h("p", { class: "good" }, icon("succeeded", "ok"),
                    ` ${plural(chain.events, "record")} and ${plural(chain.payloads, "payload")} are whole; the run's `
                        + "chain holds.")
                : h("ul", { class: "plain-list" }, findings.map((finding, place) => h("li", { key: place },
                    icon("failed", "bad"), ` ${visible(finding.what, { max: 400 })}`,
                    finding.sequence !== null && [" ", h("a", { key: "at", href: to.event(finding.sequence) },
                        `event ${count(finding.sequence)}`)]))),
            h("p", { class: "quiet" },
                `${plural(attempts.begun, "attempt")}: ${count(attempts.succeeded)} succeeded, `
                    + `${count(attempts.failed)} failed, ${count(attempts.interrupted)} interrupted. `
                    + `Asked by people: ${count(asked.count)}`),
            h("ul", { class: "latest" }, asked.first.slice(0, 10).map((event) => h("li", { key: event.sequence },
                h("a", { class: "numbers", href: this.at.tab("journal", { seq: event.sequence }) },
                    count(event.sequence)),
                h("span", null, `${sentence(event)}${event.by ? `, by ${visible(event.by)}` : ""}`)))));
    }
}
