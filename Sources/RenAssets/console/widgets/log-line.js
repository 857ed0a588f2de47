// One entry of a log.

import { h } from "../h.js";
import { moment, visible } from "../format.js";
import { coloured } from "./ansi.js";
import { shortJSON } from "./json.js";

export const LEVELS = ["debug", "info", "warning", "error"];

/**
 * @param {object} line of `GET /runs/{run}/logs`
 * @param {{where?: boolean}} [options] whether to say of which node and item
 */
export function logLine(line, { where = false } = {}) {
    return h(
        "div", { key: `${line.position}/${line.time}`, class: `log-line ${line.level ?? ""}` },
        h("span", { class: "time", title: line.time }, line.time ? moment(line.time, { milliseconds: true }) : ""),
        h("span", { class: "level" }, line.level ?? ""),
        where && h("span", { class: "where cut", title: whereOf(line) }, whereOf(line)),
        h("span", { class: "said" }, saidOf(line)),
    );
}

export function whereOf(line) {
    if (!line.node) return "run";
    const key = line.key === undefined ? "" : ` ${visible(line.key, { max: 60 })}`;
    return `${visible(line.node)}${key}${line.attempt > 1 ? ` #${line.attempt}` : ""}`;
}

/** The text with its colours, then its fields. */
export function saidOf(line, text = line.text) {
    return [
        h("span", { key: "text" }, coloured(text)),
        line.fields && h("span", { key: "fields", class: "quiet" }, ` ${shortJSON(line.fields, 300)}`),
    ];
}
