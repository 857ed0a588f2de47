// One event with all that it says: in words, as JSON, and the hashes that chain it.

import { saveBytes } from "../files.js";
import { h } from "../h.js";
import { to } from "../router.js";
import { bytes, count, moment, visible } from "../format.js";
import { place, sentence, stateOf } from "../words.js";
import { eventChange } from "./event-change.js";
import { icon } from "./icon.js";

/**
 * @param {object} page that shows it; `address(sequence)` leads to another event
 * @param {object} event of a list @param {object | null} detail the answer of `GET /journal/events/{sequence}`
 * @param {object | null} changes the answer of its `/changes`
 * @param {import("./json.js").JSONView} json
 */
export function eventDetail({ app, address, close }, event, detail, changes, json) {
    const {
        run_hash: runHash, journal_hash: journalHash, chain_problem: chainProblem, payload_json: payload, ...rest
    } = detail ?? event;
    return h(
        "aside", { class: "panel detail", "aria-label": `Event ${count(event.sequence)}` },
        h("div", { class: "line" },
            h("h2", null, `Event ${count(event.sequence)}`),
            h("span", { class: "quiet", title: event.time }, moment(event.time, { milliseconds: true })),
            h("span", { class: "grow" }),
            h("button", {
                type: "button", class: "plain", title: "Copy the command that shows it (y)",
                onclick: () => copyCommand(app, event),
            }, icon("copy"), "Command"),
            h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: close }, icon("failed"))),
        h("p", null, icon(stateOf(event)), " ", h("strong", null, event.type), place(event) && ` · ${place(event)}`),
        h("p", null, sentence(event)),
        event.run && event.run !== "journal" && h("p", { class: "quiet" },
            h("a", { href: to.run(event.run) }, visible(event.run)), ` version ${count(event.version)}`,
            event.node && event.key !== undefined && [
                " · ",
                h("a", { key: "item", href: to.item(event.run, event.node, event.key) }, "the item"),
            ],
            " · ",
            h("a", { href: to.run(event.run, "replay", { as_of: event.sequence }) }, "the run as of this event")),
        detail && changes && event.run !== "journal" && h("section", { class: "changed" },
            h("h3", null, "What it changed"), eventChange(changes, address)),
        event.payload && payload === undefined && detail && h("p", { class: "quiet" },
            `Its payload has ${bytes(event.payload.length)}: `,
            h("a", {
                href: `/api/v1/journal/events/${event.sequence}/payload`, target: "_blank",
                onclick: (click) => download(click, app, event),
            }, "download"),
        ),
        payload !== undefined && h("section", null, h("h3", null, "Payload"), json.view(payload)),
        h("details", { open: true },
            h("summary", null, "JSON"),
            h("pre", { tabindex: 0 }, visible(JSON.stringify(rest, null, 2), { max: 50_000, lines: true })),
        ),
        detail && h("p", { class: "note" }, chainProblem === null
            ? [icon("succeeded", "ok"), " It fits the chains of its run and of the journal."]
            : [icon("failed", "bad"), ` ${visible(chainProblem)}`]),
        detail && h("dl", { class: "hashes" },
            h("dt", null, "run chain"), h("dd", { class: "code", title: runHash }, runHash),
            h("dt", null, "journal chain"), h("dd", { class: "code", title: journalHash }, journalHash)),
    );
}

export const copyCommand = (app, event) => app.copy(`ren journal show ${event.sequence}`, "The command");

async function download(click, app, event) {
    // The address alone has no token.
    click.preventDefault();
    await saveBytes(app.api, `/api/v1/journal/events/${event.sequence}/payload`, `event-${event.sequence}.json`);
}
