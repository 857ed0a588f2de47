// The frame of all pages of a run: what it is, how it is, what can be asked of it, and the tabs.

import { h } from "../h.js";
import { Page } from "../page.js";
import { to } from "../router.js";
import { between, percent, short, time, visible } from "../format.js";
import {
    abilities, anySignalDialog, pauseDialog, resume, retryDialog, signalDialog, stopDialog,
} from "../widgets/actions.js";
import { badge } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { loading, problemBox } from "../widgets/problem.js";
import { saveReport } from "../widgets/report.js";

export class RunPage extends Page {
    /** @type {import("../store.js").RunStore} */
    store;
    /** What this ren can do with runs besides what every ren can. */
    can = { retry: false, skip: false, fork: false, state: false };

    start() {
        this.store = this.app.store(this.route.params.run);
        abilities(this.app.api).then((can) => {
            this.can = can;
            this.soon();
        }, () => {});
    }

    get run() {
        return this.route.params.run;
    }

    get back() {
        return "/runs";
    }

    /** How far it is, for the tab. */
    get #share() {
        const { done, total } = this.store.progress;
        return percent(done, total);
    }

    get failures() {
        return this.store.problems.reduce((sum, group) => sum + group.failures, 0);
    }

    get title() {
        const name = visible(this.run, { max: 60 });
        const { snapshot, isOpen } = this.store;
        if (!snapshot) return `${name} - ren`;
        const share = isOpen && snapshot.status === "running" ? this.#share.replace(" ", "") : snapshot.status;
        return `${share}${this.failures ? ` ✗${this.failures}` : ""} ${name} - ren`;
    }

    get mark() {
        if (!this.store?.isOpen) return "";
        return `${parseInt(this.#share, 10)}${this.failures ? "!" : ""}`;
    }

    /** Name, address and title of the tabs; `1` to `6` go to them. */
    get tabs() {
        return [
            ["Overview", to.run(this.run)],
            ["Timeline", to.run(this.run, "timeline")],
            ["Logs", to.run(this.run, "logs")],
            ["Journal", to.run(this.run, "journal")],
            ...(this.can.state ? [["Replay", to.run(this.run, "replay")]] : []),
        ];
    }

    get keys() {
        const tabs = this.tabs.map(([name, address], index) => [
            String(index + 1),
            [name, () => this.app.router.go(address)],
        ]);
        const { isOpen, status } = this.store;
        const keys = Object.fromEntries(tabs);
        if (isOpen) keys.p = [status === "paused" ? "Resume the run" : "Pause the run", () => this.#pauseOrResume()];
        return keys;
    }

    #pauseOrResume() {
        const { status } = this.store;
        if (status === "paused" || status === "pausing") resume(this.app, this.run);
        else pauseDialog(this.app, this.run, this.store.inFlight);
    }

    view() {
        const { snapshot, problem } = this.store;
        if (!snapshot) {
            return h(
                "div",
                { class: "page" },
                h("h1", null, visible(this.run, { max: 100 })),
                problemBox(problem) ?? loading(),
            );
        }
        return h(
            "div", { class: "page run" },
            this.#head(snapshot),
            this.#unready(snapshot),
            problemBox(this.problem),
            this.content(snapshot),
        );
    }

    /** What the page itself shows. */
    content() {
        return null;
    }

    #head(snapshot) {
        const here = location.pathname;
        return h(
            "header", { class: "run-head" },
            h("p", { class: "trail" }, h("a", { href: "/runs" }, "Runs"), " / ",
                h("a", { href: to.flow(snapshot.flow) }, visible(snapshot.flow))),
            h("div", { class: "title-line" },
                h("h1", { title: snapshot.run }, visible(snapshot.run)),
                badge(
                    snapshot.status,
                    snapshot.ended ? between(snapshot.created, snapshot.ended) : between(snapshot.created),
                ),
                h("span", { class: "sr", role: "status" }, `The run is ${snapshot.status}.`),
                this.#buttons(snapshot)),
            h("p", { class: "quiet" },
                "started ", h("span", { title: snapshot.created }, time(snapshot.created)),
                snapshot.ended && [
                    ", ended ",
                    h("span", { key: "ended", title: snapshot.ended }, time(snapshot.ended)),
                ],
                " · flow ",
                h(
                    "a",
                    { href: to.flow(`${snapshot.flow}@${snapshot.flow_hash.slice(0, 12)}`) },
                    `${visible(snapshot.flow)}@${short(snapshot.flow_hash)}`,
                ),
                " · ", h("a", { href: to.run(this.run, "journal", { seq: snapshot.first }) }, "input"),
                snapshot.status !== "waiting" && this.store.isOpen && !snapshot.carried
                    && " · carried by nobody: resume takes it up"),
            h("nav", { class: "tabs", "aria-label": "Views of the run" }, this.tabs.map(([name, address], index) => h(
                "a", {
                    key: name,
                    href: address,
                    title: `${index + 1}`,
                    "aria-current": here === address.split("?")[0] ? "page" : null,
                }, name))),
        );
    }

    #buttons(snapshot) {
        const { app, run } = this;
        const { isOpen, status } = this.store;
        const waits = Object.entries(snapshot.nodes).filter(
            ([, node]) => node.status === "waiting" && node.signal !== undefined,
        );
        const isPaused = status === "paused" || status === "pausing";
        const failed = this.failures;
        return h(
            "div", { class: "actions" },
            waits.map(([name, node]) => h("button", {
                key: name, type: "button", class: "primary", onclick: () => signalDialog(app, run, name, node),
            }, icon("waiting"), waits.length > 1 ? `Answer ${visible(name, { max: 20 })}…` : "Answer…")),
            isOpen && !isPaused && h(
                "button",
                {
                    type: "button",
                    onclick: () => this.#pauseOrResume(),
                    disabled: status === "stopping" || status === "ending",
                },
                icon("paused"),
                "Pause",
            ),
            isOpen && (isPaused || !snapshot.carried) && h(
                "button",
                { type: "button", class: "primary", onclick: () => resume(app, run) },
                icon("running"),
                "Resume",
            ),
            isOpen && h(
                "button",
                {
                    type: "button",
                    onclick: () => stopDialog(app, snapshot, this.store.unfinished, this.can.fork),
                    disabled: status === "stopping" || status === "ending",
                },
                icon("stopped"),
                "Stop",
            ),
            isOpen && h("button", { type: "button", onclick: () => this.#signal() }, icon("signal"), "Signal"),
            this.can.retry && failed > 0 && h(
                "button",
                { type: "button", onclick: () => retryDialog(app, run, {}, failed) },
                icon("retrying"),
                `Retry ${failed} failed`,
            ),
            this.can.fork && h("a", { class: "button", href: to.run(run, "replay") }, icon("fork"), "Fork"),
            h(
                "button",
                {
                    type: "button",
                    class: "plain",
                    title: "Report: one file to send by mail",
                    onclick: () => saveReport(this.store, this.app),
                },
                icon("download"),
                "Report",
            ),
        );
    }

    async #signal() {
        let names = [];
        const snapshot = this.store.snapshot;
        await this.read(async () => {
            const flow = await this.app.api.get(
                `/flows/${encodeURIComponent(`${snapshot.flow}@${snapshot.flow_hash}`)}`,
            );
            names = [...new Set(flow.signals.map((each) => each.signal).filter(Boolean))];
        });
        anySignalDialog(this.app, this.run, names);
    }

    #unready(snapshot) {
        if (snapshot.error) {
            return h("div", { class: "note bad" }, icon("failed"), h(
                "strong",
                null,
                visible(snapshot.error.name),
            ), ` ${visible(snapshot.error.message, { max: 600 })}`,
                snapshot.error.frame && h("span", { class: "quiet" }, ` ${visible(snapshot.error.frame)}`));
        }
        const waiting = snapshot.waiting;
        if (!waiting) return null;
        return h("div", { class: "note ask" }, icon("quarantined"), h(
            "strong",
            null,
            "Ren cannot go on with it: ",
        ), visible(waiting.message, { max: 600 }),
            waiting.hint && h("span", { class: "quiet" }, ` ${visible(waiting.hint)}`));
    }
}

