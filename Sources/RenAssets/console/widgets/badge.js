// States of runs, nodes and items: shape, word and colour.

import { h } from "../h.js";
import { icon } from "./icon.js";

/** Which of the seven colours a state has, and whose shape. */
const LOOKS = {
    succeeded: ["ok"], failed: ["bad"], running: ["go"], retrying: ["warn"], waiting: ["ask"], pending: ["idle"],
    ready: ["idle"], skipped: ["idle"], cancelled: ["idle"], unknown: ["bad"], paused: ["warn"],
    pausing: ["warn", "paused"], stopping: ["warn", "stopped"], stopped: ["idle"], ending: ["go", "running"],
    quarantined: ["bad"], starting: ["warn", "retrying"], exited: ["idle", "stopped"],
};
const WORDS = { unknown: "outcome unknown" };

export const tone = (state) => LOOKS[state]?.[0] ?? "idle";
export const shape = (state) => LOOKS[state]?.[1] ?? state;
export const word = (state) => WORDS[state] ?? state;

/** @param {string} [more] stands behind the word, such as how long */
export function badge(state, more) {
    return h("span", { class: `badge ${tone(state)}` }, icon(shape(state)), word(state), more ? ` ${more}` : null);
}

/** A number of a state: `✗ 37 failed`. */
export function tally(state, number, text) {
    return h("span", { class: `tally ${number ? tone(state) : "none"}` }, icon(shape(state)), text ?? number);
}
