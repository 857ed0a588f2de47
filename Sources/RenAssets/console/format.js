// Numbers, times and sizes as people read them, and texts from outside without what would disturb a page.

import { settings } from "./settings.js";

/** By so much the clock of ren is ahead of this one. */
let ahead = 0;
/** Below this the difference is that of whole seconds, and of the way. */
const AHEAD_MIN = 5000;

/** Times of events are those of ren's clock; on another machine, that is not the browser's. */
export const now = () => Date.now() + ahead;

/** @param {string | null} date header of an answer that came now */
export function learnClock(date) {
    const difference = Date.parse(date) - Date.now();
    if (!Number.isNaN(difference)) ahead = Math.abs(difference) < AHEAD_MIN ? 0 : difference;
}

const integers = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const count = (number) => integers.format(number ?? 0);

export function plural(number, one, many = `${one}s`) {
    return `${count(number)} ${number === 1 ? one : many}`;
}

export function bytes(number) {
    if (number === null || number === undefined) return "–";
    let value = number;
    for (const unit of ["B", "kB", "MB", "GB"]) {
        if (value < 1000) return `${unit === "B" || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
        value /= 1000;
    }
    return `${value.toFixed(1)} TB`;
}

/** Under 1 ms, 900 ms, 1.9 s, 12 s, 3m 05s, 5h 48m, 2d 4h. */
export function duration(milliseconds) {
    if (milliseconds === null || milliseconds === undefined || Number.isNaN(milliseconds)) return "–";
    if (milliseconds > 0 && milliseconds < 1) return "under 1 ms";
    if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
    const seconds = milliseconds / 1000;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.floor(seconds)} s`;
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two((seconds / 60) % 60)}m`;
    return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds / 3600) % 24)}h`;
}

export const between = (from, to) => (from ? duration((to ? Date.parse(to) : now()) - Date.parse(from)) : "–");

/** As the settings want it: how long ago, or when. `.` changes it. */
export function time(iso) {
    if (!iso) return "–";
    return settings.time === "relative" ? relative(iso) : moment(iso);
}

export function relative(iso) {
    const past = now() - Date.parse(iso);
    if (Math.abs(past) < 1000) return "now";
    return past >= 0 ? `${duration(past)} ago` : `in ${duration(-past)}`;
}

/** 03:21:07 today, 22 Nov 03:21:07 before. */
export function moment(iso, { milliseconds = false } = {}) {
    if (!iso) return "–";
    const date = new Date(iso);
    let text = clock.format(date);
    if (milliseconds) text += `.${String(date.getMilliseconds()).padStart(3, "0")}`;
    const today = new Date();
    if (date.toDateString() === today.toDateString()) return text;
    return `${(date.getFullYear() === today.getFullYear() ? day : dayOfYear).format(date)} ${text}`;
}

/** When to expect something: 04:51 (1h 34m). */
export function eta(milliseconds) {
    if (milliseconds === null || milliseconds === undefined) return "–";
    return `${clock.format(new Date(now() + milliseconds)).slice(0, 5)} (${duration(milliseconds)})`;
}

export function rate(perSecond) {
    if (!perSecond) return "–";
    if (perSecond >= 1) return `${perSecond >= 100 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;
    return perSecond * 60 >= 1 ? `${(perSecond * 60).toFixed(1)}/min` : `${(perSecond * 3600).toFixed(1)}/h`;
}

export function percent(done, total) {
    if (!total) return "0 %";
    // 100 only when it is all: nobody should wait for the last item of a "finished" list.
    return `${done >= total ? 100 : Math.min(99, Math.floor((done / total) * 100))} %`;
}

export const short = (hash) => hash?.slice(0, 7) ?? "–";

const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * A text from outside on one line of its own: characters that would hide or turn round what stands beside them are
 * named instead, and it has an end.
 */
export function visible(text, { max = 2000, lines = false } = {}) {
    let shown = String(text ?? "");
    const rest = shown.length - max;
    if (rest > 0) shown = shown.slice(0, max);
    shown = shown.replace(/\r\n/g, "\n").replace(INVISIBLE, named);
    if (!lines) shown = shown.replace(/\n/g, "↵").replace(/\t/g, "→");
    return rest > 0 ? `${shown}… (${count(rest)} characters more)` : shown;
}

function named(character) {
    const code = character.codePointAt(0);
    return `⟨${code < 0x20 ? "" : "U+"}${code.toString(16).toUpperCase().padStart(code < 0x20 ? 2 : 4, "0")}⟩`;
}
