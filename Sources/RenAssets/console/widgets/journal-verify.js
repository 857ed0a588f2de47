// Whether the journal is whole: every event read, every hash made again.

import { h } from "../h.js";
import { to } from "../router.js";
import { bytes, count, duration, moment, plural, visible } from "../format.js";
import { icon } from "./icon.js";
import { fact } from "./table.js";

/** When the journal was looked through last: the service forgets that when it ends. @param {object} index of the API */
export function verified({ verified }) {
    if (!verified) return "not verified since ren began";
    const { time, findings } = verified;
    return [
        `verified ${moment(time)} `, icon(findings ? "failed" : "succeeded", findings ? "bad" : "ok"),
        findings > 0 && ` ${plural(findings, "finding")}`,
    ];
}

export class JournalVerify {
    #page;
    #report = null;
    #since = 0;

    constructor(page) {
        this.#page = page;
    }

    async #verify() {
        this.#since = Date.now();
        this.#report = null;
        this.#page.paint();
        await this.#page.read(async () => {
            this.#report = await this.#page.app.api.post("/journal:verify");
        });
        this.#since = 0;
        this.#page.paint();
    }

    view(index) {
        const isBusy = this.#since > 0;
        return h("div", { class: "verify" },
            h("p", null, "Each event is chained to the one before by its hash, and each payload is named by its own. "
                + "The check reads all of them in a process of its own; ren goes on meanwhile."),
            index && !this.#report && h("p", { class: "quiet" }, verified(index)),
            h("div", { class: "buttons" }, h(
                "button", { type: "button", class: "primary", disabled: isBusy, onclick: () => this.#verify() },
                isBusy ? `Reads since ${duration(Date.now() - this.#since)}…` : "Check every hash")),
            h("div", { role: "status" }, this.#report && this.#result(this.#report)));
    }

    #result(report) {
        const isWhole = report.finding_count === 0;
        return h("section", { class: isWhole ? "panel" : "panel bad", "aria-label": "Result" },
            h("h2", null, icon(isWhole ? "succeeded" : "failed", isWhole ? "ok" : "bad"),
                isWhole ? " The journal is whole" : ` ${plural(report.finding_count, "finding")}`),
            h("dl", { class: "facts-list" },
                fact("Events", count(report.events)), fact("Runs", count(report.runs)),
                fact("Read", bytes(report.bytes)),
                fact("Artifacts", count(report.artifacts)), fact("Took", duration(report.milliseconds)),
                report.pruned_events + report.pruned_payloads > 0 && fact(
                    "Pruned",
                    `${plural(report.pruned_events, "event")} and ${plural(report.pruned_payloads, "payload")}, as `
                        + "announced")),
            h("ul", { class: "plain-list" }, report.findings.map((finding, place) => h("li", { key: place },
                finding.sequence !== null && [h("a", { key: "at", href: to.event(finding.sequence) },
                    `event ${count(finding.sequence)}`), ": "],
                visible(finding.what, { max: 400 })))),
            report.touched_runs?.length > 0 && h("p", null, `Runs touched: ${report.touched_runs.slice(0, 20).map(
                (run) => visible(run, { max: 60 })).join(", ")}; ${count(report.untouched_count)} are whole.`),
            h("p", null, "Keep this anchor elsewhere; it proves later that nothing was cut off or made anew: ",
                h("button", {
                    type: "button", class: "small", onclick: () => this.#page.app.copy(anchor(report), "The anchor"),
                }, icon("copy"), "Copy")),
            h("p", { class: "code" }, anchor(report)));
    }
}

const anchor = (report) => `${report.head}:${report.head_hash}`;

